"""Which method to take for another study like this one, by the simulated worlds that are like it.

One table is what `tabulate_proving_ground` makes of worlds by their number of sources; docs/worlds.md says how
they are drawn, and how far they are from real runs. The other has real trainings of ours, as
`benchmarks/rank_agreement.py` writes it: a method whose mean in them is above even shares by its 95 % interval is not
named, whatever it reached in worlds.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.analysis.across_settings import mean_over_settings

# Target runs that deciding may take altogether, the run itself among them.
_BUDGETS = (
    (1.05, "with nothing trained to decide"),
    (1.2, "with a tenth of a run"),
    (1.7, "with half of a run"),
    (12.0, "with ten runs"),
)
_SELDOM = 0.05  # share of worlds in which a method may be worse than even shares

Row = Mapping[str, Any]


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a table; what a row has no number of is None."""
    words: dict[str, Callable[[str], Any]] = {"method": str, "study": str, "repeated": "True".__eq__}
    with file.open(encoding="utf-8", newline="") as lines:
        return [
            {key: words[key](value) if key in words else float(value) if value else None for key, value in row.items()}
            for row in csv.DictReader(lines)
        ]


def advice(rows: Sequence[Row], trained: Sequence[Row], sources: int, epochs: float) -> dict[str, Any] | None:
    """{"text", "sources", "repeated", "worlds", "methods"}: the method of least median regret for each budget.

    rows     of worlds: method, sources, repeated, worlds, cost, median with its interval, worse; regret in nats
    trained  of trainings: study, method, seeds, and its mean test loss above even shares (difference, low, high), nats
    sources  of the study; epochs  that equal shares read its smallest source

    None for one source, of which there is nothing to decide, and where the table is empty.
    """
    if sources < 2 or not rows:
        return None
    nearest = min({int(row["sources"]) for row in rows}, key=lambda count: (abs(count - sources), count))
    again = epochs > 1
    lost = _lost(trained)
    like = [row for row in rows if int(row["sources"]) == nearest and bool(row["repeated"]) == again]
    # A method's trainings may have had ten runs to decide, as its entry in worlds that ends in `_ten`.
    left = [row for row in like if not {row["method"], row["method"].removesuffix("_ten")} & set(lost)]
    chosen = [
        {"budget": words, **{key: best[key] for key in ("method", "cost", "median", "worse")}, "interval": _ends(best)}
        for most, words in _BUDGETS
        for best in _best([row for row in left if row["cost"] <= most])
    ]
    if not chosen:
        return None
    worlds = int(like[0]["worlds"])
    kind = "that have to be read again" if again else "that are not read again"
    unlike = "" if nearest == sources else f" (there are none with {sources})"
    text = (
        f"In {worlds} simulated worlds with {nearest} sources {kind}{unlike}, these came nearest to the best schedule. "
        "Regret is in thousandths of a nat, the median with its 95 % interval; worse than even shares is the share of "
        "worlds in which it is so by more than 10. They are no real trainings (docs/which_method.md). Names are kinds "
        "of methods: `_tenth` and `_ten` had a tenth of a run and ten runs to decide, `_unguarded` has `guard: 0`."
    )
    text += _left_out({method: lost[method] for method in sorted(lost) if any(row["method"] == method for row in like)})
    return {
        "text": text,
        "sources": nearest,
        "repeated": again,
        "worlds": worlds,
        "methods": chosen,
    }


def _lost(trained: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """{method: its mean above even shares over its studies}, of those whose 95 % interval is above 0."""
    means = {}
    for method in {str(row["method"]) for row in trained}:
        rows = [row for row in trained if row["method"] == method]
        losses = [{"difference": row["difference"], "interval": [row["low"], row["high"]]} for row in rows]
        cells = {row["study"]: {"loss": loss, "seeds": row["seeds"]} for row, loss in zip(rows, losses, strict=True)}
        means[method] = mean_over_settings(cells)
    return {method: mean for method, mean in means.items() if mean["interval"] and mean["interval"][0] > 0}


def _left_out(lost: Mapping[str, Mapping[str, Any]]) -> str:
    if not lost:
        return ""
    shown = []
    for method, mean in lost.items():
        above, low, high = (1e3 * value for value in (mean["difference"], *mean["interval"]))
        settings = f"{mean['settings']} setting{'s' * (mean['settings'] != 1)}"
        shown.append(f"{method} (by {above:.1f} [{low:.1f}, {high:.1f}], {settings})")
    return (
        " Left out is what had a mean test loss above that of even shares in real trainings, by the 95 % interval of "
        f"its mean over their settings (resources/trainings.csv): {', '.join(shown)}."
    )


def _best(rows: Sequence[Row]) -> list[Row]:
    """The method of least median, and where that is often worse than even shares, the least one that seldom is."""
    ranked = sorted(rows, key=lambda row: row["median"])
    if not ranked:
        return []
    seldom = [row for row in ranked if _worse(row) <= _SELDOM]
    return [ranked[0]] if _worse(ranked[0]) <= _SELDOM else [ranked[0], *seldom[:1]]


def _worse(row: Row) -> float:
    """0 for even shares themselves, which the table has no number of."""
    return float(row["worse"] or 0.0)


def _ends(row: Row) -> list[float]:
    return [float(row["median_interval_low"]), float(row["median_interval_high"])]
