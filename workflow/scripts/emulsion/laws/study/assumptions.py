"""What sweeps say about what online methods assume (Aioli, 2411.05735, sections 4.3, C.2.1, C.3; Table 10).

Whether greedy choices are optimal, whether the order of A's column sums lasts, whether a diagonal A has the order of
the full one, and how alike a method's A is to the fitted one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.laws.study.fits import Settings
from emulsion.laws.study.format import count, sentences

Section = dict[str, Any]


def greedy(settings: Settings) -> Section | None:
    """Table 10; None where no setting has branches to the end of its runs."""
    rows: list[dict[str, Any]] = [
        {"label": label, "branches": name, **seed}
        for label, files in settings.items()
        if "greedy" in files
        for name, rounds in files["greedy"]["rounds"].items()
        for seed in rounds["seeds"]
    ]
    if not rows:
        return None
    same = sum(row["same"] for row in rows)
    worse = [row["greedy"]["test_perplexity"] / row["optimal"]["test_perplexity"] - 1 for row in rows]
    text = f"greedy choices are the optimal ones in {same} of {count(len(rows), 'sweep')}"
    if same < len(rows):
        text += f"; their test perplexity is at most {100 * max(0.0, *worse):.2g} % above that of the optimal ones"
    return {"rows": rows, "text": sentences([text, _luck(rows)])}


def _luck(rows: Sequence[Mapping[str, Any]]) -> str:
    """The optimal pair has the least of many noisy validation losses, so that the test may not bear it out."""
    other = sum(row["greedy"]["test_perplexity"] < row["optimal"]["test_perplexity"] for row in rows)
    return f"in {other} of them the greedy choice has the lower test perplexity all the same" if other else ""


def diagonal(settings: Settings) -> Section | None:
    """Section C.2.1: the full A beside the diagonal one; None where no setting has branches."""
    rows: list[dict[str, Any]] = [
        {
            "label": label,
            "branches": name,
            **{key: each[key] for key in ("after", "tokens", "same_order", "column_sums", "diagonal")},
            "trunks": each["trunks_count"],
            "r2": each["quality"]["linear"]["mean"]["r2"],
            "diagonal_r2": each["quality"]["diagonal"]["mean"]["r2"],
        }
        for label, files in settings.items()
        if "dynamic" in files
        for name, each in files["dynamic"]["branches"].items()
    ]
    if not rows:
        return None
    trunks, same = sum(row["trunks"] for row in rows), sum(row["same_order"] for row in rows)
    text = f"a diagonal A ranks the sources as the full A does for {same} of {count(trunks, 'trunk')}"
    return {"rows": rows, "text": sentences([text])}


def over_time(settings: Settings) -> Section | None:
    """Section C.2.1: A early and late in the same runs; None where no setting has two sets of branches."""
    rows: list[dict[str, Any]] = [
        {
            "label": label,
            **{key: each[key] for key in ("from", "to", "changed", "trunks")},
            **{key: each["similarity"][key] for key in ("cosine", "spearman", "similarity", "note")},
            "between_seeds": _between_seeds([files["dynamic"]["branches"][each[key]] for key in ("from", "to")]),
        }
        for label, files in settings.items()
        if "dynamic" in files
        for each in files["dynamic"]["over_time"]
    ]
    if not rows:
        return None
    changed, trunks = sum(row["changed"] for row in rows), sum(row["trunks"] for row in rows)
    parts = []
    if trunks:
        parts.append(f"the order of A's column sums changes over time in {changed} of {count(trunks, 'trunk')}")
    else:
        parts.append("no trunk has both sets of branches, so that only mean matrices compare")
    luck = {key: sum(row["between_seeds"][key] for row in rows) for key in ("changed", "pairs")}
    if luck["pairs"]:
        pairs = count(luck["pairs"], "pair")
        parts.append(f"between two seeds of one trunk at the same time it differs in {luck['changed']} of {pairs}")
    return {"rows": rows, "text": sentences(parts)}


def _between_seeds(sets: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {key: sum(each["between_seeds"][key] for each in sets) for key in ("changed", "pairs")}


def similarity(settings: Settings) -> Section | None:
    """Section 4.3; None where no setting names methods."""
    rows: list[dict[str, Any]] = [
        {"label": label, "method": method, **each}
        for label, files in settings.items()
        if "similarity" in files
        for method, each in files["similarity"]["methods"].items()
    ]
    if not rows:
        return None
    text = f"similarity, mean of settings: {', '.join(_of_method(rows, method) for method in _methods(rows))}"
    flagged = sum(row["degenerate"] for row in rows)
    note = f"in {flagged} of {count(len(rows), 'row')} the rank correlation says little" if flagged else ""
    notes = dict.fromkeys(row["note"] for row in rows if row["note"])
    return {"rows": rows, "text": sentences([text, f"{note} ({'; '.join(notes)})" if note else "; ".join(notes)])}


def _methods(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["method"] for row in rows))


def _of_method(rows: Sequence[Mapping[str, Any]], method: str) -> str:
    values = [row["similarity"] for row in rows if row["method"] == method]
    return f"{method} {sum(values) / len(values):.2f} ({count(len(values), 'setting')})"
