"""Means of mixtures with their intervals as a chart of boxes, placed in per cent of its width: no script, no image."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.ticker import MaxNLocator

from emulsion.analysis.scores import MEAN

Found = Mapping[str, Any]
Cell = tuple[float, float, float]


def mean_charts(found: Found) -> list[dict[str, Any]]:
    """A chart for each measure that the mixtures are judged by, of those that may be recommended, best first."""
    charts = []
    candidates = [found["overall"]["leader"], *found["overall"]["comparisons"]]
    if losses := found.get("losses"):
        means = {name: losses["mixtures"][name][MEAN] for name in candidates}
        cells = {name: (cell["loss"], *cell["interval"]) for name, cell in means.items()}
        note = "Mean loss on test text in nats per token, with 95 % intervals; the lower (further left) the better."
        title = "Test loss of each mixture"
        charts.append(_chart(found, title, note, dict(sorted(cells.items(), key=lambda pair: pair[1][0]))))
    if scores := found["scores"]:
        cells = {name: (scores[name][MEAN]["score"], *scores[name][MEAN]["interval"]) for name in candidates}
        note = "Mean share of test items passed, with 95 % intervals; the higher (further right) the better."
        title = "Score of each mixture"
        charts.append(_chart(found, title, note, dict(sorted(cells.items(), key=lambda pair: -pair[1][0]))))
    return charts if found.get("judged_by", [""])[0] == "losses" else charts[::-1]


def _chart(found: Found, title: str, note: str, cells: Mapping[str, Cell]) -> dict[str, Any]:
    chosen, tied, labels = found["recommended"]["mixture"], found["recommended"]["set"], found["same"]
    low, high = limits(cells.values())
    rows = [
        {
            "name": labels.get(name, name),
            "text": f"{value:.3f} ± {(above - below) / 2:.3f}",
            "chosen": name == chosen,
            "tied": name in tied,
            "at": place(value, low, high),
            "low": place(below, low, high),
            "width": round(place(above, low, high) - place(below, low, high), 2),
        }
        for name, (value, below, above) in cells.items()
    ]
    ticks = [each for each in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high) if low <= each <= high]
    places = [{"at": place(each, low, high), "text": f"{each:.6g}"} for each in map(float, ticks)]
    return {"title": title, "note": note, "rows": rows, "ticks": places}


def limits(cells: Iterable[Cell]) -> tuple[float, float]:
    """Ends of an axis that has all intervals; never of width zero."""
    ends = [end for cell in cells for end in cell]
    low, high = min(ends), max(ends)
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def place(value: float, low: float, high: float) -> float:
    """Where a value lies between two ends, in per cent."""
    return round(100 * (value - low) / (high - low), 2)
