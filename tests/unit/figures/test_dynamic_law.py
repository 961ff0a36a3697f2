"""The dynamic law's figure: branches by parent, the law's line, corners apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes

from emulsion.errors import UserError
from emulsion.figures.dynamic_law import PALE, RAMP, draw_dynamic_law, falls, parent_looks, remark, set_title
from emulsion.laws.dynamic import DynamicLaw
from law_results_cases import dynamic_result


def _panels(figure: Any) -> dict[str, Axes]:
    return {axes.get_title(loc="left"): axes for axes in figure.axes if axes.get_title(loc="left")}


def _marks(axes: Axes, filled: bool) -> np.ndarray:
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    return np.concatenate([line.get_xydata() for line in marks if (line.get_markerfacecolor() != "none") == filled])


def _lines(axes: Axes, style: str) -> list[Any]:
    return [line for line in axes.lines if line.get_linestyle() == style]


def test_two_sources_are_drawn_as_next_loss_against_the_own_share() -> None:
    found = dynamic_result(2, seeds=(0,), sets=("early",), parents=3)
    panels = _panels(draw_dynamic_law(found))
    assert list(panels) == ["openhermes", "magpie"]
    ends = [end for trunk in found["branches"]["early"]["trunks"] for end in trunk["ends"]]
    for filled in (True, False):
        expected = [(e["weights"]["magpie"], e["losses"]["magpie"]) for e in ends if e["corner"] != filled]
        drawn = _marks(panels["magpie"], filled)
        np.testing.assert_allclose(drawn[np.lexsort(drawn.T)], np.array(sorted(expected, key=lambda xy: xy[::-1])))


def test_the_line_is_solid_where_it_was_fitted_and_dashed_to_the_corners() -> None:
    found = dynamic_result(2, seeds=(0,), sets=("early",), parents=1)
    trunk = found["branches"]["early"]["trunks"][0]
    axes = _panels(draw_dynamic_law(found))["magpie"]
    solid, dashed = _lines(axes, "-")[0].get_xydata(), _lines(axes, "--")[0].get_xydata()
    assert (solid[:, 0].min(), solid[:, 0].max()) == pytest.approx((0.1, 0.9))
    assert (dashed[:, 0].min(), dashed[:, 0].max()) == (0, 1)
    law = DynamicLaw.from_json(trunk["laws"]["linear"])
    np.testing.assert_allclose(solid[:, 1], law.predict(np.column_stack([1 - solid[:, 0], solid[:, 0]]))[:, 1])


def test_without_corners_nothing_is_open_or_dashed() -> None:
    found = dynamic_result(2, seeds=(0,), sets=("early",), parents=2, corners=False)
    axes = _panels(draw_dynamic_law(found))["magpie"]
    assert not _lines(axes, "--")
    assert all(line.get_markerfacecolor() != "none" for line in axes.lines)
    assert "Open" not in remark(found["branches"]["early"]["trunks"], 2)


def test_more_sources_are_drawn_as_observed_against_predicted_falls() -> None:
    found = dynamic_result(3, seeds=(0,), sets=("early",), parents=2)
    axes = _panels(draw_dynamic_law(found))["cosmopedia"]
    both = [falls(trunk, "cosmopedia", found["sources"]) for trunk in found["branches"]["early"]["trunks"]]
    expected = np.concatenate([np.column_stack([p[~corner], o[~corner]]) for p, o, corner in both])
    np.testing.assert_allclose(np.sort(_marks(axes, True), axis=0), np.sort(expected, axis=0))
    part = axes.figure
    assert (part.get_supxlabel(), part.get_supylabel()) == ("Fall of loss predicted (nats per token)", "Fall observed")
    said = remark(found["branches"]["early"]["trunks"], 3)
    assert "Open: a source alone" in said and "dashed" not in said
    assert axes.get_xlim() == axes.get_ylim()
    (identity,) = _lines(axes, "-")
    assert np.array_equal(identity.get_xdata(), identity.get_ydata())


def test_falls_are_what_the_law_and_the_branches_say() -> None:
    trunk = dynamic_result(3, seeds=(0,), sets=("early",), parents=1)["branches"]["early"]["trunks"][0]
    predicted, observed, corner = falls(trunk, "magpie", ["openhermes", "magpie", "cosmopedia"])
    effects = trunk["laws"]["linear"]["A"]["magpie"]
    end = trunk["ends"][0]
    assert predicted[0] == pytest.approx(sum(effects[s] * w for s, w in end["weights"].items()))
    assert observed[0] == pytest.approx(trunk["before"]["magpie"] - end["losses"]["magpie"])
    assert corner.tolist() == [False] * 10 + [True] * 3


def test_every_set_has_a_row_with_its_branch_point_and_each_panel_its_fit() -> None:
    found = dynamic_result(2, sets=("early", "rest"))
    figure = draw_dynamic_law(found)
    assert [part.get_suptitle() for part in figure.subfigs[1:]] == [
        "Early: next loss, after 18 thousand tokens, branched off at 360 thousand",
        "Rest: next loss, after 900 thousand tokens, branched off at 900 thousand",
    ]
    rest = found["branches"]["rest"]
    quality, noise = rest["quality"]["linear"]["groups"]["magpie"], rest["noise"]["groups"]["magpie"]
    text = figure.subfigs[2].axes[1].texts[0].get_text()
    assert text == f"R² {quality['r2']:.3f}, ceiling {noise['ceiling']:.3f}"
    assert set_title("early", found["branches"]["early"], 3).startswith("Early: fall of loss over 18 thousand")


def test_further_seeds_are_pale() -> None:
    axes = _panels(draw_dynamic_law(dynamic_result(2, seeds=(4, 7), sets=("early",), parents=2)))["magpie"]
    assert sorted(line.get_alpha() for line in _lines(axes, "-")) == [PALE, PALE, 1, 1]


def test_parents_of_two_sources_are_on_a_ramp_of_their_share() -> None:
    found = dynamic_result(2, sets=("early",))
    ramp, looks = parent_looks(found["branches"]["early"]["trunks"], found["sources"])
    assert (ramp.vmin, ramp.vmax) == pytest.approx((0.1, 0.9))
    assert len({tuple(look["color"]) for look in looks.values()}) == 9
    trunk = found["branches"]["early"]["trunks"][0]
    assert looks[trunk["parent"]]["color"] == RAMP(ramp(trunk["weights"]["openhermes"]))
    figure = draw_dynamic_law(found)
    assert "share of openhermes in the parent" in figure.axes[0].texts[0].get_text()
    assert not any(part.legends for part in figure.subfigs)


def test_parents_of_more_sources_are_named() -> None:
    names = [text.get_text() for text in draw_dynamic_law(dynamic_result(3)).subfigs[0].legends[0].get_texts()]
    assert names == [f"Sweep {k:02d}" for k in range(9)]


def test_a_single_parent_needs_no_ramp() -> None:
    found = dynamic_result(2, parents=1)
    assert parent_looks(found["branches"]["early"]["trunks"], found["sources"])[0] is None
    assert [t.get_text() for t in draw_dynamic_law(found).subfigs[0].legends[0].get_texts()] == ["Sweep 00"]


def test_an_incomplete_file_is_named() -> None:
    with pytest.raises(UserError, match=r"dynamic_law\.json: no branches"):
        draw_dynamic_law({"sources": ["a", "b"], "branches": {}})
