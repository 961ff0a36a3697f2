"""The contributions figure says the right numbers in the right cells."""

from __future__ import annotations

from itertools import pairwise

import pytest
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from emulsion.errors import UserError
from emulsion.figures.contributions import colour_reach, draw_contributions, signed


def _cell(difference: float, verdict: str = "no significant effect", half: float = 0.05) -> dict:
    return {"difference": difference, "interval": [difference - half, difference + half], "verdict": verdict}


FOUND = {
    "base": "equal_mix",
    "note": "One run per mixture.",
    "capabilities": {
        "zeta": {"code": _cell(0.02), "reasoning": _cell(0.2, "contributes")},
        "alpha": {"code": _cell(-0.3, "hurts"), "reasoning": _cell(0.1, half=0.2)},
    },
    "mean": {"zeta": _cell(0.11, "contributes"), "alpha": _cell(-0.1)},
    "losses": {"zeta": {"zeta": _cell(0.5, "contributes")}, "alpha": {"zeta": _cell(0.0)}},
    "mean_loss": {"zeta": _cell(0.25, "contributes"), "alpha": _cell(0.0)},
}


def _texts(figure: Figure, panel: int) -> dict[tuple[int, int], list]:
    cells: dict[tuple[int, int], list] = {}
    for text in figure.axes[panel].texts:
        x, y = text.get_position()
        cells.setdefault((int(y), int(x)), []).append(text)
    return cells


def _said(figure: Figure, panel: int) -> dict[tuple[int, int], list[str]]:
    return {place: [text.get_text() for text in texts] for place, texts in _texts(figure, panel).items()}


def test_each_cell_has_its_difference_and_half_width_and_the_mean_stands_last() -> None:
    # Reasoning comes before code in every figure.
    assert _said(draw_contributions(FOUND), 0) == {
        (0, 0): ["+0.20", "±.05"],
        (0, 1): ["+0.02", "±.05"],
        (0, 2): ["+0.11", "±.05"],
        (1, 0): ["+0.10", "±.20"],
        (1, 1): ["−0.30", "±.05"],
        (1, 2): ["−0.10", "±.05"],
    }


def test_losses_have_a_panel_of_their_own_if_there_are_any() -> None:
    losses = {
        (0, 0): ["+0.500", "±.050"],
        (0, 1): ["+0.250", "±.050"],
        (1, 0): ["0.000", "±.050"],
        (1, 1): ["0.000", "±.050"],
    }
    assert _said(draw_contributions(FOUND), 1) == losses
    assert _said(draw_contributions({**FOUND, "capabilities": {}, "mean": {}}), 0) == losses
    without = draw_contributions({**FOUND, "losses": {}})
    assert len(without.axes[0].texts) == 12
    assert not any("Loss" in axes.get_title(loc="left") for axes in without.axes)


def test_a_significant_effect_on_a_loss_is_no_zero() -> None:
    losses = {source: {"zeta": _cell(0.004, "contributes", half=0.002)} for source in ("zeta", "alpha")}
    assert _said(draw_contributions({**FOUND, "losses": losses}), 1)[0, 0] == ["+0.004", "±.002"]


def test_an_interval_is_no_wider_than_scores_are_but_for_losses() -> None:
    cells = {"code": _cell(1.0, half=4.49), "reasoning": _cell(0.2, half=1.0)}
    wide = {source: {"zeta": _cell(1.0, half=1.5)} for source in ("zeta", "alpha")}
    figure = draw_contributions({**FOUND, "capabilities": {"zeta": cells, "alpha": cells}, "losses": wide})
    assert [_said(figure, 0)[0, column] for column in (0, 1)] == [["+0.20", "±1.00"], ["+1.00", "±>1"]]
    assert _said(figure, 1)[0, 0] == ["+1.000", "±1.500"]


def test_only_what_is_not_significant_is_hatched() -> None:
    patches = draw_contributions(FOUND).axes[0].patches
    hatched = {(int(p.get_y()), int(p.get_x())) for p in patches if isinstance(p, Rectangle) and p.get_hatch()}
    assert hatched == {(0, 1), (1, 0), (1, 2)}


def test_the_largest_contribution_is_bold_only_where_it_is_significant() -> None:
    bold = {
        place
        for place, texts in _texts(draw_contributions(FOUND), 0).items()
        if all(text.get_fontweight() == "bold" for text in texts)
    }
    assert bold == {(0, 0)}  # the largest of alpha is not significant


def test_a_significant_contribution_is_framed_though_a_larger_one_is_not_sure() -> None:
    cells = {"code": _cell(0.3, half=0.4), "reasoning": _cell(0.2, "contributes")}
    texts = _texts(draw_contributions({**FOUND, "capabilities": {"zeta": cells, "alpha": cells}}), 0)
    weights = {place: {text.get_fontweight() for text in each} for place, each in texts.items()}
    assert weights[0, 0] == {"bold"} and weights[0, 1] == {"normal"}


def test_no_capability_is_broken_inside_of_a_word() -> None:
    names = ["instruction_following", "factual_knowledge", "reasoning", "conversation", "creativity"]
    figure = draw_contributions({**FOUND, "capabilities": {"zeta": {name: _cell(0.2) for name in names}}})
    shown = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert "Conversation" in shown and "Instruction\nfollowing" in shown


def test_long_names_of_many_sources_do_not_touch() -> None:
    names = [f"a_long_source_name_{number}" for number in range(9)]
    losses = {name: {other: _cell(0.3) for other in names} for name in names}
    means = {name: _cell(0.3) for name in names}
    figure = draw_contributions({**FOUND, "capabilities": {}, "mean": {}, "losses": losses, "mean_loss": means})
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_xticklabels()]
    assert all(left.x1 < right.x0 for left, right in pairwise(boxes))


@pytest.mark.parametrize("sources", [1, 2, 4])
def test_a_long_name_of_the_base_and_few_sources_leave_every_word_on_the_page(sources: int) -> None:
    names = [f"source_{n}" for n in range(sources)]
    table = {name: {other: _cell(0.1) for other in names} for name in names}
    means = {name: _cell(0.1) for name in names}
    found = {**FOUND, "base": "a_long_name_of_a_mixture_" * 4, "capabilities": {}, "losses": table, "mean_loss": means}
    figure = draw_contributions(found)
    figure.draw_without_rendering()
    page, panel = figure.bbox, figure.axes[0]
    bar = panel.child_axes[0]
    heading, label = panel._left_title.get_window_extent(), bar.yaxis.label.get_window_extent()
    assert heading.x1 <= page.x1 and label.x1 <= page.x1
    assert label.y1 <= heading.y0


def test_colours_reach_to_the_largest_difference_of_all_sources_and_columns() -> None:
    cells = [{"difference": difference} for difference in (0.31, -0.52, 0.0)]
    assert colour_reach({"web": {"a": cells[0], "b": cells[2]}, "code": {"a": cells[1]}}) == pytest.approx(0.55)


def test_helping_is_blue_and_hurting_is_red() -> None:
    colours = {
        (int(p.get_y()), int(p.get_x())): p.get_facecolor()
        for p in draw_contributions(FOUND).axes[0].patches
        if p.get_width() == 1
    }
    red, _, blue, _ = colours[0, 0]
    assert blue > red
    red, _, blue, _ = colours[1, 1]
    assert red > blue


@pytest.mark.parametrize(("largest", "reach"), [(0.01, 0.1), (-0.31, 0.35), (0.2, 0.2)])
def test_colours_are_centred_and_do_not_blow_up_noise(largest: float, reach: float) -> None:
    assert colour_reach({"a": {"x": _cell(largest)}}) == pytest.approx(reach)


def test_no_sources_are_an_error() -> None:
    with pytest.raises(UserError, match="no sources"):
        draw_contributions({**FOUND, "capabilities": {}, "losses": {}})


def test_signed() -> None:
    assert [signed(value) for value in (0.244, -0.081, 0.001, -0.004)] == ["+0.24", "−0.08", "0.00", "0.00"]
