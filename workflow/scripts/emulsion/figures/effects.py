"""The effects: how A changes over a run, and what is lost where it is taken for a diagonal (Aioli, C.2.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import scipy
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.patches import Rectangle

from emulsion.figures.law_panels import LINE, require, tokens_in_words
from emulsion.figures.style import (
    CHARACTER,
    FAINT,
    INK,
    OTHER,
    PALETTE,
    SMALL,
    WIDTH,
    fit,
    lines,
    note,
    pretty,
    styled,
    text_on,
)

OVER_TIME = 2.9  # inches: the height of the panel of column sums
ROW, COLUMN, NAMES = 0.26, 0.3, 1.2  # inches: a cell, the least its column may have, and the names beside
GAP = 0.2  # of a row, before the column sums
ASIDE = 0.008  # of the range of tokens: how far apart the points of sources stand, that their bars all show
APART = 0.2  # of the range of tokens: what two branch points must be apart to be drawn to scale
KEYS = ("sources", "branches")

Table = Mapping[str, Mapping[str, float]]  # evaluated group -> source trained on -> effect


@styled
def draw_effects(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `dynamic_law.json`: column sums of A by branch set, and the mean A of each, full or not."""
    require(found, KEYS, "dynamic_law.json")
    sources = list(found["sources"])
    sets = dict(sorted(found["branches"].items(), key=lambda item: item[1]["after"]))
    width = max(WIDTH, NAMES + 0.9 + 2 * COLUMN * len(sources))
    slanted = _characters(width, sources) < max(map(len, sources))
    each = 0.75 + ROW * (len(sources) + 1 + GAP) + (0.6 if slanted else 0.2)
    figure = Figure(figsize=(width, OVER_TIME + each * len(sets) + 0.5), layout="constrained")
    parts = figure.subfigures(len(sets) + 1, 1, height_ratios=[OVER_TIME, *[each] * len(sets)], squeeze=False)[:, 0]
    axes = parts[0].subplots()
    axes.axhline(0, color=OTHER, linewidth=0.8, zorder=1)
    axes.grid(True, axis="y")
    chain = in_time(sets)
    ends = _over_time(axes, chain, found["over_time"], sources) if len(chain) > 1 else None
    if ends is None:
        _sums(axes, next(iter(sets.values())), sources)
    for part, (name, branches) in zip(parts[1:], sets.items(), strict=True):
        _matrices(part, branches, sources, slanted, _characters(width, sources))
        part.suptitle(fit(set_title(name, branches), 85), x=0.01, ha="left", fontsize=9)
    note(figure, remark(sets))
    if ends is not None:
        _name_lines(figure, axes, ends)
    return figure


def in_time(sets: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The sets that a line goes through: those of one length, whose effects compare, and of these the most."""
    lengths = sorted({each["tokens"] for each in sets.values()})
    chains = [{name: each for name, each in sets.items() if each["tokens"] == tokens} for tokens in lengths]
    return max(chains, key=len)


def shares_of_sums(branches: Mapping[str, Any], sources: Sequence[str]) -> np.ndarray:
    """Column sums of each trunk's A over the total of their absolute values, [trunks, m]; 0 where all are 0."""
    sums = np.array([[trunk["column_sums"]["full"][source] for source in sources] for trunk in branches["trunks"]])
    totals = np.abs(sums).sum(axis=1, keepdims=True)
    return np.asarray(sums / np.where(totals > 0, totals, 1.0))


def places(afters: Sequence[float]) -> list[float]:
    """Where branch points stand: at their tokens, in order, or evenly where these are too close to tell apart."""
    reach = max(afters) - min(afters)
    if reach > 0 and np.diff(afters).min() >= APART * reach:
        return [(after - min(afters)) / reach for after in afters]
    return [place / max(1, len(afters) - 1) for place in range(len(afters))]


def apart(values: Sequence[float] | np.ndarray, gap: float) -> np.ndarray:
    """The values [n] moved as little as may be, in squares, to be `gap` apart; their order stays."""
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(order))
    moved = np.empty(len(order))
    moved[order] = scipy.optimize.isotonic_regression(np.asarray(values, float)[order] - steps).x + steps
    return moved


def unit_of(largest: float) -> float:
    """The power of ten in which the largest effect has three figures before the point."""
    return float(10.0 ** (np.floor(np.log10(largest)) - 2)) if largest > 0 else 1.0


def set_title(name: str, branches: Mapping[str, Any]) -> str:
    """A branch set, and in how many of its trunks the diagonal alone would put the sources in another order."""
    count, other = branches["trunks_count"], branches["trunks_count"] - branches["same_order"]
    trunks = "1 trunk" if count == 1 else f"{count} trunks"
    verdict = f"the diagonal alone ranks sources otherwise in {other} of {count}"
    return f"{pretty(name)}: mean A of {trunks}; {verdict}"


def remark(sets: Mapping[str, Mapping[str, Any]]) -> str:
    """What is divided out above, and how to read below."""
    totals = [f"{name} {sum(map(abs, branches['column_sums'].values())):.3g}" for name, branches in sets.items()]
    spread = "Bars: standard deviation over trunks" + ("; grey: each trunk. " if len(sets) == 1 else ". ")
    several = max(branches["trunks_count"] for branches in sets.values()) > 1
    return (
        f"Column sum: what a round on a source alone takes off all losses together; totals in nats per token:"
        f" {', '.join(totals)}. {spread if several else ''}"
        "Matrices: row evaluated, column trained on; blue lowers the loss."
    )


def _characters(width: float, sources: Sequence[str]) -> int:
    """What fits above a column of a matrix."""
    return int((width - NAMES - 0.9) / 2 / len(sources) / CHARACTER) - 1


def _sums(axes: Axes, branches: Mapping[str, Any], sources: Sequence[str]) -> None:
    """The one branch set: a point per source, largest first."""
    table = shares_of_sums(branches, sources)
    means, spreads = table.mean(axis=0), _spread(table)
    order = np.argsort(-means, kind="stable")
    for place, j in enumerate(order):
        axes.plot(np.full(len(table), place + 0.12), table[:, j], ".", color=OTHER, markersize=3, zorder=1)
        axes.errorbar(place, means[j], spreads[j], marker="o", color=PALETTE["blue"], elinewidth=0.8)
    characters = int((WIDTH - 0.6) / len(sources) / CHARACTER)
    axes.set_xticks(range(len(sources)), [fit(sources[j], characters) for j in order])
    axes.set(ylabel="Column sum over total", xlim=(-0.5, len(sources) - 0.5))
    axes.set_title("Column sums of A, as shares of their total")


def _over_time(
    axes: Axes, sets: Mapping[str, Mapping[str, Any]], changes: Sequence[Mapping[str, Any]], sources: Sequence[str]
) -> dict[str, tuple[float, float, str]]:
    """A line per source over the branch sets; returns {source: (where its last point is, and its colour)}."""
    across = np.array(places([branches["after"] for branches in sets.values()]))
    tables = [shares_of_sums(branches, sources) for branches in sets.values()]
    means, spreads = np.array([table.mean(axis=0) for table in tables]), np.array([_spread(table) for table in tables])
    aside = ASIDE * (np.arange(len(sources)) - (len(sources) - 1) / 2)
    looks = lines(sources)
    for j, (source, look) in enumerate(looks.items()):
        bars = axes.errorbar(across + aside[j], means[:, j], spreads[:, j], marker="o", linewidth=1.4, **look)
        bars[0].set_label(source)
        bars[2][0].set(linewidth=0.8, linestyle="-")
    changed = {(change["from"], change["to"]): change for change in changes}
    for (left, right), pair in zip(pairwise(across), pairwise(sets), strict=True):
        if pair in changed:
            _mark(axes, left, right, changed[pair])
    axes.set_xticks(across, [f"{pretty(name)}\n{tokens_in_words(part['after'])}" for name, part in sets.items()])
    axes.set(xlabel="Branch set, and tokens trained on before it", ylabel="Column sum over total", xlim=(-0.06, 1.05))
    axes.set_title("Column sums of A over time, as shares of their total", pad=2 * LINE + 8)
    ends = zip(across[-1] + aside, means[-1], strict=True)
    return {source: (*end, looks[source]["color"]) for source, end in zip(sources, ends, strict=True)}


def _spread(table: np.ndarray) -> np.ndarray:
    """The standard deviation over trunks [m] of a table [trunks, m]; 0 for one trunk, which has none."""
    return np.asarray(table.std(axis=0, ddof=1) if len(table) > 1 else np.zeros(table.shape[1]))


def _mark(axes: Axes, left: float, right: float, change: Mapping[str, Any]) -> None:
    """Above two branch sets: in how many trunks the sources change their order; shaded where any does."""
    if change["changed"]:
        axes.axvspan(left, right, color="#f4f4f4", linewidth=0, zorder=0)
    text = f"order changes in\n{change['changed']} of {change['trunks']} trunks"
    style: dict[str, Any] = {
        "xycoords": axes.get_xaxis_transform(),
        "textcoords": "offset points",
        "ha": "center",
        "va": "bottom",
    }
    axes.annotate(text, ((left + right) / 2, 1), xytext=(0, 4), color=INK if change["changed"] else FAINT, **style)


def _name_lines(figure: Figure, axes: Axes, ends: Mapping[str, tuple[float, float, str]]) -> None:
    """Names to the right of lines, moved apart, each with a line to its last point."""
    names = [fit(source, 16, 1) for source in ends]
    beside: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    room = axes.annotate(max(names, key=len), (1, 0.5), xytext=(12, 0), **beside)
    figure.draw_without_rendering()  # settles the layout, with room for the names
    room.remove()
    figure.set_layout_engine("none")
    pixel = 72 / figure.dpi
    points = axes.transData.transform([(x, y) for x, y, _ in ends.values()]) * pixel
    right = axes.bbox.x1 * pixel + 12
    for name, (x, y, colour), point, height in zip(
        names, ends.values(), points, apart(points[:, 1], LINE), strict=True
    ):
        arrow = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 0, "shrinkB": 0}
        offset = (right - point[0], height - point[1])
        place: dict[str, Any] = {"textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(name, (x, y), xytext=offset, arrowprops=arrow, **place)


def _matrices(
    part: SubFigure, branches: Mapping[str, Any], sources: Sequence[str], slanted: bool, characters: int
) -> None:
    full, diagonal = branches["A"], {group: {group: branches["diagonal"][group]} for group in sources}
    largest = max(abs(effect) for table in (full, diagonal) for row in table.values() for effect in row.values())
    unit = unit_of(largest)
    reach = largest / unit or 1.0
    colours = ScalarMappable(Normalize(-reach, reach), matplotlib.colormaps["RdBu"])
    panels = part.subplots(1, 2)
    for axes, table, what in zip(panels, (full, diagonal), ("Full", "Diagonal"), strict=True):
        _matrix(axes, table, sources, unit, colours)
        axes.set_title(f"{what}, in {unit:g} nats", fontsize=SMALL)
        names = [fit(source, 13 if slanted else characters, 1) for source in sources]
        turn = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if slanted else {}
        axes.set_xticks(np.arange(len(sources)) + 0.5, names, **turn)
        axes.set_yticks([])
    rows = [*np.arange(len(sources)) + 0.5, len(sources) + GAP + 0.5]
    panels[0].set_yticks(rows, [*(fit(source, 16, 1) for source in sources), "column sum"])
    bar = part.colorbar(colours, cax=panels[1].inset_axes((1.03, 0, 0.03, 1)))
    bar.outline.set_visible(False)
    bar.ax.locator_params(nbins=5)


def _matrix(axes: Axes, table: Table, sources: Sequence[str], unit: float, colours: ScalarMappable) -> None:
    """Cells with their effects written in, and below them the column sums, the largest bold."""
    count = len(sources)
    for row, group in enumerate(sources):
        for column, source in enumerate(sources):
            effect = table[group].get(source)
            colour = "#f4f4f4" if effect is None else colours.to_rgba(np.array(effect / unit))
            axes.add_patch(Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.0))
            if effect is not None:
                _write(axes, column, row, effect / unit, text_on(colour))
    sums = [sum(table[group].get(source, 0.0) for group in sources) for source in sources]
    for column, total in enumerate(sums):
        _write(axes, column, count + GAP, total / unit, INK, bold=total == max(sums))
    axes.set(xlim=(0, count), ylim=(count + 1 + GAP, 0))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _write(axes: Axes, column: int, row: float, value: float, ink: Any, bold: bool = False) -> None:
    text = f"{value:.0f}".replace("-0", "0") if round(value) == 0 else f"{value:.0f}".replace("-", "−")
    weight = "bold" if bold else "normal"
    axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, fontweight=weight, fontsize=SMALL)
