"""Training curves: which rows become which points, and what the axes show."""

import math

import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.figures.training_curves import (
    draw_training_curves,
    loss_limits,
    smooth,
    token_unit,
    training_loss,
    validation_loss,
)

ROWS = [
    {"step": 1, "tokens": 1000, "loss": 5.0, "lr": 1e-3},
    {"step": 1, "tokens": 1000, "validation": {"b": 4.0, "a": 3.0}},
    {"step": 2, "tokens": 2000, "loss": 4.0, "lr": 1e-3, "validation": {"b": 3.5, "a": 2.5}},
    {"step": 3, "tokens": 3000, "loss": None, "lr": 1e-3, "validation": None},
]


def test_rows_of_either_kind_and_of_both_are_read() -> None:
    training = training_loss(ROWS, "run")
    assert training.index.tolist() == [1000, 2000, 3000]
    assert training.tolist()[:2] == [5.0, 4.0] and math.isnan(training.iloc[2])
    validation = validation_loss(ROWS, "run")
    assert validation.to_dict() == {"b": {1000: 4.0, 2000: 3.5}, "a": {1000: 3.0, 2000: 2.5}}


def test_a_resumed_run_is_read_in_order_with_the_last_of_repeated_steps() -> None:
    resumed = [*ROWS[:3], {"step": 1, "tokens": 1000, "loss": 4.5}, {"step": 0, "tokens": 500, "loss": 9.0}]
    assert list(training_loss(resumed, "run").items()) == [(500, 9.0), (1000, 4.5), (2000, 4.0)]


@pytest.mark.parametrize("rows", [[], [ROWS[1]], [ROWS[3]]])
def test_a_log_without_training_loss_names_its_run(rows: list) -> None:
    with pytest.raises(UserError, match="run 'equal_mix': no training loss"):
        draw_training_curves({"fine": ROWS, "equal_mix": rows})


def test_one_panel_per_source_with_one_line_per_strategy_that_has_it() -> None:
    other = [{"step": 1, "tokens": 900, "loss": 5.0, "validation": {"a": 3.0, "c": 1.0}}]
    figure = draw_training_curves({"first": ROWS, "second": other})
    training, *panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [panel.get_title() for panel in panels] == ["b", "a", "c"]
    assert [len(panel.lines) for panel in panels] == [1, 2, 1]
    assert panels[0].lines[0].get_xdata().tolist() == [1.0, 2.0]
    assert panels[2].get_xlim()[0] == 0 and panels[2].get_xlim()[1] > 2.0  # holds the longer run of the first panel
    assert training.get_xlabel() == "Tokens trained on (thousands)"
    assert panels[2].lines[0].get_color() == panels[1].lines[1].get_color()  # by name, not by place
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["First", "Second"]


def test_a_row_without_tokens_names_its_run() -> None:
    with pytest.raises(UserError, match=r"run 'equal_mix': a row .* has no 'tokens'"):
        draw_training_curves({"equal_mix": [{"step": 1, "loss": 5.0}]})


def test_a_single_point_is_seen() -> None:
    panel = draw_training_curves({"run": [ROWS[2]]}).axes[1]
    assert panel.lines[0].get_marker() == "."


def test_each_log_is_looked_at_once() -> None:
    class Counted(dict):
        def __getitem__(self, run: str) -> list:
            looks.append(run)
            return super().__getitem__(run)

    looks: list[str] = []
    draw_training_curves(Counted(first=ROWS, second=ROWS))
    assert looks == ["first", "second"]


def test_without_validation_there_is_one_panel() -> None:
    assert len(draw_training_curves({"run": ROWS[:1]}).axes) == 1


def test_the_range_leaves_out_the_first_fall_but_no_later_rise() -> None:
    low, high = loss_limits([pd.Series({2: 11.0, 50: 3.0, 100: 2.0}), pd.Series({0: 11.0, 100: 4.0})])
    assert 1.8 < low < 2.0 and 4.0 < high < 4.2


def test_the_running_mean_is_over_a_fiftieth_of_the_steps() -> None:
    means = smooth(pd.Series([0.0] * 75 + [3.0] + [0.0] * 74))
    assert means[means > 0].to_dict() == {74: 1.0, 75: 1.0, 76: 1.0}


@pytest.mark.parametrize(("sources", "rows", "numbered"), [(5, 2, [2, 3, 4]), (7, 2, [3, 4, 5, 6])])
def test_the_lowest_panels_have_the_numbers_of_their_axis_and_gaps_are_empty(
    sources: int, rows: int, numbered: list[int]
) -> None:
    log = [
        {"tokens": 1000 * step, "loss": 5.0, "validation": dict.fromkeys("abcdefg"[:sources], 3.0)} for step in (1, 2)
    ]
    panels = draw_training_curves({"run": log}).axes[1:]
    assert panels[0].get_subplotspec().get_gridspec().nrows == rows
    assert [axes.get_visible() for axes in panels] == [True] * sources + [False]
    shown = [axes.xaxis.get_tick_params()["labelbottom"] for axes in panels[:sources]]
    assert [place for place, each in enumerate(shown) if each] == numbered


def test_a_panel_shows_its_own_losses_without_the_first_fall() -> None:
    log = [
        {"tokens": tokens, "loss": 5.0, "validation": {"a": loss}} for tokens, loss in ((1, 11.0), (50, 3.0), (90, 2.0))
    ]
    low, high = draw_training_curves({"run": log}).axes[1].get_ylim()
    assert 1.8 < low < 2.0 and 3.0 < high < 3.2


def test_a_flat_or_single_loss_still_has_a_range() -> None:
    low, high = loss_limits([pd.Series({0: 3.0})])
    assert low < 3.0 < high


@pytest.mark.parametrize(("most", "scale", "word"), [(2e9, 1e9, "billions"), (5e6, 1e6, "millions"), (10, 1, "on")])
def test_token_unit(most: float, scale: float, word: str) -> None:
    assert token_unit(most)[0] == scale
    assert word in token_unit(most)[1]


def test_names_of_two_lines_leave_the_panels_their_height() -> None:
    heights = []
    for name in ("short", "a_strategy_whose_name_needs_two_lines"):
        figure = draw_training_curves({f"{name}_{number}": ROWS for number in range(30)})
        figure.draw_without_rendering()
        heights.append(figure.axes[1].get_window_extent().height)
    assert heights[1] > 0.9 * heights[0]
