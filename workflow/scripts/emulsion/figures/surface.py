"""The fitted surface over mixtures, with the runs, the optimum, and the mixtures that cannot be told from it.

Two sources give a curve, three a triangle, more a curve for each source.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter
from matplotlib.tri import Triangulation

from emulsion.errors import UserError
from emulsion.figures.style import FAINT, INK, PALETTE, WIDTH, fit, note, pretty, styled, text_on

TIED = PALETTE["green"]
_HEIGHT = math.sqrt(3) / 2  # of the triangle


@styled
def draw_surface(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `surface.json`. Raises UserError where there is nothing in it."""
    if not found.get("parts"):
        raise UserError("surface.json: no points to draw; map the surface again.")
    value = "Mean validation loss (nats)" if found["lower"] else "Score"
    triangle = found["parts"][0]["source"] is None
    if triangle:
        figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
        _triangle(figure, figure.subplots(), found, value)
    else:
        across = min(3, len(found["parts"]))
        rows = math.ceil(len(found["parts"]) / across)
        height = 3.4 if across == 1 else 2.1 * rows + 1.1
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        grid = figure.subplots(rows, across, squeeze=False, sharey=True)
        panels = grid.ravel()
        for axes in panels[len(found["parts"]) :]:
            axes.set_visible(False)
        for axes, part in zip(panels, found["parts"], strict=False):
            _curve(axes, part, found)
        for axes in grid[:, 0]:
            axes.set_ylabel(value)
    points = [point for part in found["parts"] for point in part["points"]]
    tied, bands = any(point["tied"] for point in points), any("interval" in point for point in points)
    _legend(figure, triangle=triangle, tied=tied, bands=bands)
    note(figure, remark(found))
    return figure


def remark(found: Mapping[str, Any]) -> str:
    """The optimum in words, and how much of what was mapped cannot be told from it."""
    shares = ", ".join(
        f"{source} {100 * weight:.0f} %"
        for source, weight in zip(found["sources"], found["best"]["weights"], strict=True)
    )
    what = "mean validation loss" if found["lower"] else "score"
    by = f"predicted {what} {found['best']['value']:.3f} by the surrogate {pretty(found['surrogate'])}"
    text = f"Optimum: {shares}; {by}."
    ranges = []
    for place, source in enumerate(found["sources"]):
        parts = [part for part in found["parts"] if part["source"] in (None, source)]
        tied = [p["weights"][place] for part in parts for p in part["points"] if p["tied"]]
        if tied:
            ranges.append(f"{source} {100 * min(tied):.0f} to {100 * max(tied):.0f} %")
    if len(found["sources"]) > 3:
        text += " In each panel one share changes and the others keep their proportions."
    return f"{text} Not told from it ({found['tied_by']}): {', '.join(ranges) or 'no other mapped'}."


def _curve(axes: Axes, part: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    place = found["sources"].index(part["source"])
    shares = np.array([point["weights"][place] for point in part["points"]])
    values = np.array([point["value"] for point in part["points"]])
    if "interval" in part["points"][0]:
        low, high = np.array([point["interval"] for point in part["points"]]).T
        axes.fill_between(shares, low, high, color=PALETTE["sky"], alpha=0.3, linewidth=0)
    axes.plot(shares, values, color=PALETTE["blue"], linewidth=1.3)
    tied = np.array([point["tied"] for point in part["points"]])
    axes.plot(shares, np.where(tied, values, np.nan), color=TIED, linewidth=4, alpha=0.6, solid_capstyle="butt")
    runs = np.array([run["weights"][place] for run in found["runs"]])
    axes.plot(runs, [run["value"] for run in found["runs"]], "o", color=FAINT, markersize=3.5, zorder=3)
    best = found["best"]
    axes.plot(best["weights"][place], best["value"], "*", color=PALETTE["vermillion"], markersize=11, zorder=4)
    axes.set(xlim=(-0.02, 1.02), xlabel=f"Share of {fit(part['source'], 24, 1)}")
    near = [*(run["value"] for run in found["runs"]), best["value"]]
    room = 0.6 * (max(near) - min(near)) or 0.01
    axes.set_ylim(min(near) - room / 2, max(near) + room)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.grid(True)


def place_in_triangle(weights: Sequence[float]) -> tuple[float, float]:
    """Where a mixture of three sources lies: the first at the left, the second at the right, the third on top."""
    return weights[1] + weights[2] / 2, weights[2] * _HEIGHT


def _triangle(figure: Figure, axes: Axes, found: Mapping[str, Any], value: str) -> None:
    points = found["parts"][0]["points"]
    x, y = np.array([place_in_triangle(point["weights"]) for point in points]).T
    values = np.array([point["value"] for point in points])
    runs = [run["value"] for run in found["runs"]]
    # Far from the runs the surface may get worse out of sight: colours are for where the runs are, and for the best.
    best = values.min() if found["lower"] else values.max()
    limits = (min(*runs, best), max(*runs, best))
    limits = limits if limits[1] > limits[0] else (limits[0], limits[0] + 1e-3)
    mesh = Triangulation(x, y)
    colours = "viridis_r" if found["lower"] else "viridis"
    steps = np.linspace(*limits, 15)
    filled = axes.tricontourf(mesh, values, levels=steps, cmap=matplotlib.colormaps[colours], extend="both")
    tied = np.array([point["tied"] for point in points])
    axes.plot(x[tied], y[tied], ".", color="white", markersize=2.6, zorder=2)
    axes.plot([0, 1, 0.5, 0], [0, 0, _HEIGHT, 0], color=INK, linewidth=0.8)
    across, up = np.array([place_in_triangle(run["weights"]) for run in found["runs"]]).T
    faces = filled.cmap(filled.norm(runs))
    rims = [text_on(face[:3]) for face in faces]  # a run has the colour of the surface where the fit is good
    axes.scatter(across, up, c=faces, s=26, edgecolors=rims, linewidths=0.7, zorder=3)
    axes.plot(
        *place_in_triangle(found["best"]["weights"]),
        "*",
        color=PALETTE["vermillion"],
        markersize=13,
        markeredgecolor="white",
        markeredgewidth=0.6,
        zorder=4,
    )
    names = [fit(source, 24, 1) for source in found["sources"]]
    axes.text(0, -0.03, f"all {names[0]}", ha="left", va="top")
    axes.text(1, -0.03, f"all {names[1]}", ha="right", va="top")
    axes.text(0.5, _HEIGHT + 0.02, f"all {names[2]}", ha="center", va="bottom")
    axes.set(xlim=(-0.05, 1.05), ylim=(-0.08, _HEIGHT + 0.08), aspect="equal")
    axes.set_axis_off()
    # A tick beyond the colours would be drawn at their end, as if it were there.
    ticks = [tick for tick in MaxNLocator(6).tick_values(*limits) if limits[0] <= tick <= limits[1]]
    bar = figure.colorbar(filled, ax=axes, shrink=0.7, ticks=ticks)
    bar.set_label(value)
    bar.outline.set_visible(False)


def _legend(figure: Figure, *, triangle: bool, tied: bool, bands: bool) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=FAINT, marker="o", linestyle="", markersize=4, markeredgecolor=INK if triangle else FAINT),
        Line2D([], [], color=PALETTE["vermillion"], marker="*", linestyle="", markersize=9),
    ]
    names = ["runs fitted to", "optimum"]
    if tied:
        dot = Line2D([], [], color="white", marker=".", linestyle="", markersize=5, markeredgecolor=FAINT)
        dot.set_markeredgewidth(0.4)
        handles.append(dot if triangle else Line2D([], [], color=TIED, linewidth=4, alpha=0.6))
        names.append("cannot be told from the optimum")
    if bands:
        handles.append(Patch(facecolor=PALETTE["sky"], alpha=0.3))
        names.append("95 % interval of the curve")
    figure.legend(handles, names, loc="outside upper left", ncols=4)
