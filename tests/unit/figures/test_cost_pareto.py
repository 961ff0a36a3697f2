"""The figure of costs: where mixtures lie, and which of them are on the front."""

import pytest
from matplotlib.collections import LineCollection

from emulsion.errors import UserError
from emulsion.figures.cost_pareto import cost_in_runs, draw_cost_pareto, front
from method_board_cases import board, row


def test_a_cost_is_of_all_that_was_trained_and_a_third_of_all_that_was_read():
    assert cost_in_runs(row("regmix", -0.5, extra=2000, read=300)["costs"]["regmix"], 1000) == pytest.approx(2.1)
    assert cost_in_runs(row("old", -0.5, extra=None)["costs"]["old"], 1000) is None


def test_the_front_has_what_no_cheaper_mixture_beats():
    assert front([(2.0, -1.0), (0.0, 0.0), (1.0, 0.5), (1.0, -0.5), (3.0, -0.9)]) == [
        (0.0, 0.0),
        (1.0, -0.5),
        (2.0, -1.0),
    ]


def test_mixtures_are_at_their_cost_and_difference_with_their_names():
    found = board(row("regmix", -0.5, extra=2000), row("aioli", 0.1, read=300), row("even", None))
    figure = draw_cost_pareto(found)
    (axes,) = figure.axes
    marks = [(line.get_xdata()[0], line.get_ydata()[0]) for line in axes.lines if line.get_marker() == "o"]
    assert marks == [(0.0, 0.0), (2.0, -0.5), (pytest.approx(0.1), 0.1)]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1  Stratified", "2  RegMix", "3  Aioli"]
    # A number on each, filled on the front.
    faces = {text.get_text(): text.get_bbox_patch().get_facecolor() for text in axes.texts}
    assert faces["1"] == faces["2"] != faces["3"]


def test_an_interval_is_drawn_where_seeds_give_one():
    once = row("aioli", 0.1, read=300) | {"interval": None}
    (axes,) = draw_cost_pareto(board(row("regmix", -0.5, extra=2000), once)).axes
    drawn = [lines.get_segments()[0] for lines in axes.collections if isinstance(lines, LineCollection)]
    assert [segment.tolist() for segment in drawn] == [[[2.0, pytest.approx(-0.6)], [2.0, pytest.approx(-0.4)]]]


def test_a_method_that_is_far_off_does_not_flatten_the_others():
    near = [row("aioli", 0.1, read=300), row("doge", -0.2, read=300), row("odm", 0.05, read=300)]
    (usual,) = draw_cost_pareto(board(*near)).axes
    assert usual.get_yscale() == "linear"
    figure = draw_cost_pareto(board(*near, row("dml", 1200.0, extra=2000)))
    (axes,) = figure.axes
    assert axes.get_yscale() == "symlog"
    heights = axes.transAxes.inverted().transform(axes.transData.transform([(0, -0.2), (0, 0.1)]))[:, 1]
    assert heights[1] - heights[0] > 0.2
    ticks = axes.get_yticks()
    assert 1000 in ticks and len(ticks) == len(set(ticks)) < 12
    assert axes.get_ylim()[0] > -2  # no room for what is not there
    assert any("the upright axis is logarithmic" in text.get_text() for text in figure.texts)


def test_no_known_cost_is_refused():
    with pytest.raises(UserError, match="no cost is known"):
        draw_cost_pareto(board(row("old", -0.5, extra=None)))


def test_mixtures_that_are_all_stratified_sampling_leave_it_alone_in_the_figure():
    legend = draw_cost_pareto(board(row("stratified", None))).legends[0]
    assert [text.get_text() for text in legend.get_texts()] == ["1  Stratified"]
