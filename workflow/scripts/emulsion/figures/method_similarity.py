"""How alike a method's effects and the fitted ones are, against how much better than stratified sampling it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from emulsion.errors import UserError
from emulsion.figures.style import (
    FAINT,
    GRID,
    SMALL,
    WIDTH,
    fit,
    legend_columns,
    lines,
    markers,
    note,
    pretty_all,
    styled,
)

NOTE = (
    "Similarity of a method's A and the A fitted to branches from the same states of its run: half the cosine of the"
    " column sums, half their rank correlation. Small: single states; large: their mean. Bars: 95 % intervals over"
    " seeds. Above the line: better than stratified sampling."
)
NOT_SIGNIFICANT = " No method differs significantly from stratified sampling: any correlation is of noise."
DEGENERATE = " With 2 sources the rank correlation is -1, 0 or 1, so that similarities are coarse."


@styled
def draw_method_similarity(found: Mapping[str, Any]) -> Figure:
    """Draw the content of `similarity.json`: a colour and a marker for each method that was trained.

    Raises UserError where no method has an improvement over stratified sampling.
    """
    methods = {name: each for name, each in found["methods"].items() if each["improvement"]}
    if not methods:
        raise UserError(
            f"similarity of '{found['experiment']}': no method was compared with stratified sampling; add a method of "
            "kind stratified to the experiment."
        )
    labels = [fit(name, 24, 1) for name in pretty_all(methods)]
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    axes = figure.subplots()
    looks, shapes = lines(list(methods)), markers(methods)
    for name, each in methods.items():
        _method(axes, each, looks[name]["color"], shapes[name])
    axes.axhline(0, color=FAINT, linewidth=0.8)
    axes.axvline(0, color=GRID, linewidth=0.8, zorder=0)
    axes.set(xlim=(-1.08, 1.08), xlabel="Similarity of the method's effects and the fitted ones")
    axes.set_ylabel("Improvement over stratified sampling\n(mean test perplexity)")
    axes.set_title(correlation_text(found["correlation"]))
    handles = [Line2D([], [], color=looks[name]["color"], marker=shapes[name], linestyle="") for name in methods]
    figure.legend(handles, labels, loc="outside upper left", ncols=legend_columns(labels))
    note(figure, NOTE + _caveats(list(methods.values())))
    return figure


def correlation_text(correlation: Mapping[str, Any] | None) -> str:
    """What the methods' places say of each other."""
    if correlation is None:
        return "No correlation: fewer than three methods, or all alike"
    return f"Correlation over {correlation['methods']} methods: r = {correlation['r']:.2f} (R² {correlation['r2']:.2f})"


def _caveats(methods: Sequence[Mapping[str, Any]]) -> str:
    significant = any(each["improvement"]["verdict"] in ("better", "worse") for each in methods)
    two = any("with 2 sources" in each["note"] for each in methods)
    return ("" if significant else NOT_SIGNIFICANT) + (DEGENERATE if two else "")


def _method(axes: Axes, each: Mapping[str, Any], colour: str, marker: str) -> None:
    x, gain = each["similarity"], each["improvement"]
    y, interval = gain["difference"], gain["interval"]
    if interval:
        axes.vlines(x, *interval, color=colour, linewidth=1.0)
    look: dict[str, Any] = {"linestyle": "", "marker": marker, "color": colour, "markeredgecolor": "white"}
    axes.plot([x], [y], markersize=8, **look)
    axes.plot(each["each"], [y] * len(each["each"]), markersize=4, markeredgewidth=0.5, **look)
    if gain["verdict"] in ("better", "worse"):
        axes.annotate(
            gain["verdict"],
            (x, y),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=FAINT,
        )
