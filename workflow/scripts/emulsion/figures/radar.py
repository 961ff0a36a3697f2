"""The capability radar: the profile of every strategy over the capabilities, on one scale from zero."""

from __future__ import annotations

import math
import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from emulsion.errors import UserError
from emulsion.figures.score_cells import Scores, capability_scores
from emulsion.figures.style import (
    FAINT,
    GRID,
    OTHER,
    WIDTH,
    fit,
    legend_columns,
    lines,
    markers,
    note,
    pretty,
    pretty_all,
    styled,
)

MOST_TOGETHER = 6  # profiles in one radar; with more, each has a radar of its own
PANELS = 4  # radars in a row
# A white rim for numbers that lines may cross.
HALO = [withStroke(linewidth=2, foreground="white")]


@styled
def draw_capability_radar(results: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Draw the contents of `capabilities.json` by strategy: one radar, or one each where there are many."""
    scores, left_out = capability_scores(results).best()
    if len(scores.capabilities) < 3:
        raise UserError(f"capabilities: a radar needs at least 3, there are {len(scores.capabilities)}.")
    return _together(scores) if len(scores.runs) <= MOST_TOGETHER else _apart(scores, left_out)


def spokes(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Points [n, 2] at the given radii, the first one up and the rest clockwise."""
    angles = math.pi / 2 - 2 * math.pi * np.arange(len(values)) / len(values)
    points: np.ndarray = np.column_stack([np.cos(angles), np.sin(angles)]) * np.asarray(values)[:, None]
    return points


def rim(scores: Scores) -> float:
    """The score at the rim: the next fifth above every interval."""
    highest = max(float(_radii(scores, run, "high").max()) for run in scores.runs)
    return max(0.2, math.ceil(round(highest * 5, 9)) / 5)


def _together(scores: Scores) -> Figure:
    names = {run: fit(name, 30) for run, name in zip(scores.runs, pretty_all(scores.runs), strict=True)}
    columns = legend_columns([*names.values(), "Chance level"])
    rows = math.ceil((len(names) + 1) / columns)
    figure = Figure(figsize=(WIDTH, 4.6 + 0.2 * rows), layout="constrained")
    axes = figure.subplots()
    for run, line in lines(scores.runs).items():
        _profile(axes, scores, run, line, 0.10, marker=markers(scores.runs)[run], label=names[run])
    _grid(axes, scores, [fit(pretty(name), 16) for name in scores.capabilities], numbers=True)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)
    figure.suptitle("Score by capability (band: 95 % interval)", x=0.01, ha="left")
    return figure


def _apart(scores: Scores, left_out: str) -> Figure:
    rows = math.ceil(len(scores.runs) / PANELS)
    figure = Figure(figsize=(WIDTH, 1.95 * rows + 0.6), layout="constrained")
    panels = figure.subplots(rows, PANELS, squeeze=False).flat
    count = len(scores.capabilities)
    letters = [*string.ascii_uppercase[:count], *(str(number) for number in range(27, count + 1))]
    for run, name, axes in zip(scores.runs, pretty_all(scores.runs), panels, strict=False):
        _grid(axes, scores, letters, numbers=False)
        for other in scores.runs:
            _outline(axes, _radii(scores, other, "score"), color=OTHER, linewidth=0.5)
        _profile(axes, scores, run, {"color": "#0072B2"}, 0.25)
        axes.set_title(fit(name, 20), loc="center", fontsize=8, pad=14)
    for axes in list(panels):
        axes.remove()
    key = ", ".join(f"{letter} {pretty(name)}" for letter, name in zip(letters, scores.capabilities, strict=True))
    band = f"Band: 95 % interval. Grey: the other strategies. Rim: a score of {rim(scores):.1f}."
    crosses = " Crosses: chance." if any(chance is not None for chance in scores.chance.values()) else ""
    note(figure, f"{key}. {band}{crosses}{left_out}")
    return figure


def _grid(axes: Axes, scores: Scores, labels: Sequence[str], numbers: bool) -> None:
    """Rings every fifth, a spoke per capability with its label outside, a cross at its chance level."""
    axes.set_aspect("equal")
    axes.set_axis_off()
    _rings(axes, rim(scores), len(labels), numbers)
    _names(axes, rim(scores), labels, lift=10 if numbers else 3)
    chances = [math.nan if chance is None else chance for chance in scores.chance.values()]
    if not all(math.isnan(chance) for chance in chances):
        cross: dict[str, Any] = {
            "marker": "x",
            "linestyle": "",
            "color": FAINT,
            "markersize": 4,
            "markeredgewidth": 1,
        }
        axes.plot(*spokes(chances).T, **cross, zorder=4, label="Chance level")


def _rings(axes: Axes, outer: float, count: int, numbers: bool) -> None:
    for ring in np.linspace(0.2, outer, round(outer * 5)):
        _outline(axes, [ring] * count, color=FAINT if ring == outer else GRID, linewidth=0.6)
        if numbers:
            place: dict[str, Any] = {"xytext": (3, 1), "textcoords": "offset points", "zorder": 5}
            axes.annotate(f"{ring:.1f}", (0, ring), color=FAINT, path_effects=HALO, **place)


def _names(axes: Axes, outer: float, labels: Sequence[str], lift: float) -> None:
    """A spoke to each label; the topmost is lifted by `lift` points, clear of the number of the rim."""
    for (x, y), label in zip(spokes([outer] * len(labels)), labels, strict=True):
        axes.plot([0, x], [0, y], color=GRID, linewidth=0.6, zorder=1)
        side = "center" if abs(x) < 0.05 * outer else "left" if x > 0 else "right"
        height = "bottom" if y > 0.9 * outer else "top" if y < -0.7 * outer else "center"
        away = (5 * x / outer, lift if height == "bottom" else 3 * y / outer)
        axes.annotate(label, (x, y), away, textcoords="offset points", ha=side, va=height)


def _profile(axes: Axes, scores: Scores, run: str, line: dict[str, Any], alpha: float, **marks: Any) -> None:
    high, low = spokes(_radii(scores, run, "high")), spokes(_radii(scores, run, "low"))
    # Out along the upper limits and back along the lower ones: a ring without a hole to paint over.
    edge = np.concatenate([high, high[:1], low[:1], low[::-1]])
    axes.fill(*edge.T, color=line["color"], alpha=alpha, linewidth=0, zorder=2)
    _outline(axes, _radii(scores, run, "score"), linewidth=1.4, markersize=4, zorder=3, **line, **marks)


def _radii(scores: Scores, run: str, part: str) -> np.ndarray:
    """The run's "score", "low" or "high" of every capability, without the mean."""
    return np.array([getattr(scores.cells[run][name], part) for name in scores.capabilities])


def _outline(axes: Axes, radii: Sequence[float] | np.ndarray, **line: Any) -> None:
    points = spokes(np.asarray(radii, dtype=float))
    axes.plot(*np.concatenate([points, points[:1]]).T, **{"zorder": 1, "solid_joinstyle": "round", **line})
