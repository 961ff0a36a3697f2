"""What better mixtures cost: the difference to stratified sampling against the extra training before the run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from emulsion.analysis.leaderboard import by_name
from emulsion.errors import UserError
from emulsion.figures.method_differences import LOWEST, compared, labels
from emulsion.figures.pareto import badges
from emulsion.figures.style import FAINT, INK, PALETTE, WIDTH, legend_columns, logarithmic_beyond, most_of, note, styled
from emulsion.models import FORWARD

LEAST = 0.02  # of a run: below it the axis of costs is linear, so that 0 has a place
COLOURS = {"better": PALETTE["blue"], "worse": PALETTE["vermillion"]}
NOTE = (
    "Cost: tokens trained on before the run to decide its mixture, and a third of those read to observe or to measure."
    " Bars: 95 % intervals over seeds, grey where the difference is not significant after Holm's correction. Line and"
    " filled discs: no mixture that costs as little has a lower perplexity."
)


@styled
def draw_cost_pareto(board: Mapping[str, Any]) -> Figure:
    """Draw the content of `methods.json`.

    Raises UserError where no stratified sampling was trained, or no cost is known.
    """
    compared(board)
    each = [row for row in by_name(board).values() if row["difference_to_stratified"] is not None]
    rows = [row for row in each if cost_in_runs(row, board["tokens"]) is not None]
    if each and not rows:
        raise UserError("methods: no cost is known; the runs were trained before costs were recorded. Train one again.")
    kept, left_out = most_of([row["method"] for row in rows], LOWEST)
    rows = [row for row in rows if row["method"] in kept]
    costs = [float(cost_in_runs(row, board["tokens"]) or 0.0) for row in rows]
    places = [(0.0, 0.0), *zip(costs, [row["difference_to_stratified"] for row in rows], strict=True)]
    names = [f"{number}  {name}" for number, name in enumerate(["Stratified", *labels(rows)], start=1)]
    columns = legend_columns(names, 0.25)
    figure = Figure(figsize=(WIDTH, 3.9 + 0.19 * math.ceil(len(names) / columns)), layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("symlog", linthresh=LEAST, linscale=0.4)
    right, steps = 2 * max([*costs, LEAST]), front(places)
    axes.step(*zip(*[*steps, (right, steps[-1][1])], strict=True), where="post", color=PALETTE["orange"], zorder=1)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0.5)
    for row, (cost, value) in zip([None, *rows], places, strict=True):
        shade = INK if row is None else COLOURS.get(row["verdict"], FAINT)
        if row is not None and row["interval"]:
            axes.vlines(cost, *row["interval"], color=shade, linewidth=0.7, alpha=0.6)
        axes.plot(cost, value, marker="o", color=shade, markersize=4)
    axes.set_xlim(-LEAST / 2, right)
    if near := logarithmic_beyond(axes, "y", [value for _, value in places]):
        left_out = f" Beyond {near:.2g} the upright axis is logarithmic.{left_out}"
    axes.xaxis.set_major_formatter(FuncFormatter(lambda cost, _: f"{cost:g}"))
    axes.set(xlabel="Extra cost (runs of this size)", ylabel="Difference of mean test perplexity to stratified")
    axes.grid(True)
    empty = [Line2D([], [], linestyle="") for _ in names]
    figure.legend(empty, names, loc="outside upper left", ncols=columns, handlelength=0, handletextpad=0)
    note(figure, f"{NOTE}{left_out}")
    badges(figure, axes, places, [place in steps for place in places])
    return figure


def cost_in_runs(costs: Mapping[str, Any], tokens: int) -> float | None:
    """What a mixture cost before and besides its run, in runs of `tokens` tokens; None where it was not recorded."""
    if costs["extra_tokens"] is None:
        return None
    read = costs["evaluation_tokens"] + costs["extra_evaluation_tokens"]
    return float(costs["extra_tokens"] + read * FORWARD) / tokens


def front(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The places (cost, value) that none as cheap is below, from the cheapest on."""
    found: list[tuple[float, float]] = []
    for cost, value in sorted(set(places)):
        if not found or value < found[-1][1]:
            found.append((cost, value))
    return found
