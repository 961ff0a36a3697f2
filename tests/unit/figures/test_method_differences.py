"""The figure of methods against stratified sampling."""

from itertools import pairwise

import pytest

from emulsion.errors import UserError
from emulsion.figures.method_differences import draw_method_differences
from emulsion.figures.style import INK
from method_board_cases import board, row


def test_a_row_is_at_its_difference_with_its_interval_and_stratified_has_none():
    figure = draw_method_differences(board(row("regmix", -0.5, verdict="better"), row("dml", 0.2), row("even", None)))
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["RegMix", "DML"]
    marks = [line for line in left.lines if line.get_marker() == "o"]
    assert [line.get_xdata()[0] for line in marks] == [-0.5, 0.2]
    # Filled only where the difference is significant.
    assert [line.get_markerfacecolor() for line in marks] == [INK, "white"]
    assert left.collections[0].get_segments()[0][:, 0] == pytest.approx([-0.6, -0.4])
    assert [line.get_xdata()[0] for line in right.lines if line.get_marker() == "o"] == [-0.25, 0.1]


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(UserError, match="add a method of kind stratified"):
        draw_method_differences(board(row("regmix", None)) | {"stratified": None})


def test_methods_that_all_decided_for_even_shares_are_drawn_without_a_row():
    left, right = draw_method_differences(board(row("stratified", None))).axes
    assert left.get_title(loc="left") == "Every mixture is that of stratified sampling"
    assert not [line for axes in (left, right) for line in axes.lines if line.get_marker() == "o"]


def test_a_method_that_diverged_flattens_no_other_one_in_either_panel():
    near = [row("aioli", 0.1), row("doge", -0.2), row("odm", 0.05)]
    assert {axes.get_xscale() for axes in draw_method_differences(board(*near)).axes} == {"linear"}
    for far in (12_000.0, -12_000.0):
        figure = draw_method_differences(board(*near, row("dml", far)))
        figure.draw_without_rendering()
        for axes, shown in zip(figure.axes, (far, far / 2), strict=True):
            places = axes.transAxes.inverted().transform(axes.transData.transform([(-0.1, 0), (0.05, 0), (shown, 0)]))
            assert abs(places[1, 0] - places[0, 0]) > 0.1 and 0.02 < places[2, 0] < 0.98
            low, high = axes.get_xlim()
            labels = [each for each in axes.get_xticklabels() if low <= each.get_position()[0] <= high]
            assert any(abs(label.get_position()[0]) >= 1000 for label in labels)
            boxes = [label.get_window_extent() for label in labels]
            assert all(left.x1 < right.x0 for left, right in pairwise(boxes))
        said = " ".join(figure.get_supxlabel().split())
        assert "the left axis is logarithmic" in said and "the right axis is logarithmic" in said


def test_two_diverged_methods_of_six_flatten_no_other_one():
    near = [row("aioli", 0.1), row("doge", -0.2), row("odm", 0.05), row("ado", 0.2)]
    figure = draw_method_differences(board(*near, row("dml", 900.0), row("regmix", 40_000.0)))
    figure.draw_without_rendering()
    for axes in figure.axes:
        places = axes.transAxes.inverted().transform(axes.transData.transform([(-0.1, 0), (0.05, 0)]))
        assert places[1, 0] - places[0, 0] > 0.1


def test_the_legend_of_many_sources_is_as_wide_as_the_figure():
    names = [f"group_{number}_of_text" for number in range(25)]
    cells = {name: {"difference": 0.1, "interval": None} for name in names}
    figure = draw_method_differences(board(row("doge", -0.2) | {"by_source": cells}) | {"sources": names})
    figure.draw_without_rendering()
    legend = figure.legends[0].get_window_extent()
    assert legend.width > figure.bbox.width / 2 and legend.x0 >= 0
