"""The optimiser: the search over the surrogate, how well the surrogate fits, and the mixture found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, PercentFormatter

from emulsion.errors import UserError
from emulsion.figures.style import CHARACTER, FAINT, GRID, INK, OTHER, PALETTE, WIDTH, fit, note, pretty, styled
from emulsion.methods.objective import of_losses
from emulsion.mixture import Mixture

BAR = 0.3  # inches: a source or a surrogate
BOXED: dict[str, Any] = {"frameon": True, "framealpha": 0.9, "edgecolor": "none", "fancybox": False}
KEYS = (
    "ratios",
    "prediction",
    "interval",
    "objective",
    "bounds",
    "surrogate",
    "surrogates",
    "observed_vs_predicted",
    "history",
)


@styled
def draw_optimizer(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `optimal_mix.json`, its ratios beside the uniform mixture."""
    missing = [key for key in (*KEYS, "history") if key not in found]
    if missing:
        raise UserError(f"optimal_mix.json: no {', '.join(missing)}; run the optimisation again.")
    rows = max(len(found["ratios"]), len(found["surrogates"]))
    heights = [2.5, 0.95 + BAR * rows]
    figure = Figure(figsize=(WIDTH, sum(heights) + 0.55), layout="constrained")
    parts = figure.subfigures(2, 1, height_ratios=heights, squeeze=False)[:, 0]
    search, fitted = parts[0].subplots(1, 2, width_ratios=[4, 3])
    ratios, surrogates = parts[1].subplots(1, 2, width_ratios=[3, 2])
    lower = of_losses(found["objective"])
    _search(search, found["history"], found["prediction"], found["interval"], lower=lower)
    if found["surrogate"] is None:
        fitted.set_axis_off()
    else:
        _fit(fitted, found["observed_vs_predicted"], found["surrogate"], _value(lower))
    for axes in (ratios, surrogates):
        axes.set_ylim(rows - 0.4, -0.6)  # bars of one height in both
    _ratios(ratios, found, Mixture.uniform(list(found["ratios"])))
    if found["surrogates"]:
        _surrogates(surrogates, found["surrogates"], found["surrogate"])
    else:
        surrogates.set_axis_off()
    _legend(parts[1])
    note(figure, remark(found))
    return figure


def best_so_far(values: Sequence[float] | np.ndarray, *, lower: bool = False) -> np.ndarray:
    """The largest score, or the lowest loss, up to each evaluation [n]."""
    better = np.minimum if lower else np.maximum
    best: np.ndarray = better.accumulate(np.asarray(values, float))
    return best


def _value(lower: bool) -> str:
    return "Mean validation loss (nats)" if lower else "Score"


def remark(found: Mapping[str, Any]) -> str:
    """The prediction, its interval, and whether the optimum is a matter of extrapolation."""
    lower = of_losses(found["objective"])
    if found["interval"] is None:
        what = "loss" if lower else "score"
        text = f"The mixture found had a {what} of {found['prediction']:.3f}"
        return f"{text}, the best of many noisy ones: too good on average."
    low, high = found["interval"]
    what = "mean validation loss" if lower else "score"
    text = f"Predicted {what} of the mixture found: {found['prediction']:.3f} (95 % interval {low:.3f} to {high:.3f})."
    distance = found.get("hull_distance")
    if distance is None:
        return text
    if distance < 1e-6:
        return f"{text} It lies among the sampled mixtures."
    return f"{text} It lies {distance:.3f} outside the sampled mixtures: the surrogate extrapolates."


def _search(
    axes: Axes,
    history: Sequence[Mapping[str, Any]],
    prediction: float,
    interval: Sequence[float] | None,
    *,
    lower: bool,
) -> None:
    scores = np.array([entry["loss" if lower else "score"] for entry in history], float)
    # A direct search has no surrogate: it predicts nothing, and its history is every training, not a generation's best.
    direct = interval is None
    steps = np.array([place if direct else entry["generation"] for place, entry in enumerate(history)]) + 1
    if interval is not None:
        axes.axhspan(*interval, color=PALETTE["sky"], alpha=0.18, linewidth=0)
    axes.axhline(prediction, color=PALETTE["blue"], linewidth=0.8, linestyle=(0, (4, 2)))
    axes.plot(
        steps,
        scores,
        ".",
        color=FAINT,
        markersize=2.5 if len(steps) > 100 else 6,
        alpha=0.45,
        markeredgewidth=0,
        rasterized=len(steps) > 999,
    )
    axes.step(steps, best_so_far(scores, lower=lower), where="post", color=PALETTE["vermillion"], linewidth=1.5)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=PALETTE["vermillion"], linewidth=1.5),
        Line2D([], [], color=FAINT, marker=".", linestyle=""),
    ]
    names = ["best so far", "a mixture tried", "the mixture found"]
    if direct:
        handles.append(Line2D([], [], color=PALETTE["blue"], linewidth=0.8, linestyle=(0, (4, 2))))
    else:
        handles.append(Patch(facecolor=PALETTE["sky"], alpha=0.3))
        names[1:] = ["best of a generation", "prediction, 95 %"]
    axes.legend(handles, names, loc="upper right" if lower else "lower right", **BOXED)
    axes.set(ylabel=_value(lower), xlim=(0, steps[-1] + 1))
    axes.set_xlabel("Mixtures evaluated" if direct else "Generations of the search")
    low, high = interval or (prediction, prediction)
    lowest = min(float(np.quantile(scores, 0.0 if lower else 0.02)), low)  # a few of the first are far off
    highest = max(float(np.quantile(scores, 0.98 if lower else 1.0)), high)
    room = (0.05, 0.3) if lower else (0.3, 0.05)  # the legend is where nothing good lies
    axes.set_ylim(lowest - room[0] * (highest - lowest), highest + room[1] * (highest - lowest))
    axes.set_title("The search")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(True)


def _fit(axes: Axes, pairs: Sequence[Mapping[str, Any]], surrogate: str, value: str) -> None:
    predicted, observed = (np.array([row[key] for row in pairs], float) for key in ("left_out", "observed"))
    both = np.concatenate([predicted, observed])
    margin = 0.06 * float(np.ptp(both)) or 0.01
    limits = (float(both.min()) - margin, float(both.max()) + margin)
    axes.plot(limits, limits, color=OTHER, linewidth=0.8, zorder=1)
    axes.plot(predicted, observed, "o", color=PALETTE["blue"], markeredgecolor="white", markeredgewidth=0.5)
    axes.set(xlim=limits, ylim=limits, aspect="equal")
    axes.set(xlabel="Predicted with the run left out", ylabel=f"Observed {value[:1].lower()}{value[1:]}")
    axes.set_title(f"Fit: {fit(pretty(surrogate), 24, 1)}")
    axes.locator_params(nbins=5)
    axes.grid(True)


def _ratios(axes: Axes, found: Mapping[str, Any], baseline: Mapping[str, float]) -> None:
    sources = list(found["ratios"])
    for row, source in enumerate(sources):
        share, (low, high) = found["ratios"][source], found["bounds"].get(source, (0.0, 1.0))
        high = min(high, found.get("caps", {}).get(source, 1.0))
        axes.barh(row, high - low, 0.78, low, color="#ececec", zorder=1)
        axes.barh(row, share, 0.42, color=PALETTE["blue"], zorder=2)
        axes.plot([baseline[source]] * 2, [row - 0.36, row + 0.36], color=PALETTE["orange"], linewidth=2)
        right = max(share, high, baseline[source]) + 0.015
        axes.text(right, row, f"{100 * share:.1f} %", va="center", ha="left", color=INK)
    axes.set_yticks(range(len(sources)), [fit(source, 16, 1) for source in sources])
    axes.set_xlim(0, 1.18 * max(max(high for _, high in found["bounds"].values()), *found["ratios"].values()))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    axes.set_title("The mixture found (share of tokens)")


def _legend(part: SubFigure) -> None:
    handles = [
        Patch(facecolor=PALETTE["blue"]),
        Patch(facecolor="#ececec"),
        Line2D([], [], color=PALETTE["orange"], linewidth=2),
    ]
    part.legend(handles, ["found", "allowed", "Uniform"], loc="outside lower left", ncols=3, handlelength=1.2)


def _surrogates(axes: Axes, surrogates: Mapping[str, Mapping[str, Any]], used: str) -> None:
    """The error of every surrogate that was fitted, best first."""
    order = sorted(surrogates, key=lambda name: surrogates[name]["loo_rmse"])
    errors = [surrogates[name]["loo_rmse"] for name in order]
    colours = [PALETTE["blue"] if name == used else OTHER for name in order]
    axes.barh(range(len(order)), errors, 0.6, color=colours)
    for row, error in enumerate(errors):
        axes.text(error + 0.02 * max(errors), row, f"{error:.3g}", va="center", ha="left")
    labels = [fit(pretty(name), int(0.95 / CHARACTER), 2) for name in order]
    axes.set_yticks(range(len(order)), labels)
    axes.set_xlim(0, 1.28 * max(errors))
    axes.tick_params(axis="y", length=0)
    axes.locator_params(axis="x", nbins=4)
    axes.spines["left"].set_visible(False)
    axes.set_title("Leave-one-out error (RMSE)")
    axes.grid(True, axis="x", color=GRID)
