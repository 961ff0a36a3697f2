"""The content of methods.json as figures read it, by hand."""

from __future__ import annotations

from typing import Any


def row(
    name: str, difference: float | None, *, extra: int | None = 0, verdict: str = "", read: int = 0
) -> dict[str, Any]:
    """A row whose intervals are of .1 to either side, and whose sources differ by half and by nothing."""
    interval = None if difference is None else [difference - 0.1, difference + 0.1]
    half = None if difference is None else difference / 2
    web = {"difference": half, "interval": None if half is None else [half - 0.05, half + 0.05]}
    return {
        "method": name,
        "names": [name],
        "difference_to_stratified": difference,
        "interval": interval,
        "verdict": verdict,
        "by_source": {"web": web, "code": {"difference": 0.0 if half is not None else None, "interval": None}},
        "costs": {name: {"extra_tokens": extra, "evaluation_tokens": read, "extra_evaluation_tokens": 0}},
    }


def board(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"tokens": 1000, "stratified": "stratified", "sources": ["web", "code"], "methods": list(rows)}
