"""The capability heatmap: strategies by capabilities, each score with its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from emulsion.analysis.decide import Decision
from emulsion.figures.score_cells import Scores, capability_scores, clear_best
from emulsion.figures.style import CHARACTER, FAINT, SMALL, WIDTH, fit, note, pretty_all, styled, text_on

ROW, COLUMN = 0.42, 0.8  # inches: a row, and the least a column may have
GAP = 0.18  # of a column, before the mean
NOTE = "Score: share of items passed; ±: half the width of its 95 % interval. "
MARKS = (
    "Bold and framed: of the mixtures shown, significantly better than every other one; no mark means no clear winner."
)


@styled
def draw_capability_heatmap(results: Mapping[str, Mapping[str, Any]], decisions: Mapping[str, Decision]) -> Figure:
    """Draw the contents of `capabilities.json` by strategy; rows keep the order of `results`.

    decisions: on these mixtures, by capability and for "mean": what is marked as best is what they name as winner.
    """
    scores, left_out = capability_scores(results).best([each.winner for each in decisions.values()])
    columns = len(scores.capabilities) + 1
    width = max(WIDTH, 1.9 + COLUMN * (columns + GAP))
    figure = Figure(figsize=(width, 1.4 + ROW * len(scores.runs)), layout="constrained")
    axes = figure.subplots()
    colours = ScalarMappable(Normalize(*colour_limits(scores)), matplotlib.colormaps["viridis"])
    _cells(axes, scores, colours, clear_best(scores, decisions))
    _labels(axes, scores, int((width - 1.9) / (columns + GAP) / CHARACTER))
    bar = figure.colorbar(colours, cax=axes.inset_axes((1.02, 0, 0.02, 1)))
    bar.set_label("Score")
    bar.outline.set_visible(False)
    note(figure, f"{NOTE}{marks(decisions)}{left_out}")
    return figure


def colour_limits(scores: Scores) -> tuple[float, float]:
    """The range of the colours: tenths about the scores, 0.4 wide or more, so that noise is not blown up."""
    values = [cell.score for cell in scores.everything()]
    low = math.floor(min(values) * 10) / 10
    high = max(math.ceil(max(values) * 10) / 10, min(1.0, low + 0.4))
    return max(0.0, min(low, high - 0.4)), high


def marks(decisions: Mapping[str, Decision]) -> str:
    """What is marked; or, where the trainings allow no claim, that nothing is."""
    unclaimed = [each.text for each in decisions.values() if not each.claims and not each.alone]
    return f"No best is marked: {unclaimed[0]}." if unclaimed else MARKS


def positions(columns: int) -> np.ndarray:
    """The left edge of each column, in columns; the last one, the mean, stands apart."""
    return np.append(np.arange(columns - 1.0), columns - 1 + GAP)


def _cells(axes: Axes, scores: Scores, colours: ScalarMappable, best: Mapping[str, str]) -> None:
    for column, left in zip(scores.columns, positions(len(scores.columns)), strict=True):
        for row, run in enumerate(scores.runs):
            cell = scores.cells[run][column]
            colour = colours.to_rgba(np.array(cell.score))
            wins = best.get(column) == run
            axes.add_patch(Rectangle((left, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.2))
            half = plus_minus((cell.high - cell.low) / 2)
            write_number(axes, left, row, f"{cell.score:.2f}", half, text_on(colour), framed=wins)


def write_number(
    axes: Axes, left: float, top: float, number: str, around: str, ink: str, *, framed: bool, size: float = 10
) -> None:
    """A number over the half-width of its interval in the unit cell at (left, top); bold where it is framed."""
    style: dict[str, Any] = {"ha": "center", "color": ink, "fontweight": "bold" if framed else "normal"}
    axes.text(left + 0.5, top + 0.55, number, va="bottom", fontsize=size, **style)
    axes.text(left + 0.5, top + 0.57, around, va="top", fontsize=SMALL, **style)
    if framed:
        axes.add_patch(Rectangle((left + 0.06, top + 0.09), 0.88, 0.82, fill=False, edgecolor=ink))


def plus_minus(half: float, decimals: int = 2) -> str:
    """The half-width of an interval in small type: '±.05'."""
    return "±" + f"{half:.{decimals}f}".removeprefix("0")


def _labels(axes: Axes, scores: Scores, characters: int) -> None:
    lefts = positions(len(scores.columns))
    axes.set(xlim=(0, lefts[-1] + 1), ylim=(len(scores.runs), 0))
    axes.set_yticks(np.arange(len(scores.runs)) + 0.5, [fit(run, 21) for run in pretty_all(scores.runs)])
    names = [fit(name, characters) for name in pretty_all(scores.columns)]
    axes.set_xticks(lefts + 0.5, names)
    # Two lines of small type stand between a column and its name: how many items, and what guessing gets.
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False, pad=3 * SMALL + 4)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for left, name in zip(lefts, scores.capabilities, strict=False):
        chance = scores.chance[name]
        guess = "chance n/a" if chance is None else f"chance {chance:.2f}"
        axes.annotate(
            f"{scores.items[name]} {'item' if scores.items[name] == 1 else 'items'}\n{guess}",
            (left + 0.5, 0),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
            color=FAINT,
        )
