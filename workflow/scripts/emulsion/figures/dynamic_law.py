"""The dynamic law: what a round of training with another mixture does to each group's loss, parent by parent."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from emulsion.figures.law_panels import (
    columns,
    goodness,
    heading,
    looks,
    panels,
    require,
    shares_of,
    tokens_in_words,
)
from emulsion.figures.style import OTHER, PALETTE, SMALL, WIDTH, fit, legend_columns, note, pretty, styled
from emulsion.laws.dynamic import DynamicLaw

PANEL = 2.0  # inches: the height of a panel with its heading and label
KEYS = ("sources", "branches")
PALE = 0.35  # the opacity of seeds after the first
# Viridis without its yellow end, which is weak on white.
RAMP = ListedColormap(matplotlib.colormaps["viridis"](np.linspace(0, 0.88, 256)))

Trunk = Mapping[str, Any]
Looks = Mapping[str, Mapping[str, Any]]


@styled
def draw_dynamic_law(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `dynamic_law.json`: the branches of every set and parent, and the linear law of each.

    Of two sources the next loss against a share; of more the fall of loss against its prediction.
    """
    require(found, KEYS, "dynamic_law.json")
    sources, sets = list(found["sources"]), found["branches"]
    trunks = [trunk for branches in sets.values() for trunk in branches["trunks"]]
    ramp, parents = parent_looks(trunks, sources)
    first = min(trunk["seed"] for trunk in trunks)
    height = 0.35 + PANEL * math.ceil(len(sources) / columns(len(sources)))
    key = 0.5 if ramp else 0.2 * _legend_rows(parents) + 0.3
    figure = Figure(figsize=(WIDTH, key + height * len(sets) + 0.55), layout="constrained")
    parts = figure.subfigures(len(sets) + 1, 1, height_ratios=[key, *[height] * len(sets)], squeeze=False)[:, 0]
    _key(parts[0], ramp, parents, sources[0])
    for part, (name, branches) in zip(parts[1:], sets.items(), strict=True):
        _branch_set(part, branches, sources, parents, first)
        part.suptitle(set_title(name, branches, len(sources)), x=0.01, ha="left")
    note(figure, remark(trunks, len(sources)))
    return figure


def set_title(name: str, branches: Mapping[str, Any], sources: int) -> str:
    """What a row of panels shows."""
    what = "next loss, after" if sources == 2 else "fall of loss over"
    tokens, after = tokens_in_words(branches["tokens"]), tokens_in_words(branches["after"])
    return f"{pretty(name)}: {what} {tokens} tokens, branched off at {after}"


def parent_looks(trunks: Sequence[Trunk], sources: Sequence[str]) -> tuple[Normalize | None, Looks]:
    """A look per parent: on a ramp of its share of the first of two sources (its range is returned), else by name."""
    shares = {trunk["parent"]: trunk["weights"].get(sources[0], 0.0) for trunk in trunks}
    if len(shares) == 1:
        return None, {parent: {"color": PALETTE["blue"], "marker": "o"} for parent in shares}
    if len(sources) > 2:
        return None, looks(list(shares))
    ramp = Normalize(min(shares.values()), max(shares.values()))
    return ramp, {parent: {"color": RAMP(ramp(share)), "marker": "o"} for parent, share in shares.items()}


def falls(trunk: Trunk, group: str, sources: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a trunk's branches [k]: the fall of loss predicted by the linear law, the one observed, which are corners."""
    law = DynamicLaw.from_json(trunk["laws"]["linear"])
    before, ends = trunk["before"][group], trunk["ends"]
    predicted = before - law.predict(shares_of(ends, sources))[:, law.groups.index(group)]
    observed = np.array([before - end["losses"][group] for end in ends])
    return predicted, observed, _corners(trunk)


def remark(trunks: Sequence[Trunk], sources: int) -> str:
    """How to read marks and lines."""
    corner = any(_corners(trunk).any() for trunk in trunks)
    text = "One linear law per parent and seed" + ("" if sources == 2 else "; grey: as predicted")
    if corner:
        text += ". Open: a source alone, not fitted" + (
            "; dashed: the law beyond the mixtures it was fitted to" if sources == 2 else ""
        )
    if len({trunk["seed"] for trunk in trunks}) > 1:
        text += ". Pale: further seeds. Ceiling: the R² that the true function would reach, given how seeds differ"
    return f"{text}. R²: mean over parents and seeds."


def _branch_set(
    part: SubFigure, branches: Mapping[str, Any], sources: Sequence[str], parents: Looks, first: int
) -> None:
    quality, noise = branches["quality"]["linear"]["groups"], branches["noise"]["groups"]
    draw = _shares if len(sources) == 2 else _predictions
    for group, axes in panels(part, sources).items():
        for trunk in sorted(branches["trunks"], key=lambda trunk: trunk["seed"] == first):  # the first seed on top
            opacity = 1.0 if trunk["seed"] == first else PALE
            draw(axes, trunk, group, sources, {**parents[trunk["parent"]], "alpha": opacity})
        heading(axes, group, [goodness(quality[group]["r2"], noise[group]["ceiling"])], columns(len(sources)))
        axes.grid(True)
        if len(sources) == 2:
            axes.set(xlabel=f"Share of {fit(group, 26, 1)} in the branch", xlim=(-0.03, 1.03))
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        else:
            _identity(axes)
    if len(sources) == 2:
        part.supylabel("Next loss (nats per token)", fontsize=SMALL)
    else:
        part.supxlabel("Fall of loss predicted (nats per token)", fontsize=SMALL)
        part.supylabel("Fall observed", fontsize=SMALL)


def _corners(trunk: Trunk) -> np.ndarray:
    return np.array([bool(end["corner"]) for end in trunk["ends"]])


def _shares(axes: Axes, trunk: Trunk, group: str, sources: Sequence[str], look: Mapping[str, Any]) -> None:
    """Next loss against the share of the group's own source, and the law's line."""
    law = DynamicLaw.from_json(trunk["laws"]["linear"])
    own, corner = sources.index(group), _corners(trunk)
    mixtures = shares_of(trunk["ends"], sources)
    losses = np.array([end["losses"][group] for end in trunk["ends"]])
    _marks(axes, mixtures[:, own], losses, corner, look)
    order = np.argsort(mixtures[:, own])
    line = law.predict(mixtures)[:, law.groups.index(group)]
    style = {"color": look["color"], "alpha": look["alpha"], "linewidth": 0.9, "zorder": 2}
    if corner.any():
        axes.plot(mixtures[order, own], line[order], linestyle=(0, (3, 2)), **{**style, "linewidth": 0.7})
    inside = order[~corner[order]]
    axes.plot(mixtures[inside, own], line[inside], **style)


def _predictions(axes: Axes, trunk: Trunk, group: str, sources: Sequence[str], look: Mapping[str, Any]) -> None:
    _marks(axes, *falls(trunk, group, sources), look)


def _marks(axes: Axes, across: np.ndarray, up: np.ndarray, corner: np.ndarray, look: Mapping[str, Any]) -> None:
    """Filled markers, open where a branch is a corner."""
    style = {**look, "linestyle": "", "markersize": 3.2, "markeredgewidth": 0.7, "zorder": 3}
    axes.plot(across[~corner], up[~corner], **{**style, "markeredgewidth": 0})
    if corner.any():
        axes.plot(across[corner], up[corner], markerfacecolor="none", **style)


def _identity(axes: Axes) -> None:
    low = min(axes.get_xlim()[0], axes.get_ylim()[0])
    high = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([low, high], [low, high], color=OTHER, linewidth=0.8, zorder=1)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.locator_params(axis="x", nbins=4, steps=[1, 2, 5, 10])
    axes.locator_params(axis="y", nbins=4, min_n_ticks=3)


def _legend_rows(parents: Looks) -> int:
    labels = [pretty(parent) for parent in parents]
    return math.ceil(len(labels) / legend_columns(labels))


def _key(part: SubFigure, ramp: Normalize | None, parents: Looks, source: str) -> None:
    """Above the panels: a colour bar of parents' shares, or their names."""
    if ramp is not None:
        axes = part.subplots()
        axes.set_axis_off()
        inside = axes.inset_axes((0.03, 0.55, 0.4, 0.35))
        bar = part.colorbar(ScalarMappable(ramp, RAMP), cax=inside, orientation="horizontal")
        inside.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        inside.locator_params(nbins=5)
        bar.outline.set_visible(False)
        axes.text(0.46, 0.72, f"Colour: share of {fit(source, 30, 1)} in the parent", va="center")
        return
    labels = [pretty(parent) for parent in parents]
    handles = [Line2D([], [], linestyle="", **look) for look in parents.values()]
    part.legend(handles, labels, loc="upper left", ncols=legend_columns(labels), title="Parent", alignment="left")
