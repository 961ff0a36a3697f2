"""The figure of trajectories: what was decided when, without probes."""

import pytest

from emulsion.errors import UserError
from emulsion.figures.trajectories import decisions, draw_trajectories, of_decisions

LOG = [
    {"step": 1, "mixture": {"web": 0.9, "code": 0.1}, "probe": 1},
    {"step": 2},
    {"step": 3, "mixture": {"web": 0.6, "code": 0.4}},
    {"step": 7, "mixture": {"web": 0.2, "code": 0.8}},
    {"step": 10},
]


def test_decisions_are_at_the_steps_they_hold_from_and_probes_are_none():
    assert decisions(LOG) == [
        (0.2, {"web": 0.6, "code": 0.4}),
        (0.6, {"web": 0.2, "code": 0.8}),
        (1.0, {"web": 0.2, "code": 0.8}),
    ]


def test_the_rows_that_are_kept_of_a_log_hold_the_same_decisions():
    assert decisions(of_decisions(LOG)) == decisions(LOG) and len(of_decisions(LOG)) == len(LOG) - 1
    decided_last = [{"step": 1}, {"step": 2, "mixture": {"web": 1.0}}]
    assert decisions(of_decisions(decided_last)) == decisions(decided_last)


def test_every_method_has_a_panel_with_a_line_for_each_source_and_seed():
    figure = draw_trajectories({"aioli": [LOG, LOG], "odm": [LOG], "ado": [LOG]})
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left") for axes in panels] == ["Aioli", "ODM", "ADO"]
    assert [axes.get_ylabel() for axes in panels] == ["Share of tokens", "", "Share of tokens"]
    # Two sources, and the line of all sources alike.
    assert [len(axes.lines) for axes in panels] == [2 * 2 + 1, 2 + 1, 2 + 1]
    bold = [line for line in panels[0].lines if line.get_linewidth() == 1.5]
    assert [list(line.get_ydata()) for line in bold] == [[0.6, 0.2, 0.2], [0.4, 0.8, 0.8]]


def test_the_line_of_equal_shares_is_told_from_sources_that_are_dashed_too():
    many = [{"step": 1, "mixture": {f"source_{number}": 0.1 for number in range(10)}}, {"step": 10}]
    figure = draw_trajectories({"aioli": [many]})
    sources, even = figure.axes[0].lines[:-1], figure.axes[0].lines[-1]
    assert any(line.get_linestyle() == "--" for line in sources)
    assert even.get_color() not in {line.get_color() for line in sources}
    assert "Grey, dashed: all sources alike" in " ".join(figure.get_supxlabel().split())


def test_a_log_without_decisions_is_refused_with_its_method():
    with pytest.raises(UserError, match="training log of 'odm'"):
        draw_trajectories({"odm": [[{"step": 1}]]})
