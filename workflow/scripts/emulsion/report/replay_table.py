"""A replayed sweep as Markdown: learning curves of every law on every table it was judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulsion.report.markup import table

Row = Mapping[str, Any]


def replay_text(found: Mapping[str, Any]) -> str:
    """Markdown of what `emulsion.laws.published_sweep.replay` found."""
    runs, rows = dict(found["runs"]), found["summary"]
    trained = runs.pop("train")
    parts = [f"# Laws fitted to a published sweep of {trained} runs"]
    for test, count in runs.items():
        chosen = [row for row in rows if row["test"] == test]
        parts += [
            f"## Table '{test}': {count} runs, {len(found['groups'])} groups",
            "Spearman correlation with the losses of the table, mean over groups and its standard deviation over "
            "random subsets of the runs that a law was fitted to:",
            _by_size(chosen, _spearman),
            "Mean absolute error in the unit of the losses, and the share of losses within the 95 % interval where a "
            "law gives one:",
            _by_size(chosen, _error),
            "CPU seconds of a fit:",
            _by_size(chosen, lambda row: f"{row['seconds']:.2f}"),
        ]
    return "\n\n".join(parts) + "\n"


def _by_size(rows: Sequence[Row], cell: Callable[[Row], str]) -> str:
    sizes = sorted({row["size"] for row in rows})
    laws = dict.fromkeys(row["law"] for row in rows)
    cells = {(row["law"], row["size"]): cell(row) for row in rows}
    body = [[law, *(cells[law, size] for size in sizes)] for law in laws]
    return table(["law", *(f"{size} runs" for size in sizes)], body, right=len(sizes))


def _spearman(row: Row) -> str:
    spread = "" if row["spearman_sd"] is None else f" ± {row['spearman_sd']:.4f}"
    return f"{row['spearman']:.4f}{spread}"


def _error(row: Row) -> str:
    return f"{row['mae']:.3f}" if row["coverage"] is None else f"{row['mae']:.3f}, {100 * row['coverage']:.1f} %"
