"""The contributions: what each capability and each source's loss would lose without a source."""

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

from emulsion.analysis.scores import MEAN
from emulsion.errors import UserError
from emulsion.figures.heatmap import plus_minus, write_number
from emulsion.figures.score_cells import ORDER
from emulsion.figures.style import CHARACTER, FAINT, WIDTH, fit, note, pretty, styled, text_on

ROW, COLUMN = 0.42, 0.74  # inches: a row, and the least a column may have
MARGIN = 2.0  # inches: row names and the colour bar
GAP = 0.18  # of a column, before the mean
UNSURE, HATCH = "#f4f4f4", "#e2e2e2"
LEAST = 0.1  # the colours reach at least so far, that noise is not blown up
NOTE = (
    "±: half the width of the 95 % interval. Hatched grey: no significant effect after Holm's correction."
    " Framed: a source's largest significant contribution."
)

SCORE, LOSS = "Score", "Loss (nats per token)"

Cells = Mapping[str, Mapping[str, Any]]
Table = Mapping[str, Cells]  # source -> column -> cell


@styled
def draw_contributions(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `contributions.json`; rows keep its order of sources."""
    tables = [(_with_mean(found, "capabilities", MEAN), SCORE), (_with_mean(found, "losses", "mean_loss"), LOSS)]
    tables = [(table, unit) for table, unit in tables if table]
    if not tables:
        raise UserError("contributions: no sources to draw.")
    columns = max(len(next(iter(table.values()))) for table, _ in tables)
    width = max(WIDTH, MARGIN + COLUMN * (columns + GAP))
    heights = [0.75 + ROW * len(table) for table, _ in tables]
    figure = Figure(figsize=(width, sum(heights) + 0.75), layout="constrained")
    panels = figure.subplots(len(tables), 1, squeeze=False, height_ratios=heights)[:, 0]
    base = fit(pretty(found["base"]), 24, 1)
    titles = {
        SCORE: f"Score of {base} less the score without the source",
        LOSS: f"Loss without the source less that of {base}",
    }
    for axes, (table, unit) in zip(panels, tables, strict=True):
        _panel(axes, table, unit, width - MARGIN)
        axes.set_title(f"{titles[unit]} (blue: it helps)", x=0, pad=6)
    note(figure, f"{NOTE} {found['note']}")
    return figure


def column_name(name: str, characters: int) -> str:
    """A name below a column; one that is broken inside of a word leaves a character's room to the next one's."""
    return fit(name, characters - (len(name) > characters and " " not in name))


def colour_reach(table: Table) -> float:
    """The largest difference, of either sign, that the colours must tell; rounded up to a twentieth."""
    largest = max(abs(cell["difference"]) for cells in table.values() for cell in cells.values())
    return max(LEAST, float(np.ceil(round(largest * 20, 9)) / 20))


def signed(value: float, decimals: int = 2) -> str:
    """'+0.24', '−0.08', with a true minus; a value that rounds to zero has no sign."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def draw_cell(axes: Axes, left: float, top: float, value: float | None, colours: ScalarMappable, *, sure: bool) -> str:
    """The unit cell at (left, top) in the colour of its value, or hatched where it is not significant.

    Returns the ink for its text.
    """
    colour = colours.to_rgba(np.array(value)) if sure else UNSURE
    axes.add_patch(Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.2))
    if sure:
        return text_on(colour)
    place = (left + 0.02, top + 0.03)
    axes.add_patch(Rectangle(place, 0.96, 0.94, facecolor="none", edgecolor=HATCH, hatch="////", linewidth=0))
    return FAINT


def _with_mean(found: Mapping[str, Any], kind: str, mean: str) -> dict[str, dict[str, Any]]:
    """The capabilities, in the order of every figure, or the losses, and the mean; nothing without them."""
    names = list(next(iter(found[kind].values()), ()))
    names = [name for name in ORDER if name in names] + [name for name in names if name not in ORDER]
    return {
        source: {**{name: cells[name] for name in names}, MEAN: found[mean][source]}
        for source, cells in found[kind].items()
    }


def _panel(axes: Axes, table: Table, unit: str, width: float) -> None:
    """One table, `width` inches wide."""
    reach = colour_reach(table)
    colours = ScalarMappable(Normalize(-reach, reach), matplotlib.colormaps["RdBu"])
    names = list(next(iter(table.values())))
    characters = int(width / (len(names) + GAP) / CHARACTER)
    lefts = np.arange(len(names), dtype=float) + GAP * (np.array(names) == MEAN)
    for row, cells in enumerate(table.values()):
        top = _top(cells)
        for left, name in zip(lefts, names, strict=True):
            _cell(axes, left, row, cells[name], unit, colours, name == top)
    axes.set(xlim=(0, lefts[-1] + 1), ylim=(len(table), 0))
    axes.set_yticks(np.arange(len(table)) + 0.5, [fit(source, 18) for source in table])
    axes.set_xticks(
        lefts + 0.5,
        [column_name(name if unit == LOSS and name != MEAN else pretty(name), characters) for name in names],
    )
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    bar = axes.figure.colorbar(colours, cax=axes.inset_axes((1.02, 0, 0.02, 1)))
    bar.set_label(fit(unit, max(10, int(ROW * len(table) / CHARACTER))))
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=5)


def _top(cells: Cells) -> str | None:
    """The column of the largest significant contribution, the mean aside."""
    sure = [name for name, cell in cells.items() if name != MEAN and cell["verdict"] == "contributes"]
    return max(sure, key=lambda name: cells[name]["difference"], default=None)


def _cell(
    axes: Axes, left: float, row: int, cell: Mapping[str, Any], unit: str, colours: ScalarMappable, top: bool
) -> None:
    sure = cell["verdict"] in ("contributes", "hurts")
    ink = draw_cell(axes, left, row, cell["difference"], colours, sure=sure)
    low, high = cell["interval"]
    decimals, half = (3 if unit == LOSS else 2), (high - low) / 2
    # No score differs by more than 1: so few items tell nothing.
    around = "±>1" if unit == SCORE and half > 1 else plus_minus(half, decimals)
    write_number(axes, left, row, signed(cell["difference"], decimals), around, ink, framed=top)
