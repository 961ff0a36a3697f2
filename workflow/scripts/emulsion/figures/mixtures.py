"""The mixtures: what each strategy asked for, what it got, and how often each source was repeated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import PercentFormatter

from emulsion.errors import UserError
from emulsion.figures.style import (
    OTHER,
    PALETTE,
    SMALL,
    WIDTH,
    fit,
    legend_columns,
    most_of,
    note,
    pretty_all,
    styled,
    text_on,
)
from emulsion.mixture import Mixture

MOST_SOURCES = 7  # with a colour of their own; more would not be told apart
COLOURS = [colour for name, colour in PALETTE.items() if name != "black"]
# Muennighoff et al. 2023: up to four passes are about as good as new data. Compared as printed, to a tenth: a mixture
# that keeps to four passes by tokens draws a little more, for a source's rest that fills no sequence counts there.
MANY_EPOCHS = 4.0
HARD = "#f6c9a8"
IN_ORDER = "the first of the configuration"
BAR, LINE = 0.46, 0.23  # inches: a strategy among the bars, and in the table


@dataclass(frozen=True, kw_only=True)
class Shares:
    """Frames [strategies, sources]: shares of tokens, configured and realised, and epochs (passes)."""

    configured: pd.DataFrame
    realised: pd.DataFrame
    epochs: pd.DataFrame

    @property
    def strategies(self) -> list[str]:
        return list(self.configured.index)


@styled
def draw_mixtures(infos: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the contents of `{experiment}_{mix}_info.json` by strategy; rows keep the order of `infos`."""
    kept, left_out = most_of(list(infos), IN_ORDER)
    everything = shares({name: infos[name] for name in kept})
    shown, folded = fold(everything)
    colours = dict(zip(shown.configured.columns, COLOURS, strict=False))
    if folded:
        colours[shown.configured.columns[-1]] = OTHER
    names = [fit(source, 34) for source in colours]
    keys = math.ceil(len(names) / legend_columns(names))
    count = len(shown.strategies)
    heights = [BAR * count, LINE * count]
    figure = Figure(figsize=(WIDTH, sum(heights) + 2.0 + 0.17 * keys), layout="constrained")
    bars, table = figure.subplots(2, 1, height_ratios=[heights[0] + 0.1, heights[1] + 0.1])
    _bars(bars, shown, colours)
    _table(table, shown, colours, folded)
    handles = [Patch(facecolor=colour) for colour in colours.values()]
    figure.legend(handles, names, loc="outside upper left", ncols=legend_columns(names), handlelength=1, handleheight=1)
    note(figure, f"{_remark(everything)}{left_out}")
    return figure


def shares(infos: Mapping[str, Mapping[str, Any]]) -> Shares:
    """The shares and epochs of every strategy over the union of their sources; a source not named has 0."""
    if not infos:
        raise UserError("mixtures: no strategies to draw.")
    parts = {
        "mixing_ratios": {s: dict(Mixture(_part(info, "mixing_ratios", s), s)) for s, info in infos.items()},
        "realised_shares": {s: _part(info, "realised_shares", s) for s, info in infos.items()},
        "epochs_per_source": {s: _part(info, "epochs_per_source", s) for s, info in infos.items()},
    }
    sources = list(dict.fromkeys(source for weights in parts["mixing_ratios"].values() for source in weights))
    frames = [
        pd.DataFrame([[row.get(source, 0.0) for source in sources] for row in rows.values()], list(infos), sources)
        for rows in parts.values()
    ]
    return Shares(configured=frames[0], realised=frames[1], epochs=frames[2])


def fold(whole: Shares, most: int = MOST_SOURCES) -> tuple[Shares, int]:
    """The `most` largest sources and one column for the others, if any; and how many those are.

    The others' shares are summed; of their epochs the most is kept, as passes over different sources do
    not add up.
    """
    sources = list(whole.configured.columns)
    if len(sources) <= most:
        return whole, 0
    order = whole.configured.max().sort_values(ascending=False, kind="stable").index[:most]
    kept = [source for source in sources if source in set(order)]
    rest = [source for source in sources if source not in set(order)]
    name = f"Other ({len(rest)} sources)"
    return Shares(
        configured=whole.configured[kept].assign(**{name: whole.configured[rest].sum(axis=1)}),
        realised=whole.realised[kept].assign(**{name: whole.realised[rest].sum(axis=1)}),
        epochs=whole.epochs[kept].assign(**{name: whole.epochs[rest].max(axis=1)}),
    ), len(rest)


def epochs_text(epochs: float) -> str:
    """Epochs to two figures: '0.42', '3.4', '12', '<0.01'; a source that is not used '–'."""
    if epochs <= 0:
        return "–"
    if epochs < 0.01:
        return "<0.01"
    return f"{epochs:.2f}" if epochs < 0.995 else f"{epochs:.1f}" if epochs < 9.95 else f"{epochs:,.0f}"


def _part(info: Mapping[str, Any], key: str, strategy: str) -> dict[str, float]:
    part = info.get(key) if isinstance(info, Mapping) else None
    if not isinstance(part, Mapping) or not part:
        raise UserError(f"strategy '{strategy}': no '{key}' in its info.json; make the mixture again.")
    return dict(part)


def _bars(axes: Axes, shown: Shares, colours: Mapping[str, str]) -> None:
    """Per strategy a thick bar, as configured, and under it a thin one, as realised."""
    rows = np.arange(len(shown.strategies))
    for frame, offset, height in ((shown.configured, -0.1, 0.54), (shown.realised, 0.28, 0.15)):
        left = np.zeros(len(rows))
        for source, colour in colours.items():
            width = frame[source].to_numpy()
            axes.barh(rows + offset, width, height, left, color=colour, edgecolor="white", linewidth=0.5)
            if frame is shown.configured:
                _percentages(axes, rows + offset, left, width, text_on(colour))
            left = left + width
    axes.set_yticks(rows, [fit(strategy, 21) for strategy in pretty_all(shown.strategies)])
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.45))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.set_title("Share of tokens (thick: configured; thin: realised)")


def _percentages(axes: Axes, rows: np.ndarray, lefts: np.ndarray, widths: np.ndarray, colour: str) -> None:
    for row, left, width in zip(rows, lefts, widths, strict=True):
        if width >= 0.06:  # narrower than its number
            axes.text(left + width / 2, row, f"{100 * width:.0f} %", ha="center", va="center_baseline", color=colour)


def _table(axes: Axes, shown: Shares, colours: Mapping[str, str], folded: int) -> None:
    """The epochs of each source by strategy, under a swatch of the source's colour."""
    count = len(shown.strategies)
    axes.set(xlim=(0, len(colours)), ylim=(count, 0))
    axes.spines[:].set_visible(False)
    axes.set_yticks(np.arange(count) + 0.5, [fit(strategy, 23, 1) for strategy in pretty_all(shown.strategies)])
    characters = int(5.2 / len(colours) / 0.07)
    heads = [fit(source, characters, 2) for source in colours]
    if folded:
        heads[-1] = "Other,\nat most"
    axes.set_xticks(np.arange(len(heads)) + 0.5, heads)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.set_title("Epochs: passes over each source", pad=6)
    for column, (source, colour) in enumerate(colours.items()):
        axes.add_patch(Rectangle((column + 0.04, 0), 0.92, 0.12, facecolor=colour))
        for row, epochs in enumerate(shown.epochs[source]):
            if round(epochs, 1) > MANY_EPOCHS:
                axes.add_patch(Rectangle((column + 0.2, row + 0.16), 0.6, 0.76, facecolor=HARD))
            axes.text(column + 0.5, row + 0.56, epochs_text(epochs), ha="center", va="center", fontsize=SMALL)


def _remark(whole: Shares) -> str:
    worst = float((whole.configured - whole.realised).abs().to_numpy().max())
    gap = f"{100 * worst:.2g}" if worst >= 1e-4 else "under 0.01"
    remark = f"Largest difference between configured and realised share: {gap} percentage points."
    if (whole.epochs.round(1) > MANY_EPOCHS).to_numpy().any():
        remark += f" Shaded: over {MANY_EPOCHS:.0f} epochs, where repeats begin to teach less than new data."
    return remark
