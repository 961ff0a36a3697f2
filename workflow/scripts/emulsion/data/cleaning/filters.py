"""Row-wise filters: for each document the first reason to remove it.

The rules are those of datatrove's filters, which made FineWeb. They are written here because datatrove, though it works
without downloads, brings spaCy and some eighty packages to split English into words, at 0.4 MB/s. On 1,500 generated
texts near the rules' thresholds its verdicts (0.10.1) and these agree on 97 % (gopher_quality), 98 %
(gopher_repetition), 99.6 % (c4) and 100 % (fineweb); what differs is where a word ends and, in texts of a few words,
that here an n-gram has to occur twice to repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emulsion.data.cleaning.gopher import gopher_quality, gopher_repetition
from emulsion.data.cleaning.measures import Measures, measure
from emulsion.data.cleaning.settings import Cleaning
from emulsion.data.cleaning.web import c4, fineweb
from emulsion.data.cleaning.words import Words

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
        return "empty"
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
