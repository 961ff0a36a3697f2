"""What the figures of laws share: numbers in print, panels, and the command line."""

from __future__ import annotations

import math

import pytest
from matplotlib.figure import Figure

from emulsion.errors import UserError
from emulsion.figures.law_panels import columns, goodness, looks, number, panels, require, tokens_in_words


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.99149, "0.991"), (-0.5, "−0.500"), (-123.4, "−123"), (-1e-5, "0.000"), (None, "n/a"), (math.nan, "n/a")],
)
def test_an_r2_in_print(value: float | None, text: str) -> None:
    assert number(value) == text


def test_a_ceiling_is_named_where_there_is_one() -> None:
    assert goodness(0.9, 0.95) == "R² 0.900, ceiling 0.950"
    assert goodness(0.9, None) == "R² 0.900"


def test_tokens_have_three_figures() -> None:
    assert [tokens_in_words(n) for n in (12, 360_448, 1_250_000, 2e9)] == [
        "12",
        "360 thousand",
        "1.25 million",
        "2 billion",
    ]


@pytest.mark.parametrize(("count", "across"), [(1, 1), (2, 2), (3, 3), (4, 2), (7, 3), (9, 3)])
def test_every_group_has_a_panel_and_no_panel_is_left_over(count: int, across: int) -> None:
    figure, groups = Figure(), [f"g{i}" for i in range(count)]
    assert columns(count) == across
    assert list(panels(figure, groups)) == groups
    assert sum(axes.get_visible() for axes in figure.axes) == count


def test_ten_names_look_different() -> None:
    assert len({tuple(look.items()) for look in looks(range(10)).values()}) == 10


@pytest.mark.parametrize("content", [{"law": {"a": 1}}, {"law": {"a": 1}, "points": []}, [], None])
def test_a_file_without_what_is_drawn_is_named(content) -> None:
    with pytest.raises(UserError, match=r"static_law\.json: no .*points; fit the law again"):
        require(content, ("law", "points"), "static_law.json")
