"""Methods against stratified sampling: differences of mean test perplexity with intervals, and of losses by source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emulsion.errors import UserError
from emulsion.figures.style import (
    FAINT,
    INK,
    WIDTH,
    colours,
    fit,
    legend_columns,
    logarithmic_beyond,
    markers,
    most_of,
    note,
    pretty_all,
    styled,
)

LOWEST = "those of the lowest mean test loss"
ROW, MARK = 0.27, 0.05  # inches, the least height of a method's row, and that of a source in it
SIGNIFICANT = ("better", "worse")
NOTE = (
    "Differences to stratified sampling, paired by seed; left of the line is better. Left: mean over sources of test"
    " perplexity, with 95 % intervals over seeds; filled: significant after Holm's correction. Right: loss on each"
    " source, whose intervals are not corrected."
)


@styled
def draw_method_differences(board: Mapping[str, Any]) -> Figure:
    """Draw the content of `methods.json`, a row for each mixture, the lowest mean test loss first.

    Raises UserError where no stratified sampling was trained.
    """
    rows = compared(board)
    kept, left_out = most_of([row["method"] for row in rows], LOWEST)
    rows = [row for row in rows if row["method"] in kept]
    height = max(len(rows), 1)
    tall = max(ROW, MARK * len(board["sources"]))
    figure = Figure(figsize=(WIDTH, 1.9 + tall * height), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    if not rows:
        left.set_title("Every mixture is that of stratified sampling", loc="left")
    for place, row in enumerate(rows):
        _mean(left, place, row)
    _sources(right, rows, board["sources"])
    cells = [cell["difference"] for row in rows for cell in row["by_source"].values()]
    drawn = [row["difference_to_stratified"] for row in rows], [value for value in cells if value is not None]
    for axes, side, values in zip((left, right), ("left", "right"), drawn, strict=True):
        if near := logarithmic_beyond(axes, "x", values):
            left_out += f" Beyond {near:.2g} the {side} axis is logarithmic."
        axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0.5)
        axes.grid(True, axis="x")
        axes.set_ylim(height - 0.5, -0.5)
    left.set_yticks(range(len(rows)), labels(rows))
    left.set_xlabel("Difference of mean test perplexity")
    right.set_xlabel("Difference of test loss (nats per token)")
    handles = [
        Line2D([], [], linestyle="", marker=marker, color=colours(board["sources"])[source])
        for source, marker in markers(board["sources"]).items()
    ]
    names = [fit(source, 24, 1) for source in board["sources"]]
    figure.legend(handles, names, loc="outside upper right", ncols=legend_columns(names))
    note(figure, f"{NOTE}{left_out}")
    return figure


def compared(board: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The rows that have a difference to stratified sampling; UserError where it was not trained.

    There are none where the data made every method decide for its mixture, which no check foresees.
    """
    if board["stratified"] is None:
        raise UserError(
            "methods: nothing was compared with stratified sampling; add a method of kind stratified to the experiment."
        )
    return [row for row in board["methods"] if row["difference_to_stratified"] is not None]


def labels(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [fit(name, 26, 1) for name in pretty_all(row["method"] for row in rows)]


def _mean(axes: Axes, place: int, row: Mapping[str, Any]) -> None:
    # No colours, which are the sources'.
    significant = row["verdict"] in SIGNIFICANT
    shade = INK if significant else FAINT
    if row["interval"]:
        axes.hlines(place, *row["interval"], color=shade, linewidth=1.2)
    face = shade if significant else "white"
    axes.plot(row["difference_to_stratified"], place, marker="o", color=shade, markerfacecolor=face, markersize=5)


def _sources(axes: Axes, rows: Sequence[Mapping[str, Any]], sources: Sequence[str]) -> None:
    """Sources one below another within a method's row."""
    looks, shapes = colours(sources), markers(sources)
    offsets = np.linspace(-0.3, 0.3, len(sources)) if len(sources) > 1 else [0.0]
    for place, row in enumerate(rows):
        for source, offset in zip(sources, offsets, strict=True):
            cell, shade = row["by_source"][source], looks[source]
            if cell["difference"] is None:
                continue
            if cell["interval"]:
                axes.hlines(place + offset, *cell["interval"], color=shade, linewidth=0.8)
            axes.plot(cell["difference"], place + offset, marker=shapes[source], color=shade, markersize=3)
