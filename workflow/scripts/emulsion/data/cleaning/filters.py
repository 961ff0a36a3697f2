"""Row by row: the one form of a text, and the first reason to remove it, if any.

The filters are those of MassiveText (Rae et al. 2021, arXiv:2112.11446, appendix A.1 and its table A1), of C4 (Raffel
et al. 2020, arXiv:1910.10683, section 2.2) and of FineWeb (Penedo et al. 2024, arXiv:2406.17557, section 3.6). That of
C4 has the steps of its code in TensorFlow Datasets, without the list of bad words, but asks for 3 words of a line and 5
sentences of a page, as datatrove does; that code asks for 5 words and 3 sentences.

The rules are as in datatrove's filters, which made FineWeb. They are written here because datatrove, though it works
without downloads, brings spaCy and some eighty packages to split English into words, at 0.4 MB/s. On 1,500 generated
texts near the rules' thresholds its verdicts (0.10.1) and these agree on 97 % (gopher_quality), 98 %
(gopher_repetition), 99.6 % (c4) and 100 % (fineweb); what differs is where a word ends and, in texts of a few words,
that here an n-gram has to occur twice to repeat.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal, cast

from emulsion.data.cleaning.measures import REPEATED_NGRAMS, TOP_NGRAMS, Measures, measure
from emulsion.data.cleaning.policy import Cleaning
from emulsion.data.cleaning.words import Words

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_PLAIN = re.compile("[\t\n -~\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")  # all but those

_TOP_SHARE = dict(zip(TOP_NGRAMS, (0.20, 0.18, 0.16), strict=True))
_REPEATED_SHARE = dict(zip(REPEATED_NGRAMS, (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True))

_CITATION = re.compile(r"\[(?:\d*|edit|citation needed)]")
_PROSE_ENDS = (".", "?", "!", '"', "'")
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


def clean_text(text: str, settings: Cleaning) -> str:
    """The text as it is kept.

    With a Unicode form every line end (those that `str.splitlines` knows) becomes a line feed, control characters
    (tabs excepted) and byte order marks go, and equal characters get equal code points. With the filter `c4` the lines
    that C4 does not keep go as well.
    """
    if settings.unicode is not None:
        text = normal_form(text, settings.unicode)
    return c4_lines(text) if "c4" in settings.filters else text


def normal_form(text: str, form: str) -> str:
    if not _PLAIN.fullmatch(text):
        text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    return text if text.isascii() else unicodedata.normalize(cast(Literal["NFC"], form), text)


def gopher_quality(text: str, measures: Measures) -> str | None:
    """Why a document is not running text, or None."""
    if not 50 <= measures.words <= 100_000:
        return "gopher_quality: fewer than 50 or more than 100,000 words"
    if not 3 <= measures.word_characters / measures.words <= 10:
        return "gopher_quality: mean word length"
    if max(text.count("#"), text.count("...") + text.count("…")) > 0.1 * measures.tokens:
        return "gopher_quality: symbols per word"
    lines = text.splitlines()
    if sum(line.lstrip().startswith(("•", "-")) for line in lines) > 0.9 * len(lines):
        return "gopher_quality: lines that start with a bullet"
    if sum(line.rstrip().endswith(("...", "…")) for line in lines) > 0.3 * len(lines):
        return "gopher_quality: lines that end with an ellipsis"
    if measures.alphabetic < 0.8 * measures.tokens:
        return "gopher_quality: words without a letter"
    return "gopher_quality: stop words" if measures.stop_words < 2 else None


def gopher_repetition(text: str, measures: Measures) -> str | None:
    """Why a document repeats itself too much, or None."""
    paragraphs = [bare for part in text.split("\n\n") if (bare := part.strip("\n"))]
    lines = [line for line in text.split("\n") if line]
    for parts, unit in ((paragraphs, "paragraphs"), (lines, "lines")):
        count, characters = duplicate_parts(parts)
        if count > 0.3 * len(parts):
            return f"gopher_repetition: duplicate {unit}"
        if characters > 0.2 * len(text):
            return f"gopher_repetition: characters in duplicate {unit}"
    for n, characters in zip(TOP_NGRAMS, measures.top, strict=True):
        if characters > _TOP_SHARE[n] * len(text):
            return f"gopher_repetition: most frequent {n}-gram"
    for n, characters in zip(REPEATED_NGRAMS, measures.repeated, strict=True):
        if characters > _REPEATED_SHARE[n] * len(text):
            return f"gopher_repetition: duplicate {n}-grams"
    return None


def duplicate_parts(parts: Sequence[str]) -> tuple[int, int]:
    """How many of the parts equal one before them, and their characters."""
    unique = set(parts)
    return len(parts) - len(unique), sum(map(len, parts)) - sum(map(len, unique))


def c4_lines(text: str) -> str:
    """The lines of a text that C4 keeps; one that condemns the whole page is kept, for `c4` to see."""
    while (uncited := _CITATION.sub("", text) if "[" in text else text) != text:
        text = uncited
    lower = text.lower()
    suspect = any(phrase in lower for phrase in (*_DROPPED, _CONDEMNED))
    lines = [line for each in text.split("\n") if _is_prose(line := each.strip())]
    return "\n".join(line for line in lines if not (suspect and _is_dropped(line)))


def _is_prose(line: str) -> bool:
    if not line.endswith(_PROSE_ENDS) or line.endswith("...") or len(line.split(None, 2)) < 3:
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
    if duplicate_parts(lines)[1] > 0.01 * (len(text) - text.count("\n")):
        return "fineweb: characters in duplicate lines"
    return "fineweb: line breaks per word" if text.count("\n") > 0.3 * measures.tokens else None


Filter = Callable[[str, Measures], str | None]

BY_NAME: dict[str, Filter] = {
    "gopher_quality": gopher_quality,
    "gopher_repetition": gopher_repetition,
    "c4": c4,
    "fineweb": fineweb,
}


def why_removed(words: Words, settings: Cleaning) -> list[str | None]:
    """For each text, which `clean_text` has been through, the first reason against it, or None."""
    filters = _length_filters(settings) + [BY_NAME[name] for name in settings.filters]
    if not filters:
        return ["empty" if settings.unicode and not text.strip() else None for text in words.texts]
    measures = measure(words, ngrams="gopher_repetition" in settings.filters)
    return [_first_reason(filters, text, each) for text, each in zip(words.texts, measures, strict=True)]


def _first_reason(filters: Sequence[Filter], text: str, measures: Measures) -> str | None:
    if not text.strip():
        return "c4: no line is left" if c4 in filters else "empty"
    return next((reason for each in filters if (reason := each(text, measures))), None)


def _length_filters(settings: Cleaning) -> list[Filter]:
    def words(text: str, measures: Measures) -> str | None:
        return _outside("words", measures.words, settings.words)

    def characters(text: str, measures: Measures) -> str | None:
        return _outside("characters", len(text), settings.characters)

    given = ((words, settings.words), (characters, settings.characters))
    return [each for each, limits in given if limits is not None]


def _outside(unit: str, count: int, limits: tuple[int, int] | None) -> str | None:
    if limits is None or limits[0] <= count <= limits[1]:
        return None
    least, most = limits
    return f"length: fewer than {least} {unit}" if count < least else f"length: more than {most} {unit}"
