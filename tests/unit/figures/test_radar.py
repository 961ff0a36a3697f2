"""The radar: every profile in its place, on one scale."""

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.figures.radar import MOST_TOGETHER, draw_capability_radar, rim, spokes
from emulsion.figures.score_cells import capability_scores
from figure_results import capabilities

SCORES = {"reasoning": 0.5, "code": 0.4, "creativity": 0.3, "conversation": 0.6}


def test_the_first_spoke_is_up_and_the_others_follow_clockwise() -> None:
    assert spokes([1, 2, 3, 4]) == pytest.approx(np.array([[0, 1], [2, 0], [0, -3], [-4, 0]]))


def test_a_profile_has_the_scores_at_its_corners_and_closes() -> None:
    axes = draw_capability_radar({"only_run": capabilities(SCORES)}).axes[0]
    profile = next(line for line in axes.lines if line.get_label() == "Only run")
    radii = np.hypot(*profile.get_xydata().T)
    assert radii == pytest.approx([0.5, 0.6, 0.3, 0.4, 0.5])  # reasoning, conversation, creativity, code, again


def test_the_band_reaches_from_the_lower_to_the_upper_limits() -> None:
    axes = draw_capability_radar({"only_run": capabilities(SCORES, half=0.125)}).axes[0]
    radii = np.hypot(*axes.patches[0].get_xy().T)
    assert sorted({round(radius, 3) for radius in radii}) == [
        0.175,
        0.275,
        0.375,
        0.425,
        0.475,
        0.525,
        0.625,
        0.725,
    ]


def test_chance_is_marked_only_where_it_is_known() -> None:
    run = capabilities(SCORES)
    assert "Chance level" not in draw_capability_radar({"a": run}).axes[0].get_legend_handles_labels()[1]
    run["capabilities"]["reasoning"]["chance"] = 0.25
    axes = draw_capability_radar({"a": run}).axes[0]
    marks = next(line for line in axes.lines if line.get_label() == "Chance level").get_xydata()
    assert marks[~np.isnan(marks).any(axis=1)] == pytest.approx(np.array([[0.0, 0.25]]))


def test_every_corner_has_the_name_of_its_capability_and_every_ring_its_score() -> None:
    axes = draw_capability_radar({"only_run": capabilities(SCORES, half=0.0)}).axes[0]
    places = {text.get_text(): text.xy for text in axes.texts}
    corners = {"Reasoning": (0, 0.6), "Conversation": (0.6, 0), "Creativity": (0, -0.6), "Code": (-0.6, 0)}
    rings = {"0.2": (0, 0.2), "0.4": (0, 0.4), "0.6": (0, 0.6)}
    assert list(places) == [*rings, *corners]
    assert all(places[name] == pytest.approx(place, abs=1e-9) for name, place in {**rings, **corners}.items())


@pytest.mark.parametrize("chance", [None, 0.25])
def test_the_note_below_many_radars_names_letters_and_the_marks_there_are(chance: float | None) -> None:
    runs = {f"run_{i}": capabilities(SCORES) for i in range(MOST_TOGETHER + 1)}
    for run in runs.values():
        run["capabilities"]["reasoning"]["chance"] = chance
    words = " ".join(draw_capability_radar(runs).get_supxlabel().split())
    assert "A Reasoning, B Conversation, C Creativity, D Code." in words
    assert ("Crosses: chance." in words) == (chance is not None)


def test_many_capabilities_below_many_radars_have_a_letter_or_a_number_of_their_own() -> None:
    runs = {f"run_{i}": capabilities({f"skill_{j}": 0.5 for j in range(90)}) for i in range(MOST_TOGETHER + 1)}
    labels = [text.get_text() for text in draw_capability_radar(runs).axes[0].texts]
    assert len(labels) == len(set(labels)) == 90 and {"A", "Z", "27", "90"} <= set(labels)


def test_many_strategies_get_a_radar_each_in_order() -> None:
    runs = {f"run_{i}": capabilities(SCORES) for i in range(MOST_TOGETHER + 1)}
    titles = [axes.get_title() for axes in draw_capability_radar(runs).axes]
    assert titles == [f"Run {i}" for i in range(MOST_TOGETHER + 1)]


def test_the_rim_holds_every_interval() -> None:
    assert rim(capability_scores({"a": capabilities(SCORES, half=0.0)})) == pytest.approx(0.6)
    assert rim(capability_scores({"a": capabilities(SCORES, half=0.01)})) == pytest.approx(0.8)


def test_two_capabilities_make_no_radar() -> None:
    with pytest.raises(UserError, match="at least 3"):
        draw_capability_radar({"a": capabilities({"reasoning": 0.5, "code": 0.4})})
