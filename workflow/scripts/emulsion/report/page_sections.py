"""The parts of a decision's page below its recipe: costs, predictions, contributions, criteria, all results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.judged import CAPABILITIES
from emulsion.analysis.scores import MEAN
from emulsion.report.loss_tables import loss_rows
from emulsion.report.promises import PREDICTED, prediction_rows

Found = Mapping[str, Any]
Section = dict[str, Any]


def section(title: str, *text: str, items: Sequence[str] = (), tables: Sequence[Section] = ()) -> Section:
    """A heading, paragraphs, a list, tables; empty paragraphs are left out."""
    return {"title": title, "text": [each for each in text if each], "list": list(items), "tables": list(tables)}


def table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int = 0, note: str = "") -> Section:
    """words: how many columns after the first are of words; those after them are of numbers, and are not broken."""
    return {"header": list(header), "rows": [list(row) for row in rows], "words": words, "note": note}


def costs(found: Found, budget: Found, run: Found) -> Section:
    """How many runs, seeds and tokens the decision rests on, and what they cost, beside what was planned."""
    spent, planned = budget["spent"], budget["planned"]
    total, device, seeds = spent["total"], planned["device"], found["decision"]["seeds"]
    times = "once" if seeds == 1 else f"with each of {seeds} seeds"
    rows = [
        [
            stage,
            f"{each['runs']:,.0f}",
            amount(each["tokens"]),
            duration(each["training_hours"]),
            duration(each["evaluation_hours"]),
            duration(planned["costs"][stage]["hours"]) if stage in planned["costs"] else "",
        ]
        for stage, each in spent.items()
    ]
    return section(
        "What it rests on",
        f"{total['runs']:,.0f} trainings on {amount(total['tokens'])} tokens, in"
        f" {duration(total['training_hours'] + total['evaluation_hours'])} on one device ({device}), evaluation"
        f" included. Every mixture was trained on {amount(run['tokens'])} tokens, {times}.",
        tables=[table(["stage", "runs", "tokens", "training", "evaluation", "planned"], rows)],
    )


def predictions(found: Found) -> Section | None:
    """Each prediction beside its outcome, the mean over seeds; None where nothing was predicted."""
    stated, optimum = found.get("predictions"), found["optimum"]
    if not stated and not optimum:
        return None
    rows = prediction_rows(stated["rows"]) if stated else []
    header = ["mixture", "predicted (95 % interval)", "outcome", "runs inside", "fitted to"]
    note = "Predictions rest on nothing that the optimum's runs came to. "
    note += f"Each is a {PREDICTED[stated['of']]}; the outcome is the mean over its runs." if stated else ""
    return section(
        "Predictions and outcomes",
        optimum["text"] if optimum else "",
        stated["text"] if stated else "",
        tables=[table(header, rows, note=note)] if rows else [],
    )


def contributions(found: Found) -> Section | None:
    """What each source is worth, by leaving it out."""
    each = found["contributions"]
    if not each:
        return None
    head = f"Found by leaving each source out of {each['base']}, on as many tokens."
    return section("What each source contributes", head, items=[source["text"] for source in each["sources"].values()])


def criteria(found: Found) -> Section | None:
    rows = [[row["criterion"], row["verdict"], row["evidence"]] for row in found["criteria"]]
    return section("Criteria", tables=[table(["criterion", "verdict", "evidence"], rows, words=2)]) if rows else None


def against(found: Found) -> Section | None:
    """The recommended mixture's mean loss beside those of what one would train on without a study."""
    losses = found.get("losses")
    if not losses or not losses["against"]:
        return None
    rows = [
        [
            f"{row['baseline']} ({row['reference']})",
            row["verdict"],
            f"{row['difference']:+.3f} ({row['interval'][0]:+.3f} to {row['interval'][1]:+.3f})",
            f"{100 * row['perplexity']:+.1f} %",
        ]
        for row in losses["against"]
    ]
    note = "The recommended mixture's mean less the other's, with 95 % intervals; verdicts after Holm's correction."
    header = ["against", "its test loss is", "difference, nats per token", "perplexity"]
    return section("Against mixtures that need no study", tables=[table(header, rows, words=1, note=note)])


def results(found: Found) -> Section:
    """All means with their intervals, of single sources too."""
    labels, tables = found["same"], []
    if losses := found.get("losses"):
        header = ["mixture", "mean loss", "perplexity", "bits per byte", *losses["sources"]]
        note = "Losses on test text in nats per token, ± half the width of the 95 % interval; lower is better."
        tables.append(table(header, loss_rows(losses, labels), note=note))
    if scores := found["scores"]:
        ranked = sorted(scores.items(), key=lambda pair: -pair[1][MEAN]["score"])
        groups = [name for name in ranked[0][1] if name != MEAN]
        rows = [
            [labels.get(name, name), *(CAPABILITIES.text(cells[group]) for group in [MEAN, *groups])]
            for name, cells in ranked
        ]
        note = "Share of test items passed, ± half the width of the 95 % interval; higher is better."
        tables.append(table(["mixture", "mean score", *groups], rows, note=note))
    return section("All results", tables=tables)


def amount(number: float) -> str:
    """A count as people read it: '137,984', '27.9 million', '1.2 billion'."""
    for size, name in ((1e12, "trillion"), (1e9, "billion"), (1e6, "million")):
        if number >= size:
            return f"{number / size:.3g} {name}"
    return f"{number:,.0f}"


def duration(hours: float) -> str:
    """'4.2 h', '12 min', '40 s'"""
    if hours >= 1:
        return f"{hours:,.1f} h"
    return f"{60 * hours:.0f} min" if 60 * hours >= 1 else f"{3600 * hours:.0f} s"
