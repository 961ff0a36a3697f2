"""The filters of MassiveText (Rae et al. 2021, arXiv:2112.11446, appendix A.1 and its table A1)."""

from __future__ import annotations

from collections.abc import Sequence

from emulsion.data.cleaning.measures import REPEATED_NGRAMS, TOP_NGRAMS, Measures

_TOP_SHARE = dict(zip(TOP_NGRAMS, (0.20, 0.18, 0.16), strict=True))
_REPEATED_SHARE = dict(zip(REPEATED_NGRAMS, (0.15, 0.14, 0.13, 0.12, 0.11, 0.10), strict=True))


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
        count, characters = duplicates(parts)
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


def duplicates(parts: Sequence[str]) -> tuple[int, int]:
    """How many of the parts equal one before them, and their characters."""
    unique = set(parts)
    return len(parts) - len(unique), sum(map(len, parts)) - sum(map(len, unique))
