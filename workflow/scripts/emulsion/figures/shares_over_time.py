"""The schedule: what each strategy draws from over the run, its stages, and how well they were kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from emulsion.errors import UserError
from emulsion.figures.mixtures import COLOURS, IN_ORDER
from emulsion.figures.style import INK, OTHER, WIDTH, fit, legend_columns, most_of, note, pretty_all, styled, text_on

PANEL = 1.9  # inches, the height of a strategy's
LEGIBLE = 0.055  # a share that a number fits into
NARROW = 0.09  # of the run: a stage in which no number fits


@styled
def draw_schedule(infos: Mapping[str, Mapping[str, Any]], types: Mapping[str, str]) -> Figure:
    """Draw the stages of `{experiment}_{mix}_info.json` by strategy; types: {source: type}.

    Where sources outnumber the colours, those of one type are drawn as one.
    """
    kept, left_out = most_of(list(infos), IN_ORDER)
    infos = {strategy: infos[strategy] for strategy in kept}
    tables = {strategy: shares(info, strategy) for strategy, info in infos.items()}
    sources = list(dict.fromkeys(source for table in tables.values() for source in table.columns))
    groups = grouping(sources, types)
    tables = {strategy: summed(table, groups) for strategy, table in tables.items()}
    names = list(dict.fromkeys(groups.values()))
    colours = {name: COLOURS[place] if place < len(COLOURS) else OTHER for place, name in enumerate(names)}
    figure = Figure(figsize=(WIDTH, PANEL * len(tables) + 1.1), layout="constrained")
    panels = figure.subplots(len(tables), 1, sharex=True, squeeze=False)[:, 0]
    for axes, title, table in zip(panels, pretty_all(tables), tables.values(), strict=True):
        _panel(axes, title, table, colours)
    panels[-1].set_xlabel("Tokens trained on, of the whole run")
    panels[-1].xaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    labels = [fit(name, 34) for name in names]
    handles = [Patch(facecolor=colours[name]) for name in names]
    figure.legend(
        handles, labels, loc="outside upper left", ncols=legend_columns(labels), handlelength=1, handleheight=1
    )
    note(figure, f"{remark(infos)}{left_out}")
    return figure


def shares(info: Mapping[str, Any], strategy: str) -> pd.DataFrame:
    """Shares of tokens [stages, sources] as drawn, by where each stage ends, as a share of the run."""
    stages = info.get("stages")
    if not stages:
        raise UserError(f"strategy '{strategy}': no 'stages' in its info.json; make the mixture again.")
    ends = [(stage["first_sequence"] + stage["sequences"]) / info["sequences"] for stage in stages]
    return pd.DataFrame([stage["sequences_per_source"] for stage in stages], ends).div(
        [stage["sequences"] for stage in stages], axis=0
    )


def grouping(sources: list[str], types: Mapping[str, str]) -> dict[str, str]:
    """{source: what it is drawn as}: itself while there are colours for all, else its type, the last types as one."""
    if len(sources) <= len(COLOURS):
        return {source: source for source in sources}
    named = list(dict.fromkeys(types[source] for source in sources))
    # Grey is one type's or the others' together, never several's.
    others = named[len(COLOURS) :] if len(named) > len(COLOURS) + 1 else []
    other = f"Other ({len(others)} types)"
    return {source: other if types[source] in others else types[source] for source in sources}


def summed(table: pd.DataFrame, groups: Mapping[str, str]) -> pd.DataFrame:
    """[stages, groups]: the shares of the sources of each group together."""
    members = {name: [source for source in table.columns if groups[source] == name] for name in groups.values()}
    return pd.DataFrame({name: table[sources].sum(axis=1) for name, sources in members.items()})


def remark(infos: Mapping[str, Mapping[str, Any]]) -> str:
    """How far any source is from its due at a boundary, and the sources that are due too little to be drawn."""
    stages = [stage for info in infos.values() for stage in info["stages"]]
    worst = max(stage["largest_deviation_sequences"] for stage in stages)
    absent = {source for stage in stages for source in stage["not_drawn"]}
    text = f"As drawn; at the end of a stage no source is off by more than {worst:.2f} sequences."
    return text + (
        f" {len(absent)} sources are due less than one sequence of a stage and have none there." if absent else ""
    )


def _panel(axes: Axes, title: str, table: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """A block for each stage, as wide as it is long, its shares one on another; boundaries are lines."""
    starts, ends = np.array([0.0, *table.index[:-1]]), table.index.to_numpy()
    bottom = np.zeros(len(table))
    for name, colour in colours.items():
        heights = table[name].to_numpy() if name in table else np.zeros(len(table))
        axes.bar(starts, heights, ends - starts, bottom, align="edge", color=colour, edgecolor="white", linewidth=0.4)
        for start, end, low, height in zip(starts, ends, bottom, heights, strict=True):
            if height >= LEGIBLE and end - start >= NARROW:
                place = ((start + end) / 2, low + height / 2)
                axes.text(*place, f"{100 * height:.0f} %", ha="center", va="center_baseline", color=text_on(colour))
        bottom = bottom + heights
    for end in ends[:-1]:
        axes.axvline(end, color=INK, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.set(xlim=(0, 1), ylim=(0, 1), ylabel="Share of tokens")
    axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
    axes.set_title(fit(title, 80, 1))
