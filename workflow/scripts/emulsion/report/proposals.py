"""What methods propose from one table of finished runs, side by side: `proposals.md`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from emulsion.report.markup import code, section, table

Record = Mapping[str, Any]
_NOTES = (
    "In parentheses the range of the mixtures that the runs cannot tell from the proposed one (95 %), where a method "
    "says it. *Expected* is what the method's law says of a new run, with its 95 % interval, and *even shares* what "
    "it says of these, or of the nearest that its bounds and `max_epochs` allow: of a run like the finished ones; "
    "where the law sees epochs (`epochs`, `trajectory`, and what `best` and `optimum` may choose), of one that reads "
    "its sources as often as the run that is proposed for; and for `emulsion` of that run. It is the mean loss that "
    "the method was to lower: rows of other objectives or weights do not compare. *Runs left out* is by how much the "
    "law is off a run that it was not fitted to. *Beyond the runs* is how far, in shares, the proposal lies from what "
    "mixtures of the runs reach: there a law is a guess."
)
_CAUTION = (
    "A law is as good as its form. Train what is chosen beside even shares, with three seeds each, before it is "
    "believed: these are `strategies`."
)


def proposals_page(name: str, records: Mapping[str, Record]) -> str:
    """Markdown of {method: its record}, of at least one method, from the table of this name."""
    runs = next(iter(records.values()))["runs"]
    parts = [
        f"# What {runs:,} finished runs say: {name}",
        _apart(records),
        _shares(records),
        _expected(records),
        _NOTES,
        section("Warnings", _warnings(records)),
        section("To train them", f"{_CAUTION}\n\n{code('yaml', _strategies(records))}"),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _apart(records: Mapping[str, Record]) -> str:
    """How far the two proposals that are furthest from one another are."""
    if len(records) < 2:
        return ""

    def moved(pair: tuple[str, str]) -> float:
        first, second = (records[name]["ratios"] for name in pair)
        return sum(abs(float(first[source]) - float(second[source])) for source in first) / 2

    pair = max(combinations(records, 2), key=moved)
    return (
        f"`{pair[0]}` and `{pair[1]}` are furthest apart: {100 * moved(pair):.0f} % of the tokens would have to move "
        "from some sources to others."
    )


def _shares(records: Mapping[str, Record]) -> str:
    sources = list(next(iter(records.values()))["ratios"])
    body = [[source, *(_share(record, source) for record in records.values())] for source in sources]
    return table(["share of", *records], body, right=len(records))


def _share(record: Record, source: str) -> str:
    share = f"{100 * record['ratios'][source]:.1f} %"
    if "set" not in record:
        return share
    low, high = record["set"]["ranges"][source]
    return f"{share} ({100 * low:.0f} to {100 * high:.0f})"


def _expected(records: Mapping[str, Record]) -> str:
    header = ["method", "expected", "even shares", "best run", "runs left out", "beyond the runs"]
    body = [[name, *cells] for name, record in records.items() if any(cells := _cells(record))]
    return table(header, body, right=len(header) - 1) if body else ""


def _cells(record: Record) -> list[str]:
    best, uniform = record.get("best_sampled"), record.get("uniform")
    return [
        _predicted(record),
        f"{uniform['predicted']:.3f}" if uniform else "",
        f"{best['observed']:.3f} (run {best['run']})" if best else "",
        _left_out(record),
        f"{record['hull_distance']:.2f}" if "hull_distance" in record else "",
    ]


def _predicted(record: Record) -> str:
    if record.get("prediction") is None:
        return ""
    if not record.get("interval"):
        return f"{record['prediction']:.3f}"
    low, high = record["interval"]
    return f"{record['prediction']:.3f} ({low:.3f} to {high:.3f})"


def _left_out(record: Record) -> str:
    """Root mean square error of runs left out: of the law that a method chose, or of `emulsion`'s."""
    if "misfit" in record:
        return f"{record['misfit']['left_out_error']:.3f}"
    fitted = record.get("surrogates", {}).get(record.get("surrogate"))
    return f"{fitted['loo_rmse']:.3f}" if fitted else ""


def _warnings(records: Mapping[str, Record]) -> str:
    return "\n".join(f"- `{name}`: {text}" for name, record in records.items() for text in record.get("warnings", ()))


def _strategies(records: Mapping[str, Record]) -> str:
    lines = ["strategies:"]
    for name, record in records.items():
        ratios = {source: rounded for source, share in record["ratios"].items() if (rounded := round(share, 4))}
        lines.append(f"  {name}: {{ratios: {json.dumps(ratios, ensure_ascii=False)}}}")
    return "\n".join(lines)
