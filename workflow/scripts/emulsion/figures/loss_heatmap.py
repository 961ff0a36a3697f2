"""Losses by source and mixture: each mixture's differences to one of them, with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from emulsion.analysis.baselines import NEITHER
from emulsion.analysis.decide import Decision
from emulsion.analysis.scores import MEAN
from emulsion.figures.contributions import GAP, MARGIN, ROW, column_name, draw_cell, signed
from emulsion.figures.heatmap import plus_minus, write_number
from emulsion.figures.style import CHARACTER, INK, WIDTH, fit, most_of, note, pretty, pretty_all, styled
from emulsion.report.loss_tables import mean_in_words

COLUMN = 0.8  # inches: the least a column may have
LEAST = 0.02  # nats: the colours reach at least so far, that noise is not blown up
SIZE = 9.5  # points: a difference has three decimals and a sign
NOTE = (
    "First row: its losses on test text, nats per token; below, what each mixture has more (red) or less (blue)."
    " ±: half the width of the 95 % interval; {mean}. Hatched grey: no significant difference after Holm's correction."
)
MARKS = " Bold and framed: of the mixtures that may be recommended, significantly better than every other one."


@styled
def draw_loss_heatmap(
    losses: Mapping[str, Any], decisions: Mapping[str, Decision], labels: Mapping[str, str] | None = None
) -> Figure:
    """Draw the part "losses" of `recommendations.json`, the mixture of the lowest mean first.

    decisions: by source and for "mean", which name the winners that are marked; labels: {mixture: 'A = B'}.
    """
    reference, columns = losses["reference"], [*losses["sources"], MEAN]
    means = {name: losses["mixtures"][name][MEAN]["loss"] for name in losses["differences"]}
    marked = {each.winner for each in decisions.values()}
    chosen = sorted(means, key=lambda name: (name not in marked, means[name]))
    kept, left_out = most_of(chosen, "those of the lowest mean loss")
    ranked = sorted(kept, key=means.__getitem__)
    width = max(WIDTH, MARGIN + COLUMN * (len(columns) + GAP))
    figure = Figure(figsize=(width, 1.3 + ROW * (len(ranked) + 1)), layout="constrained")
    axes = figure.subplots()
    reach = colour_reach(losses, decisions)
    colours = ScalarMappable(Normalize(-reach, reach), matplotlib.colormaps["RdBu_r"])
    lefts = np.arange(len(columns), dtype=float)
    lefts[-1] += GAP
    for left, column in zip(lefts, columns, strict=True):
        winner = decisions[column].winner if column in decisions else None
        cell = losses["mixtures"][reference][MEAN] if column == MEAN else _of(losses, reference, column)
        _reference(axes, left, cell, bold=winner == reference)
        for row, name in enumerate(ranked, start=1):
            _difference(axes, left, row, losses["differences"][name][column], colours, wins=winner == name)
    names = [reference, *ranked]
    shown = [fit(name, 21) for name in pretty_all((labels or {}).get(name, name) for name in names)]
    axes.set(xlim=(0, lefts[-1] + 1), ylim=(len(names), 0))
    axes.set_yticks(np.arange(len(names)) + 0.5, shown)
    characters = int((width - MARGIN) / (len(columns) + GAP) / CHARACTER)
    axes.set_xticks(lefts + 0.5, [column_name(pretty(name) if name == MEAN else name, characters) for name in columns])
    axes.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(colours, cax=axes.inset_axes((1.02, 0, 0.02, 1)), extend="both")
    bar.set_label(fit("Difference (nats)", max(10, int(ROW * len(names) / CHARACTER))))
    bar.outline.set_visible(False)
    unclaimed = [each.text for each in decisions.values() if not each.claims and not each.alone]
    explained = NOTE.format(mean=mean_in_words(losses))
    note(figure, explained + (f" No best is marked: {unclaimed[0]}." if unclaimed else MARKS) + left_out)
    return figure


def colour_reach(losses: Mapping[str, Any], decisions: Mapping[str, Decision]) -> float:
    """The largest difference, of either sign, that the colours tell: of the mixtures that may be recommended.

    Those of one source alone are far worse on all others, and are beyond the scale.
    """
    candidates = {MEAN, *(name for each in decisions.values() for name in (each.leader, *each.comparisons))}
    rows = [row for name, row in losses["differences"].items() if name in candidates] or list(
        losses["differences"].values()
    )
    return max([LEAST, *(abs(float(cell["difference"])) for row in rows for cell in row.values())])


def _of(losses: Mapping[str, Any], mixture: str, source: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = losses["mixtures"][mixture]["sources"][source]
    return found


def _reference(axes: Axes, left: float, cell: Mapping[str, Any], *, bold: bool) -> None:
    axes.add_patch(Rectangle((left, 0), 1, 1, facecolor="white", edgecolor="#d9d9d9", linewidth=0.8))
    low, high = cell["interval"]
    half = plus_minus((high - low) / 2, 3)
    write_number(axes, left, 0, f"{cell['loss']:.3f}", half, INK, framed=bold, size=SIZE)


def _difference(
    axes: Axes, left: float, row: int, cell: Mapping[str, Any], colours: ScalarMappable, *, wins: bool
) -> None:
    sure = cell["verdict"] != NEITHER or wins
    ink = draw_cell(axes, left, row, cell["difference"], colours, sure=sure)
    low, high = cell["interval"]
    half = plus_minus((high - low) / 2, 3)
    write_number(axes, left, row, signed(cell["difference"], 3), half, ink, framed=wins, size=SIZE)
