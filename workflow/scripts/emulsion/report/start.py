"""What a start from folders found, chose and came to, for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.data.sources.folders import Look

_UNREAD_SHOWN = 10
_WIDTH = 100
# What to look at, the first that is there.
_PAGES = ("decision.html", "recommendations.md")


def looks_table(looks: Mapping[str, Look]) -> str:
    """A line for each source: what is read of it."""
    rows = [
        [
            source,
            f"{each.files:,} ({', '.join(list(each.suffixes)[:4])})",
            _size(each.bytes),
            each.language,
            each.kind + (f": {each.text_field}" if each.text_field else ""),
        ]
        for source, each in looks.items()
    ]
    return _aligned([["source", "files read", "size", "language", "columns"], *rows])


def unread_lines(looks: Mapping[str, Look]) -> Iterator[str]:
    """The files that are not read, with the reason of each."""
    for source, each in looks.items():
        if each.unread:
            yield f"Not read of {source}: {len(each.unread)} files"
            yield from (f"  {path}: {reason}" for path, reason in list(each.unread.items())[:_UNREAD_SHOWN])
            if len(each.unread) > _UNREAD_SHOWN:
                yield f"  and {len(each.unread) - _UNREAD_SHOWN} more"


def reasons_table(reasons: Sequence[tuple[str, str, str]]) -> str:
    return _aligned([["chosen", "", "why"], *map(list, reasons)])


def decision_text(recommendations: Mapping[str, Any], results: Path) -> str:
    """The question, the answer, the shares to train on, and the files that say more.

    recommendations: content of `recommendations.json` in the folder `results`
    """
    chosen = recommendations["recommended"]
    shares = [[f"  {source}", f"{100 * share:.1f} %"] for source, share in chosen["ratios"].items()]
    page = next((results / name for name in _PAGES if (results / name).exists()), results)
    answer = " ".join(part for part in (recommendations["answer"], recommendations["note"]) if part)
    return "\n".join(
        [
            "",
            recommendations["title"],
            "",
            *textwrap.wrap(answer, _WIDTH),
            "",
            f"Shares of tokens of '{chosen['mixture']}':",
            _aligned(shares),
            "",
            "As configuration:",
            textwrap.indent(chosen["config"].strip(), "  "),
            "",
            f"Report: {page}; figures: figures/{recommendations['experiment']}_*.png",
        ]
    )


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} KB"
