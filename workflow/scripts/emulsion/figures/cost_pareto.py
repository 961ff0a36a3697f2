"""What better mixtures cost: the difference to stratified sampling against the extra training before the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from emulsion.errors import UserError
from emulsion.figures.method_differences import colour, compared, label
from emulsion.figures.pareto import spread
from emulsion.figures.style import FAINT, GRID, INK, PALETTE, SMALL, WIDTH, note, styled

LEAST = 0.02  # of a run: below it the axis of costs is linear, so that 0 has a place
TEXT = 13.0  # points between labels
NOTE = (
    "Cost: tokens trained on before the run to decide its mixture, and a third of those read to observe or to measure,"
    " in runs of this size. Bars: 95 % intervals over seeds. Line: mixtures that no cheaper or equally cheap one is"
    " below; whether differences are significant the colours say (grey: not)."
)


@styled
def cost_pareto(board: Mapping[str, Any]) -> Figure:
    """Draw the content of `methods.json`.

    Raises UserError where nothing was compared with stratified sampling, or no cost is known.
    """
    rows = [row for row in compared(board) if cost_in_runs(row, board["tokens"]) is not None]
    if not rows:
        raise UserError("methods: no cost is known; the runs were trained before costs were recorded. Train one again.")
    costs = [float(cost_in_runs(row, board["tokens"]) or 0.0) for row in rows]
    values = [row["difference_to_stratified"] for row in rows]
    figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("symlog", linthresh=LEAST, linscale=0.4)
    steps = front([(0.0, 0.0), *zip(costs, values, strict=True)])
    axes.step(*zip(*steps, strict=True), where="post", color=PALETTE["orange"], linewidth=1.3, zorder=1)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
    axes.plot(0, 0, marker="D", color=INK, markersize=5)
    for row, cost, value in zip(rows, costs, values, strict=True):
        if row["interval"]:
            axes.vlines(cost, *row["interval"], color=colour(row), linewidth=0.7, alpha=0.6)
        axes.plot(cost, value, marker="o", color=colour(row), markersize=5)
    axes.set_xlim(-LEAST / 2, 1.6 * max([*costs, LEAST]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:g}"))
    axes.set(xlabel="Extra cost (runs of this size)", ylabel="Difference of mean test perplexity to stratified")
    axes.grid(True, color=GRID)
    note(figure, NOTE)
    _labels(figure, axes, ["Stratified", *map(label, rows)], [(0.0, 0.0), *zip(costs, values, strict=True)])
    return figure


def cost_in_runs(row: Mapping[str, Any], tokens: int) -> float | None:
    """What a mixture cost before and besides its run, in runs of so many tokens; None where it was not recorded."""
    if row["extra_tokens"] is None:
        return None
    return float(row["extra_tokens"] + (row["evaluation_tokens"] + row["extra_evaluation_tokens"]) / 3) / tokens


def front(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The places (cost, value) that none as cheap is below, from the cheapest on."""
    found: list[tuple[float, float]] = []
    for cost, value in sorted(set(places)):
        if not found or value < found[-1][1]:
            found.append((cost, value))
    return found


def _labels(figure: Figure, axes: Axes, names: Sequence[str], places: Sequence[tuple[float, float]]) -> None:
    """Names beside their places, pushed apart where they would overlap, with lines to the places."""
    figure.draw_without_rendering()  # settles the layout, without which distances on paper are not known
    scale = 72 / figure.dpi
    true = axes.transData.transform(np.array(places)) * scale
    squeezed = true * [0.35, 1.0]  # names are wider than high
    moved = spread(squeezed, TEXT) / [0.35, 1.0]
    for name, place, offset in zip(names, places, moved - true, strict=True):
        axes.annotate(
            name,
            place,
            xytext=(offset[0] + 6, offset[1] + 4),
            textcoords="offset points",
            fontsize=SMALL,
            color=INK,
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 2},
            zorder=4,
        )
