"""Pieces of a Markdown page: tables, fenced blocks, sections."""

from __future__ import annotations

import re
from collections.abc import Sequence


def plain(text: str) -> str:
    """A text of the configuration, such as a title, in one row that shows it as it was written."""
    return re.sub(r"[\\`*~<\[\]]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|&(?=#?\w+;)", r"\\\g<0>", " ".join(text.split()))


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right: int = 0) -> str:
    """A Markdown table; the last `right` columns are aligned to the right."""
    rules = ["---"] * (len(header) - right) + ["---:"] * right
    return "\n".join(f"| {' | '.join(_cell(text) for text in row)} |" for row in [header, rules, *rows])


def code(language: str, text: str) -> str:
    """A fenced block, its fence longer than any in the text."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def section(heading: str, text: str | None) -> str:
    return f"## {heading}\n\n{text}" if text else ""
