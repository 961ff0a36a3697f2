"""The figure of methods against stratified sampling."""

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
