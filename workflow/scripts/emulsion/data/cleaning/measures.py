"""What the filters ask of a document's words, computed for many documents at once.

The filters' "words" are what the tokenizer of FineWeb's pipeline makes of English, within a few of its exceptions:
words and single marks, so that a text of a hundred dashes is a text of a hundred repeated marks.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from emulsion.data.cleaning.hashing import Indices
from emulsion.data.cleaning.repetition import repetition
from emulsion.data.cleaning.words import ALONE, LETTER, MARK, Words, hash_of_word

TOP_NGRAMS, REPEATED_NGRAMS = (2, 3, 4), (5, 6, 7, 8, 9, 10)
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")


class Measures(NamedTuple):
    """Of one document. tokens: words and marks. top, repeated: characters of the most frequent n-gram that occurs
    twice or more, and of all n-grams that occurred before, by n (TOP_NGRAMS, REPEATED_NGRAMS)."""

    words: int
    tokens: int
    word_characters: int
    alphabetic: int
    stop_words: int
    top: tuple[int, ...]
    repeated: tuple[int, ...]


def measure(words: Words, ngrams: bool) -> list[Measures]:
    """Of every text; without `ngrams` none of them repeats."""
    return [measures for part in words.parts() for measures in _measure(part, ngrams)]


def _measure(words: Words, ngrams: bool) -> list[Measures]:
    is_word = words.kinds > MARK
    has_letter = (words.kinds == LETTER) | (words.kinds == ALONE)
    has_stop = np.zeros((len(STOP_WORDS), len(words.texts)), dtype=np.bool_)
    for has, stop in zip(has_stop, _stop_hashes(), strict=True):
        has[words.text_of_each[words.hashes == stop]] = True
    stop_words = has_stop.sum(axis=0)
    counts = (
        words.sums(is_word),
        np.diff(words.offsets),
        words.sums(np.where(is_word, words.lengths, 0)),
        words.sums(has_letter),
        stop_words,
    )
    top, repeated = repetition(words, TOP_NGRAMS, REPEATED_NGRAMS) if ngrams else ({}, {})
    nothing = np.zeros_like(stop_words)
    tops = _rows([top.get(n, nothing) for n in TOP_NGRAMS])
    repeats = _rows([repeated.get(n, nothing) for n in REPEATED_NGRAMS])
    return list(map(Measures, *(column.tolist() for column in counts), tops, repeats))


def _rows(columns: list[Indices]) -> list[tuple[int, ...]]:
    return list(zip(*(column.tolist() for column in columns), strict=True))


@functools.cache
def _stop_hashes() -> list[np.uint64]:
    return [hash_of_word(word) for word in STOP_WORDS]
