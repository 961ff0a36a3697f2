"""The filters of C4 (Raffel et al. 2020, arXiv:1910.10683, section 2.2) and FineWeb (Penedo et al. 2024,
arXiv:2406.17557, section 3.6).

C4 as its code in TensorFlow Datasets has it, without the list of bad words.
"""

from __future__ import annotations

import re

from emulsion.data.cleaning.gopher import duplicates
from emulsion.data.cleaning.measures import Measures

_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)]")
_LINE_ENDS = (".", "?", "!", '"', "'")
_DROPPED = (
    "javascript",
    "terms of use",
    "privacy policy",
    "cookie policy",
    "uses cookies",
    "use of cookies",
    "use cookies",
)
_CONDEMNED, _LONGEST_WORD = "lorem ipsum", 1000
_SENTENCE_END = re.compile(r"""[.!?]+["')\]]*(?=\s|$)""")
_STOPS = tuple(".?!⁇⁈⁉‼‽。．！？｡﹖﹗؟۔।॥։။።፧៕᙮")  # of many scripts; a quotation mark is none


def c4_lines(text: str) -> str:
    """The lines of a text that C4 keeps; one that condemns the whole page is kept, for `c4` to see."""
    while (uncited := _CITATION.sub("", text) if "[" in text else text) != text:
        text = uncited
    lower = text.lower()
    suspect = any(phrase in lower for phrase in (*_DROPPED, _CONDEMNED))
    lines = [line for each in text.split("\n") if _is_prose(line := each.strip())]
    return "\n".join(line for line in lines if not (suspect and _is_dropped(line)))


def _is_prose(line: str) -> bool:
    if not line.endswith(_LINE_ENDS) or line.endswith("...") or len(line.split(None, 2)) < 3:
        return False
    return len(line) <= _LONGEST_WORD or max(map(len, line.split())) <= _LONGEST_WORD


def _is_dropped(line: str) -> bool:
    lower = line.lower()
    if _CONDEMNED in lower:
        return False
    return "javascript" in lower or ("{" not in line and any(phrase in lower for phrase in _DROPPED))


def c4(text: str, measures: Measures) -> str | None:
    """Why C4 has no such page, or None; text: after `c4_lines`."""
    if _CONDEMNED in text.lower():
        return "c4: lorem ipsum"
    if "{" in text:
        return "c4: curly bracket"
    lines = [line for line in text.split("\n") if line]
    if len(lines) >= 5 or sum(max(1, len(_SENTENCE_END.findall(line))) for line in lines) >= 5:
        return None
    return "c4: fewer than 5 sentences"


def fineweb(text: str, measures: Measures) -> str | None:
    """Why a document looks like a list or a menu, or None."""
    lines = [line for line in text.split("\n") if line.strip()]
    if sum(line.endswith(_STOPS) for line in lines) < 0.12 * len(lines):
        return "fineweb: lines that end with punctuation"
    if sum(len(line) <= 30 for line in lines) > 0.67 * len(lines):
        return "fineweb: short lines"
    if duplicates(lines)[1] > 0.01 * (len(text) - text.count("\n")):
        return "fineweb: characters in duplicate lines"
    return "fineweb: line breaks per word" if text.count("\n") > 0.3 * measures.tokens else None
