"""Methods in simulated worlds: their regret over all worlds beside their cost, and by kind of world."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from emulsion.analysis.regret import STRATIFIED
from emulsion.errors import UserError
from emulsion.figures.cost_pareto import front
from emulsion.figures.style import FAINT, INK, WIDTH, fit, note, pretty, pretty_all, styled, text_on

ROW, COLUMN = 0.2, 0.36  # inches: a method's row, and a kind of world
LABELS = 1.8  # inches: names of methods, and their costs
ALL = "all"
REACH = 3  # the colours reach an eighth and eight times of stratified sampling's regret
NOTE = (
    "Regret in thousandths of a nat: the target run's mean held-out loss above that of the best schedule. Left: median"
    " over all worlds with its 95 % interval, and the 90th percentile (bar); filled: no method as cheap has a lower"
    " median. Cost: all that was trained and a third of what was evaluated, in target runs. Right: medians by kind of"
    " world"
)
COLOURS = "; blue: less than stratified sampling's, red: more"


@styled
def draw_regret_board(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw rows of `analysis.regret.summary`, a row of the figure for each method, the least median first.

    Raises UserError where there is none.
    """
    every = [row for row in rows if row["kind"] == ALL]
    if not every:
        raise UserError("proving ground: there are no worlds to draw; set proving_ground.worlds to 1 or more.")
    kinds = list(dict.fromkeys(row["kind"] for row in rows if row["kind"] != ALL))
    medians = {(row["method"], row["kind"]): 1e3 * row["median"] for row in rows}
    figure = Figure(figsize=(WIDTH, 2.1 + ROW * len(every)), layout="constrained")
    table = COLUMN * len(kinds)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[WIDTH - LABELS - table, table])
    cheap = front([(row["cost"], row["median"]) for row in every])
    for place, row in enumerate(every):
        _regret(left, place, row, filled=(row["cost"], row["median"]) in cheap)
        for column, kind in enumerate(kinds):
            _median(right, place, column, medians[row["method"], kind], medians.get((STRATIFIED, kind)))
    if (even := medians.get((STRATIFIED, ALL))) is not None:
        left.axvline(even, color=FAINT, linewidth=0.8, zorder=0.5)
    left.set_xscale("symlog", linthresh=1, linscale=0.4)
    left.set_xlim(left=0)
    left.annotate("cost", (0, 1), (-6, 3), "axes fraction", "offset points", ha="right", color=FAINT)
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    left.set(xlabel="Regret", ylim=(len(every) - 0.5, -0.5))
    left.grid(True, axis="x")
    left.set_yticks(range(len(every)), _labels(every))
    right.set_xlim(-0.5, len(kinds) - 0.5)
    right.set_xticks(range(len(kinds)), [fit(pretty(kind), 14, 1) for kind in kinds], rotation=40, ha="left")
    right.tick_params(length=0, labelleft=False, top=False, bottom=False, labeltop=True, labelbottom=False)
    right.spines[:].set_visible(False)
    note(figure, NOTE + (COLOURS if (STRATIFIED, ALL) in medians else "") + ".")
    return figure


def _labels(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name and cost of each; the costs stand below one another."""
    names = [fit(name, 24, 1) for name in pretty_all(row["method"] for row in rows)]
    return [f"{name}  {row['cost']:5.2f}" for name, row in zip(names, rows, strict=True)]


def _regret(axes: Axes, place: int, row: Mapping[str, Any], *, filled: bool) -> None:
    median, far = 1e3 * row["median"], 1e3 * row["p90"]
    axes.hlines(place, median, far, color=FAINT, linewidth=0.6)
    axes.vlines(far, place - 0.25, place + 0.25, color=FAINT, linewidth=1.2)
    low, high = row["median_interval_low"], row["median_interval_high"]
    if low is not None and math.isfinite(low):
        axes.hlines(place, 1e3 * low, 1e3 * high, color=INK, linewidth=1.6)
    axes.plot(median, place, marker="o", color=INK, markerfacecolor=INK if filled else "white", markersize=4)


def _median(axes: Axes, place: int, column: int, median: float, even: float | None) -> None:
    """A cell with the median of a kind of world, in the colour of its ratio to that of stratified sampling."""
    colours = ScalarMappable(Normalize(-REACH, REACH), matplotlib.colormaps["RdBu_r"])
    ratio = 0.0 if not even else float(np.log2(max(median, 1e-9) / even))
    colour = colours.to_rgba(np.array(ratio))
    axes.add_patch(Rectangle((column - 0.5, place - 0.5), 1, 1, facecolor=colour, edgecolor="white", linewidth=0.8))
    text = f"{median:.1f}" if median < 9.95 else f"{median:,.0f}"
    axes.text(column, place, text, ha="center", va="center_baseline", color=text_on(colour))
