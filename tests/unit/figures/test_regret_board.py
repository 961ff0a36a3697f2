"""The figure of methods in simulated worlds."""

import math

import matplotlib
import pytest
from matplotlib.colors import to_hex

from emulsion.errors import UserError
from emulsion.figures.regret_board import draw_regret_board
from emulsion.figures.style import INK


def row(method, kind, median, cost=1.0, interval=(math.nan, math.nan)):
    """A row of methods.csv; regrets in nats."""
    low, high = interval
    ends = {"median_interval_low": low, "median_interval_high": high}
    return {"method": method, "kind": kind, "cost": cost, "median": median, "p90": 3 * median, **ends}


ROWS = [
    row("dml", "all", 0.01, 11.0, (0.008, 0.02)),
    row("olmix", "all", 0.02, 11.0),
    row("stratified", "all", 0.04),
    row("dml", "linear", 0.001),
    row("olmix", "linear", 0.05),
    row("stratified", "linear", 0.05),
]


def test_a_method_is_at_its_median_with_its_cost_and_filled_where_none_as_cheap_is_better():
    left, _ = draw_regret_board(ROWS).axes
    marks = [line for line in left.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in marks] == [(10, 0), (20, 1), (40, 2)]
    assert [line.get_markerfacecolor() for line in marks] == [INK, "white", INK]
    assert [text.get_text() for text in left.get_yticklabels()] == ["DML  11.00", "Olmix  11.00", "Stratified   1.00"]
    assert left.get_xlim()[0] == 0


def test_a_median_has_its_interval_where_there_are_worlds_enough():
    left, _ = draw_regret_board(ROWS).axes
    widths = [lines.get_linewidth()[0] for lines in left.collections]
    assert widths.count(1.6) == 1
    [interval] = [lines.get_segments()[0][:, 0] for lines in left.collections if lines.get_linewidth()[0] == 1.6]
    assert interval == pytest.approx([8, 20])


def test_cells_have_the_medians_of_a_kind_in_blue_below_stratified_sampling():
    _, right = draw_regret_board(ROWS).axes
    assert [text.get_text() for text in right.texts] == ["1.0", "50", "50"]
    colours = [to_hex(patch.get_facecolor()) for patch in right.patches]
    even = to_hex(matplotlib.colormaps["RdBu_r"](0.5))
    assert colours == [to_hex(matplotlib.colormaps["RdBu_r"](0.0)), even, even]


def test_without_stratified_sampling_there_is_no_line_and_no_word_of_colours():
    figure = draw_regret_board([row for row in ROWS if row["method"] != "stratified"])
    left, right = figure.axes
    assert len({to_hex(patch.get_facecolor()) for patch in right.patches}) == 1
    assert "blue" not in figure.get_supxlabel() and "blue" in draw_regret_board(ROWS).get_supxlabel()
    assert not [line for line in left.lines if line.get_marker() != "o"]


def test_no_row_is_refused():
    with pytest.raises(UserError, match="no worlds to draw"):
        draw_regret_board([])
