"""The fits of a study at a glance: how much of the losses each law explains, setting by setting."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emulsion.errors import UserError, unknown
from emulsion.figures.law_panels import number, require
from emulsion.figures.style import FAINT, INK, PALETTE, WIDTH, fit, legend_columns, note, pretty, styled

LANE, HEAD = 0.2, 0.26  # inches: a row of points, and the name of a setting above its rows
LOWEST = -0.25  # an R2 below it is drawn as an arrow at the edge
LAWS = {
    "static": ("static, log-linear", PALETTE["blue"], "o"),
    "linear": ("dynamic, linear", PALETTE["vermillion"], "D"),
    "log_linear": ("dynamic, log-linear", PALETTE["green"], "s"),
}
PUBLISHED = {"static_r2": "static", "dynamic_r2": "linear"}
NOTE = (
    "Large: mean over groups; small: a group. Tick: the noise ceiling, the R² that the true function would reach,"
    " given how seeds differ. Static: one fit per seed, averaged; dynamic: one per parent and seed, averaged."
)


class Fit(NamedTuple):
    """How well a law does: the mean over groups, each group, and what noise leaves to reach."""

    law: str
    mean: float | None
    groups: list[float | None]
    ceiling: float | None


class Lane(NamedTuple):
    """A row of points: a setting's static law, or both dynamic laws of one of its branch sets."""

    name: str
    fits: list[Fit]


@styled
def draw_law_fits(
    static: Sequence[Mapping[str, Any]],
    dynamic: Sequence[Mapping[str, Any]],
    labels: Mapping[str, str],
    published: Mapping[str, float | None],
    title: str,
) -> Figure:
    """Draw contents of `static_law.json` and `dynamic_law.json`, in the order of `labels`, {experiment: setting}.

    published: {"static_r2", "dynamic_r2"}, each of which may be missing. UserError where files and labels disagree.
    """
    settings = lanes(static, dynamic, labels)
    height = sum(HEAD + LANE * len(rows) for rows in settings.values())
    figure = Figure(figsize=(WIDTH, height + 1.7), layout="constrained")
    axes = figure.subplots()
    fits = [each for rows in settings.values() for lane in rows for each in lane.fits]
    low = lower_limit(fits, published)
    _settings(axes, settings, low)
    for key, law in PUBLISHED.items():
        if (value := published.get(key)) is not None:
            axes.axvline(value, color=LAWS[law][1], linewidth=1.0, linestyle=(0, (4, 2)), zorder=1)
    axes.set(xlim=(low, 1 + 0.02 * (1 - low)), xlabel="R² of the loss")
    axes.grid(True, axis="x")
    axes.set_title(fit(title, 75))
    _legend(figure, fits, published)
    note(figure, NOTE + (f" Arrow: an R² below {number(low)}." if _any_below(fits, low) else ""))
    return figure


def lanes(
    static: Sequence[Mapping[str, Any]], dynamic: Sequence[Mapping[str, Any]], labels: Mapping[str, str]
) -> dict[str, list[Lane]]:
    """The rows of every setting by its label: the static law, then both dynamic laws of each branch set."""
    found: dict[str, list[Lane]] = {}
    for record in static:
        require(record, ("experiment", "per_seed"), "static_law.json")
        per_seed = record["per_seed"]
        found[_known(record, labels)] = [Lane("static", [_fit("static", per_seed, per_seed["noise"])])]
    missing = [experiment for experiment in labels if experiment not in found]
    if missing:
        raise UserError(f"--labels names {', '.join(missing)}, of which --static has no file.")
    for record in dynamic:
        require(record, ("experiment", "branches"), "dynamic_law.json")
        found[_known(record, labels)] += _dynamic_lanes(record["branches"])
    return {label: found[experiment] for experiment, label in labels.items()}


def lower_limit(fits: Sequence[Fit], published: Mapping[str, float | None]) -> float:
    """Where the axis begins: the tenth below the least R2, but not below LOWEST, so that the rest shows."""
    values = [value for each in fits for value in (each.mean, *each.groups, each.ceiling)] + list(published.values())
    least = min((value for value in values if value is not None and math.isfinite(value)), default=0.0)
    return max(LOWEST, min(0.9, math.floor(10 * least - 1e-9) / 10))


def _any_below(fits: Sequence[Fit], low: float) -> bool:
    return any(value is not None and value < low for each in fits for value in (each.mean, *each.groups))


def _known(record: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    experiment = str(record["experiment"])
    if experiment not in labels:
        raise unknown("experiment", experiment, labels, "--labels")
    return experiment


def _fit(law: str, quality: Mapping[str, Any], noise: Mapping[str, Any]) -> Fit:
    groups = [group["r2"] for group in quality["groups"].values()]
    return Fit(law, quality["mean"]["r2"], groups, noise["mean"]["ceiling"])


def _dynamic_lanes(sets: Mapping[str, Mapping[str, Any]]) -> Iterator[Lane]:
    for name, branches in sets.items():
        fits = [_fit(law, branches["quality"][law], branches["noise"]) for law in ("linear", "log_linear")]
        yield Lane(f"dynamic, {name}", fits)


def _settings(axes: Axes, settings: Mapping[str, Sequence[Lane]], low: float) -> None:
    """Rows from the top: a setting's name, then its lanes; values at the right."""
    top, ticks = 0.0, {}
    for label, rows in settings.items():
        style: dict[str, Any] = {
            "xycoords": axes.get_yaxis_transform(),
            "textcoords": "offset points",
            "annotation_clip": False,
        }
        axes.annotate(fit(label, 60, 1), (0, top + HEAD / 2), xytext=(4, 0), va="center", fontweight="bold", **style)
        for place, lane in enumerate(rows):
            height = top + HEAD + LANE * (place + 0.5)
            ticks[height] = fit(pretty(lane.name), 22, 1)
            _lane(axes, height, lane, low)
        top += HEAD + LANE * len(rows)
        axes.axhline(top, color="#ececec", linewidth=0.8, zorder=0)
    axes.set_yticks(list(ticks), list(ticks.values()))
    axes.set_ylim(top, 0)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _lane(axes: Axes, height: float, lane: Lane, low: float) -> None:
    for place, each in enumerate(lane.fits):
        _, colour, marker = LAWS[each.law]
        at = height + 0.22 * LANE * (2 * place - len(lane.fits) + 1)
        for value in each.groups:
            _point(axes, value, at, low, {"marker": "o", "color": colour, "markersize": 2.5, "alpha": 0.45})
        _point(axes, each.mean, at, low, {"marker": marker, "color": colour, "markersize": 5, "zorder": 3})
        if each.ceiling is not None and each.ceiling >= low:
            axes.plot([each.ceiling] * 2, [at - 0.3 * LANE, at + 0.3 * LANE], color=INK, linewidth=1.2, zorder=2.5)
        axes.annotate(
            number(each.mean),
            (1, height),
            xytext=(6 + 36 * place, 0),
            xycoords=axes.get_yaxis_transform(),
            textcoords="offset points",
            va="center",
            color=FAINT if each.mean is None else colour,
        )


def _point(axes: Axes, value: float | None, at: float, low: float, style: Mapping[str, Any]) -> None:
    """A marker; at the left edge, as an arrow, where the value lies beyond it; none where there is no value."""
    if value is None or not math.isfinite(value):
        return
    look = {**style, "marker": "<"} if value < low else style
    axes.plot([max(value, low)], [at], linestyle="", markeredgewidth=0, clip_on=False, **look)


def _legend(figure: Figure, fits: Sequence[Fit], published: Mapping[str, float | None]) -> None:
    handles, names = [], []
    for law, (name, colour, marker) in LAWS.items():
        if any(each.law == law for each in fits):
            handles.append(Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, markeredgewidth=0))
            names.append(name)
    if any(each.ceiling is not None for each in fits):
        handles.append(Line2D([], [], color=INK, marker="|", linestyle="", markersize=7, markeredgewidth=1.2))
        names.append("noise ceiling")
    for key, law in PUBLISHED.items():
        if published.get(key) is not None:
            handles.append(Line2D([], [], color=LAWS[law][1], linewidth=1.0, linestyle=(0, (4, 2))))
            names.append(f"published, {law if law == 'static' else 'dynamic'} ({number(published[key])})")
    figure.legend(handles, names, loc="outside upper left", ncols=legend_columns(names))
