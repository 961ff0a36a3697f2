"""Methods over several settings: differences of mean test loss to stratified sampling, in each and on average."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from emulsion.errors import UserError
from emulsion.figures.method_differences import SIGNIFICANT, labels
from emulsion.figures.style import CHARACTER, FAINT, INK, WIDTH, fit, logarithmic_beyond, most_of, note, styled

ROW = 0.22  # inches: a method's row
LABELS = 1.2  # inches: the names of methods
ABREAST = 5  # panels beside each other
MEAN = "Mean of the settings"
NOTE = (
    "Differences of mean test loss to stratified sampling in nats per token, paired by seed; left of the line is"
    " better. Bars: 95 % intervals over seeds. Filled: significant on average after Holm's correction; the intervals of"
    " single settings are not corrected. Panels have axes of their own."
)


@styled
def draw_setting_differences(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `settings.json`: the mean, then a panel for each setting, a row for each method.

    Raises UserError where no method was compared with stratified sampling in any setting.
    """
    rows = [row for row in found["methods"] if _shown(row)]
    if not rows:
        raise UserError(
            "settings: nothing was compared with stratified sampling; add a method of kind stratified to experiments."
        )
    kept, left_out = most_of([row["method"] for row in rows], "the best on average")
    rows = [row for row in rows if row["method"] in kept]
    panels = [MEAN, *(each["label"] for each in found["settings"])]
    down = math.ceil(len(panels) / ABREAST)
    abreast = math.ceil(len(panels) / down)
    figure = Figure(figsize=(WIDTH, down * (0.8 + ROW * len(rows)) + 1.2), layout="constrained")
    grid = figure.subplots(down, abreast, sharey=True, squeeze=False).ravel()
    for axes, panel in zip(grid, panels, strict=False):
        left_out += _panel(axes, panel, rows)
        axes.set_title(fit(panel, int((WIDTH - LABELS) / abreast / CHARACTER)), fontsize="medium")
    for axes in grid[len(panels) :]:
        axes.remove()
    grid[0].set_yticks(range(len(rows)), labels(rows))
    grid[0].set_ylim(len(rows) - 0.5, -0.5)
    figure.suptitle(fit(found["title"], 75))
    note(figure, f"{NOTE}{left_out}")
    return figure


def _shown(row: Mapping[str, Any]) -> bool:
    return any(cell["loss"]["difference"] is not None for cell in row["by_setting"].values())


def _panel(axes: Axes, panel: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Draw a panel; returns what a reader has to know of its axis."""
    ends: list[float] = []
    for place, row in enumerate(rows):
        average = panel == MEAN
        cell = row["mean"] if average else row["by_setting"].get(panel, {}).get("loss")
        if cell is None or cell["difference"] is None:
            continue
        interval = cell["interval"] or [cell["difference"]] * 2
        shade, width = (INK, 1.6) if average else (FAINT, 1.0)
        axes.hlines(place, *interval, color=shade, linewidth=width)
        face = shade if average and row["verdict"] in SIGNIFICANT else "white"
        axes.plot(cell["difference"], place, marker="o", color=shade, markerfacecolor=face)
        ends.append(max(map(abs, interval)))
    near = logarithmic_beyond(axes, "x", ends)
    if near is None:
        axes.locator_params(axis="x", nbins=3)
    axes.axvline(0, color=FAINT, linewidth=0.8, zorder=0.5)
    axes.grid(True, axis="x")
    return f" Beyond {near:.2g} the axis of {panel} is logarithmic." if near else ""
