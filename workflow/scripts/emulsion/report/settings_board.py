"""Leaderboards of several settings as a page: differences, verdicts on average, shares and costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from emulsion.report.markup import plain, section, table
from emulsion.report.method_board import difference_text

Found = Mapping[str, Any]

NOTE = (
    "Differences to stratified sampling, paired by seed, with 95 % intervals; negative is better. The mean is that of"
    " the settings, which weigh alike; verdicts are given after Holm's correction over the methods. Empty: not trained"
    " there."
)


def markdown(found: Found) -> str:
    """`settings.md` from the content of `settings.json`."""
    settings = found["settings"]
    labels = [each["label"] for each in settings]
    facts = [
        [
            plain(each["label"]),
            each["experiment"],
            ", ".join(each["sources"]),
            f"{each['tokens']:,}",
            "" if each["stratified"] is None else f"{each['stratified']:.3f}",
        ]
        for each in settings
    ]
    header = ["setting", "experiment", "sources", "tokens of a run", "stratified sampling's mean test perplexity"]
    losses = [
        [
            row["method"],
            *_cells(row, labels, lambda cell: difference_text(cell["loss"], 3)),
            difference_text(row["mean"], 3),
            _verdict(row, len(labels)),
        ]
        for row in found["methods"]
    ]
    tables = {
        "Mean test perplexity": lambda cell: "; ".join(
            filter(None, [difference_text(cell["perplexity"], 2), cell["verdict"]])
        ),
        "Shares": lambda cell: " / ".join(f"{100 * share:.0f}" for share in cell["shares"].values()),
        "Runs to decide": lambda cell: "" if cell["extra_in_runs"] is None else f"{cell['extra_in_runs']:.2f}",
    }
    notes = {
        "Mean test perplexity": "Differences likewise; the verdicts are those of each setting.",
        "Shares": "Percent of the tokens, over the whole run, in the order of the setting's sources.",
        "Runs to decide": "Tokens trained on to decide, in runs of the setting's length.",
    }
    parts = [
        f"# Methods over settings: {plain(found['title'])}",
        table(header, facts),
        section("Mean test loss", f"{table(['method', *map(plain, labels), 'mean', 'on average'], losses)}\n\n{NOTE}"),
        *(section(title, f"{_by_setting(found, labels, cell)}\n\n{notes[title]}") for title, cell in tables.items()),
    ]
    return "\n\n".join(parts) + "\n"


def _by_setting(found: Found, labels: list[str], cell: Callable[[Found], str]) -> str:
    rows = [[row["method"], *_cells(row, labels, cell)] for row in found["methods"]]
    return table(["method", *map(plain, labels)], rows)


def _cells(row: Found, labels: list[str], cell: Callable[[Found], str]) -> list[str]:
    return [cell(row["by_setting"][label]) if label in row["by_setting"] else "" for label in labels]


def _verdict(row: Found, settings: int) -> str:
    p = "" if row["p_holm"] is None else f" (p {row['p_holm']:.2g})"
    of = "" if row["mean"]["settings"] == settings else f", of {row['mean']['settings']} of {settings} settings"
    return f"{row['verdict']}{p}{of}"
