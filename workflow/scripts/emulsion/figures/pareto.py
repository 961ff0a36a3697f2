"""The trade-offs: mixtures by the two capabilities that pull apart most, and how all capabilities go together."""

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
from matplotlib.lines import Line2D

from emulsion.analysis.scores import MEAN
from emulsion.errors import UserError
from emulsion.figures.contributions import draw_cell, signed
from emulsion.figures.score_cells import Scores, capability_scores, losses_by_source
from emulsion.figures.style import (
    CHARACTER,
    FAINT,
    INK,
    OTHER,
    PALETTE,
    SMALL,
    WIDTH,
    fit,
    legend_columns,
    most_of,
    note,
    pretty,
    pretty_all,
    styled,
)

# Of the matrix of correlations: as many cells stand beside the points; below them, inches of a cell, of all cells in a
# row, and of one that holds a number.
BESIDE, CELL, WIDEST, FOR_NUMBER = 5, 0.36, 5.0, 0.33
DOT = 16.0  # points: a disc that holds a number of two digits
NOTE = (
    "Bars: 95 % intervals. Filled: on the Pareto front, no other mixture being as good on every capability and"
    " better on one; the line is the front of the two capabilities drawn. Correlation: Spearman's rank"
    " correlation over mixtures; hatched grey: not significant after Holm's correction."
)

NOTE_OF_LOSSES = NOTE.replace(
    "as good on every capability and better on one", "as low on every source and lower on one"
)
NOTE_OF_LOSSES = NOTE_OF_LOSSES.replace("two capabilities drawn", "two sources drawn")


@styled
def draw_pareto_front(
    summary: Mapping[str, Mapping[str, Any]], pareto: Mapping[str, Any], *, lower: bool = False
) -> Figure:
    """Draw contents of `capabilities.json` by mixture and the result of `analysis.trade_offs.pareto` on them.

    lower: the summary is of losses (`analysis.loss_scores.summarise_losses`), and less is better.
    """
    scores = losses_by_source(summary) if lower else capability_scores(summary)
    groups = "sources" if lower else "capabilities"
    if len(scores.capabilities) < 2:
        raise UserError(f"{groups}: a trade-off needs at least 2, there is {len(scores.capabilities)}.")
    ranked = sorted(scores.runs, key=lambda run: scores.cells[run][MEAN].score * (1 if lower else -1))
    ranked.sort(key=lambda run: run not in pareto["front"])
    kept, left_out = most_of(ranked, "the Pareto front before others, the best mean first", "Numbered")
    named = [run for run in scores.runs if run in kept]
    names = [f"{number}  {fit(run, 24, 1)}" for number, run in enumerate(pretty_all(named), start=1)]
    columns = legend_columns(names, 0.25)
    height = 4.5 + 0.19 * math.ceil(len(names) / columns)
    cells = len(scores.capabilities) - 1
    if cells <= BESIDE:
        side = 1.75 / cells
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        points, matrix = figure.subplots(1, 2, width_ratios=[3, 2])
    else:  # the matrix has a row of its own, where its numbers have room
        side = min(CELL, WIDEST / cells)
        figure = Figure(figsize=(WIDTH, height + side * cells + 2.0), layout="constrained")
        points, matrix = figure.subplots(2, 1, height_ratios=[3.7, side * cells])  # without their labels
    x, y = drawn_pair(pareto, scores.capabilities)
    _points(points, scores, x, y, pareto["front"], lower=lower)
    points.set_title(pair_title(pareto.get("strongest"), groups))
    _matrix(matrix, scores.capabilities, pareto["trade_offs"], side)
    empty = [Line2D([], [], linestyle="") for _ in names]
    figure.legend(empty, names, loc="outside upper left", ncols=columns, handlelength=0, handletextpad=0)
    note(figure, f"{NOTE_OF_LOSSES if lower else NOTE}{left_out}")
    places = [(scores.cells[run][x].score, scores.cells[run][y].score) for run in named]
    badges(figure, points, places, [run in pareto["front"] for run in named])
    return figure


def pair_title(strongest: Mapping[str, Any] | None, groups: str = "capabilities") -> str:
    """What the pair drawn is: a trade-off only where it is significant."""
    if strongest is None:
        return f"Two {groups}"
    if strongest["verdict"] == "trade-off":
        return f"The strongest trade-off (rho {signed(strongest['rho'])})"
    return f"Nearest to a trade-off (rho {signed(strongest['rho'])}, not significant)"


def spread(places: np.ndarray, apart: float, rounds: int = 1000) -> np.ndarray:
    """Places [n, 2] pushed away from each other until, if the rounds suffice, all are `apart`.

    Ties are broken along a fixed fan of directions, so that the same places always give the same result.
    """
    angles = 2.4 * np.arange(len(places))
    moved = places + 1e-3 * np.column_stack([np.cos(angles), np.sin(angles)])
    for _ in range(rounds):
        gaps = moved[:, None] - moved[None]
        distance = np.hypot(gaps[..., 0], gaps[..., 1]) + np.eye(len(places)) * 2 * apart
        overlap = np.maximum(0, apart - distance)
        if not overlap.any():
            break
        moved = moved + 0.3 * (gaps / distance[..., None] * overlap[..., None]).sum(axis=1)
    return moved


def drawn_pair(pareto: Mapping[str, Any], capabilities: Sequence[str]) -> tuple[str, str]:
    """The two capabilities with the strongest trade-off; the first two where none could be worked out."""
    strongest = pareto.get("strongest")
    return (strongest["a"], strongest["b"]) if strongest else (capabilities[0], capabilities[1])


def staircase(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points no other one beats on both axes, from left to right."""
    front: list[tuple[float, float]] = []
    for x, y in sorted(set(points), reverse=True):
        if not front or y > front[-1][1]:
            front.append((x, y))
    return front[::-1]


def _points(axes: Axes, scores: Scores, x: str, y: str, front: Sequence[str], *, lower: bool) -> None:
    sign = -1 if lower else 1
    places = [(sign * row[x].score, sign * row[y].score) for row in scores.cells.values()]
    steps = sign * np.array(staircase(places))
    axes.step(steps[:, 0], steps[:, 1], where="pre", color=PALETTE["orange"], linewidth=1.4, zorder=1.5)
    for run, row in scores.cells.items():
        across, up = row[x], row[y]
        axes.errorbar(
            across.score,
            up.score,
            xerr=[[max(0.0, across.score - across.low)], [max(0.0, across.high - across.score)]],
            yerr=[[max(0.0, up.score - up.low)], [max(0.0, up.high - up.score)]],
            fmt="o",
            markersize=3,
            color=_colour(run in front),
            ecolor="#9cc4de" if run in front else OTHER,
            elinewidth=0.7,
        )
    labels = [f"Loss on {fit(n, 36, 1)} (nats)" if lower else f"{fit(pretty(n), 36, 1)} (score)" for n in (x, y)]
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.grid(True)


def _colour(on_front: bool) -> str:
    return PALETTE["blue"] if on_front else FAINT


def badges(figure: Figure, axes: Axes, places: Sequence[tuple[float, float]], front: Sequence[bool]) -> None:
    """A numbered disc on every point, moved aside, with a line to the point, where discs would overlap."""
    figure.draw_without_rendering()  # settles the layout, without which distances on paper are not known
    scale = 72 / figure.dpi
    true = axes.transData.transform(np.array(places)) * scale
    for number, (point, offset, on_front) in enumerate(
        zip(places, spread(true, DOT + 1) - true, front, strict=True), start=1
    ):
        face, ink = (_colour(True), "white") if on_front else ("white", INK)
        axes.annotate(
            str(number),
            point,
            xytext=tuple(offset),
            textcoords="offset points",
            ha="center",
            va="center_baseline",
            color=ink,
            bbox={
                "boxstyle": "circle,pad=0.2",
                "facecolor": face,
                "edgecolor": "white" if on_front else FAINT,
                "linewidth": 0.7,
            },
            arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 0},
            zorder=4,
        )


def _matrix(axes: Axes, capabilities: Sequence[str], rows: Sequence[Mapping[str, Any]], side: float) -> None:
    """The rank correlations below the diagonal; side: of a cell, in inches, where numbers may have no room."""
    found = {frozenset((row["a"], row["b"])): row for row in rows}
    colours = ScalarMappable(Normalize(-1, 1), matplotlib.colormaps["RdBu"])
    count = len(capabilities)
    for i, a in enumerate(capabilities):
        for j, b in enumerate(capabilities[:i]):
            _correlation(axes, j, i - 1, found[frozenset((a, b))], colours, numbered=side >= FOR_NUMBER)
    width = int(side / CHARACTER)
    axes.set(xlim=(0, count - 1), ylim=(count - 1, 0), aspect="equal")
    names = [fit(pretty(name), 13) if count - 1 <= BESIDE else fit(pretty(name), 24, 1) for name in capabilities[1:]]
    axes.set_yticks(np.arange(count - 1) + 0.5, names)
    slanted = width < 11
    axes.set_xticks(
        np.arange(count - 1) + 0.5,
        [fit(pretty(name), 24 if slanted else width, 2 if count - 1 <= BESIDE else 1) for name in capabilities[:-1]],
        rotation=40 if slanted else 0,
        ha="right" if slanted else "center",
        rotation_mode="anchor" if slanted else "default",
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    colour = "" if side >= FOR_NUMBER else ", blue +1 to red \u22121"
    axes.set_title(f"Rank correlation over mixtures{colour}")
    axes.set_anchor("N")


def _correlation(
    axes: Axes, column: int, row: int, found: Mapping[str, Any], colours: ScalarMappable, *, numbered: bool
) -> None:
    sure = found["verdict"] != "no clear relation"
    ink = draw_cell(axes, column, row, found["rho"], colours, sure=sure)
    if not numbered:
        return
    text = "n/a" if found["rho"] is None else signed(found["rho"])
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, fontsize=SMALL)
