"""The static law: what is left of each group's loss above its irreducible part, against the mixture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

from emulsion.figures.law_panels import columns, goodness, heading, looks, number, panels, require, shares_of
from emulsion.figures.style import INK, SMALL, WIDTH, fit, legend_columns, note, styled
from emulsion.laws.static import StaticLaw

PANEL = 2.1  # inches: the height of a panel with its heading and label
KEYS = ("sources", "seeds", "points", "law", "quality", "noise")
STEPS = ((1,), (1, 3), (1, 2, 5))  # within a decade, to label: the first that puts three numbers in the range
TRIANGLE, FOOT = "v", 0.03  # points without a logarithm, and how high of the panel they stand


@styled
def draw_static_law(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `static_law.json`: the points of every seed and the log-linear law fitted to them all."""
    require(found, KEYS, "static_law.json")
    law = StaticLaw.from_json(found["law"])
    across, seeds = columns(len(law.groups)), looks(found["seeds"])
    height = 0.75 + PANEL * math.ceil(len(law.groups) / across)
    figure = Figure(figsize=(WIDTH, height + 0.6), layout="constrained")
    part = figure.subfigures(1, 1, squeeze=False)[0, 0]
    quality, noise = found["quality"]["log_linear"]["groups"], found["noise"]["groups"]
    for group, axes in panels(part, law.groups).items():
        below = _panel(axes, law, group, found["points"], seeds)
        rows = [goodness(quality[group]["r2"], noise[group]["ceiling"]), constant(law, group, below)]
        heading(axes, group, rows, across)
    part.suptitle("The static law: loss above its irreducible part c, against the mixture", x=0.01, ha="left")
    part.supylabel("Loss less c (nats per token, log scale)", fontsize=SMALL)
    if len(law.sources) > 2:
        part.supxlabel("Coordinate of the law: sum over sources j of A[group, j] × share of j", fontsize=SMALL)
    _legend(figure, seeds)
    note(figure, remark(found, law))
    return figure


def constant(law: StaticLaw, group: str, below: int) -> str:
    """The group's c, and how many points have no logarithm for lying at or below it."""
    text = f"c {number(law.c[law.groups.index(group)])}"
    return text + (f"; {below} point{'s' if below > 1 else ''} at or below c" if below else "")


def coordinate(law: StaticLaw, group: str, mixtures: np.ndarray) -> np.ndarray:
    """Where mixtures [n, m] lie across the group's panel [n]: the share of its own source of two, else A[group] . p."""
    if len(law.sources) == 2:
        return np.asarray(mixtures[:, law.sources.index(group)])
    return np.asarray(mixtures @ law.A[law.groups.index(group)])


def log_ticks(low: float, high: float) -> list[float]:
    """Round numbers between two positive ones for a logarithmic axis: within decades where it has any to speak of."""
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for steps in STEPS:
        ticks = [step * 10.0**decade for decade in decades for step in steps if low <= step * 10.0**decade <= high]
        if len(ticks) >= 3:
            return ticks[:: math.ceil(len(ticks) / 6)]
    return [float(tick) for tick in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(low, high) if low <= tick <= high]


def remark(found: Mapping[str, Any], law: StaticLaw) -> str:
    """The law and, where seeds tell it, what a ceiling is."""
    text = f"Line: loss = c + b exp(−sum of A[group, j] × share of j), one fit to {law.runs} runs"
    if law.set_aside:
        text += f" ({len(law.set_aside)} more diverged and set aside)"
    if len(law.sources) > 2:
        text += "; with rows of A that sum to 0 the uniform mixture is at 0"
    if len(found["seeds"]) < 2:
        return f"{text}. With one seed, nobody knows how high R² can get."
    return f"{text}. Ceiling: the R² that the true function would reach, given how seeds differ."


def _panel(
    axes: Axes, law: StaticLaw, group: str, points: Sequence[Mapping[str, Any]], seeds: Mapping[Any, Mapping[str, Any]]
) -> int:
    """Draw a group; returns the number of points at or below c, which are triangles at the foot."""
    index = law.groups.index(group)
    across = coordinate(law, group, shares_of(points, law.sources))
    above = np.array([point["losses"][group] for point in points]) - law.c[index]
    drawn, of_seed = above > 0, np.array([point["seed"] for point in points])
    ends = np.linspace(across.min(), across.max(), 100)
    line = _line(law, group, ends)
    positive = above[drawn] if drawn.any() else line[line > 0]
    if positive.size:  # where the points are, and a decade below them: the line may go on for many
        low, high = min(positive.min(), max(line.min(), positive.min() / 10)), max(positive.max(), line.max())
        margin = max((high / low) ** 0.08, 1.02)
        _log_axis(axes, low / margin, high * margin)
        axes.plot(ends, line, color=INK, linewidth=1.2, zorder=2)
    else:
        axes.set_yticks([])
    for seed, look in seeds.items():
        style: dict[str, Any] = {**look, "linestyle": "", "alpha": 0.85, "markeredgewidth": 0, "zorder": 3}
        shown, foot = (of_seed == seed) & drawn, (of_seed == seed) & ~drawn
        axes.plot(across[shown], above[shown], **style)
        if foot.any():
            style = {**style, "marker": TRIANGLE, "transform": axes.get_xaxis_transform()}
            axes.plot(across[foot], np.full(foot.sum(), FOOT), **style)
    axes.grid(True)
    if len(law.sources) == 2:
        axes.set_xlabel(f"Share of {fit(group, 36, 1)}")
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.set_xlim(0, 1)
    else:
        axes.locator_params(axis="x", nbins=4)
    return int((~drawn).sum())


def _line(law: StaticLaw, group: str, across: np.ndarray) -> np.ndarray:
    """b exp(-A . p) [n] at places [n] of the group's panel."""
    index = law.groups.index(group)
    if len(law.sources) > 2:
        return np.asarray(law.b[index] * np.exp(-across))
    own = law.sources.index(group)
    mixtures = np.column_stack([1 - across, across] if own else [across, 1 - across])
    return np.asarray(law.b[index] * np.exp(-mixtures @ law.A[index]))


def _log_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator(log_ticks(low, high)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))


def _legend(figure: Figure, seeds: Mapping[Any, Mapping[str, Any]]) -> None:
    handles = [Line2D([], [], linestyle="", **look) for look in seeds.values()]
    handles.append(Line2D([], [], color=INK, linewidth=1.2))
    labels = [*(f"seed {seed}" for seed in seeds), "the law"]
    figure.legend(handles, labels, loc="outside upper left", ncols=legend_columns(labels))
