"""What the figures of mixing laws share: a panel per group with its fit in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from emulsion.errors import UserError
from emulsion.figures.style import CHARACTER, FAINT, MARKERS, PALETTE, SMALL, WIDTH, fit

LINE = 1.25 * SMALL  # points: a row of text
AXIS = 0.6  # inches: the numbers and the label beside a panel
SUFFIXES = ((1e9, "billion"), (1e6, "million"), (1e3, "thousand"))


def require(found: Any, keys: Sequence[str], file: str) -> None:
    """Raise UserError where the content of a file of fits lacks a key, or has nothing under it."""
    missing = [key for key in keys if not isinstance(found, Mapping) or not found.get(key)]
    if missing:
        raise UserError(f"{file}: no {', '.join(missing)}; fit the law again.")


def columns(count: int) -> int:
    """Panels in a row: as many as leave room for the numbers of an axis, four as two by two."""
    return 2 if count == 4 else min(count, 3)


def panels(part: Figure | SubFigure, groups: Sequence[str]) -> dict[str, Axes]:
    """A panel per group; those that the last row lacks are left empty."""
    across = columns(len(groups))
    grid = part.subplots(math.ceil(len(groups) / across), across, squeeze=False).ravel()
    for axes in grid[len(groups) :]:
        axes.set_visible(False)
    return dict(zip(groups, grid, strict=False))


def heading(axes: Axes, group: str, rows: Sequence[str], across: int) -> None:
    """The group's name above its panel, and rows of small print under the name; `across`: panels in a row."""
    characters = int((WIDTH / across - AXIS) / (CHARACTER * 9 / SMALL))  # titles are of 9 points
    axes.set_title(fit(group, characters, 1), pad=LINE * len(rows) + 5)
    small: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "color": FAINT,
        "fontsize": SMALL,
    }
    axes.annotate("\n".join(rows), (0, 1), xytext=(0, 4), va="bottom", ha="left", **small)


def number(value: float | None) -> str:
    """An R2 in print: three decimals, fewer where it is far below zero; 'n/a' where there is none.

    >>> number(0.99149), number(-0.5), number(-123.4), number(None)
    ('0.991', '−0.500', '−123', 'n/a')
    """
    if value is None or not math.isfinite(value):
        return "n/a"
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.0f}"
    return (text.removeprefix("-") if float(text) == 0 else text).replace("-", "−")


def goodness(r2: float | None, ceiling: float | None) -> str:
    """'R² 0.991, ceiling 0.995'; without a ceiling, which one seed cannot give, the R2 alone."""
    return f"R² {number(r2)}" + ("" if ceiling is None else f", ceiling {number(ceiling)}")


def tokens_in_words(tokens: float) -> str:
    """A number of tokens with three figures: '360 thousand'."""
    scale, word = next(((scale, word) for scale, word in SUFFIXES if tokens >= scale), (1.0, ""))
    return f"{float(f'{tokens / scale:.3g}'):g} {word}".strip()


def shares_of(rows: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> np.ndarray:
    """Mixtures [n, m] of rows with `weights`, a source that is not named having none."""
    return np.array([[row["weights"].get(source, 0.0) for source in sources] for row in rows], dtype=float)


def looks(names: Sequence[Any]) -> dict[Any, dict[str, Any]]:
    """A colour and marker per name; past the seventh the colours repeat with another marker."""
    wheel = [colour for name, colour in PALETTE.items() if name != "yellow"]  # which is lost where it is pale
    return {
        name: {"color": wheel[i % len(wheel)], "marker": MARKERS[i // len(wheel) % len(MARKERS)]}
        for i, name in enumerate(names)
    }
