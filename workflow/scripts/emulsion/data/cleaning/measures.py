"""What the filters ask of a document's words, computed for many documents at once.

The filters' "words" are what the tokenizer of FineWeb's pipeline makes of English, within a few of its exceptions:
words and single marks, so that a text of a hundred dashes is a text of a hundred repeated marks. Word n-grams that
repeat are found in many documents at once.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from emulsion.data.cleaning.words import ALONE, LETTER, MARK, Hashes, Indices, Words, extend, hash_of_word
from emulsion.permutation import mix

TOP_NGRAMS, REPEATED_NGRAMS = (2, 3, 4), (5, 6, 7, 8, 9, 10)
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")

ByLength = dict[int, Indices]
_TEXT_FACTOR = 0xD6E8FEB86659FD93  # keeps equal n-grams of different texts apart


def repetition(words: Words, top: Sequence[int], repeated: Sequence[int]) -> tuple[ByLength, ByLength]:
    """By n: characters of the most frequent n-gram's occurrences, and characters in n-grams that occurred before.

    Both [texts], for the n of `top` and of `repeated`; an n that is missing stands for zeros. The first counts the
    blanks between words and an n-gram that overlaps itself twice, the second counts every word once and no blanks. An
    n-gram that occurs once is no repetition.
    """
    running = np.concatenate([[0], np.cumsum(words.lengths)])
    tops: ByLength = {}
    repeats: ByLength = {}
    for n, text, starts, firsts in _repeated_ngrams(words, max(*top, *repeated)):
        if n in top:
            first_starts, counts = starts[firsts], np.diff(np.append(firsts, len(starts)))
            sizes = running[first_starts + n] - running[first_starts] + n - 1
            tops[n] = _of_most_frequent(text[firsts], counts, sizes, len(words.texts))
        if n in repeated:
            covered = np.zeros(len(words.lengths), dtype=np.bool_)
            later = np.delete(starts, firsts)
            for place in range(n):
                covered[later + place] = True
            rows = np.flatnonzero(covered)
            sizes = np.bincount(words.text_of_each[rows], words.lengths[rows], minlength=len(words.texts))
            repeats[n] = sizes.astype(np.int64)
    return tops, repeats


def _repeated_ngrams(words: Words, longest: int) -> Iterator[tuple[int, Indices, Indices, Indices]]:
    """For n = 2, 3, ...: of every n-gram that its text has twice or more, n-gram by n-gram in order of occurrence.

    Yields n, the text of each occurrence, the word it starts at, and the place in both of each n-gram's first
    occurrence. Only what repeats with n words can repeat with n + 1, so that the arrays shrink fast.
    """
    text_of_word = words.text_of_each.astype(np.int32)
    starts = np.arange(len(words.hashes))
    hashes = words.hashes
    for n in range(2, longest + 1):
        inside = starts + n <= words.offsets[text_of_word[starts] + 1]
        starts, hashes = starts[inside], hashes[inside]
        hashes = extend(hashes, words.hashes[starts + n - 1])
        keys = mix(hashes + text_of_word[starts].astype(np.uint64) * np.uint64(_TEXT_FACTOR))
        order = _likely_repeated(keys)
        order = order[np.argsort(keys[order], kind="stable")]
        new = np.append(True, keys[order][1:] != keys[order][:-1])[: len(order)]
        several = ~new | ~np.append(new[1:], True)[: len(order)]
        order, firsts = order[several], np.flatnonzero(new[several])
        yield n, text_of_word[starts[order]], starts[order], firsts
        order.sort()
        starts, hashes = starts[order], hashes[order]


def _likely_repeated(keys: Hashes) -> Indices:
    """Rows of the keys that share some bits with another one: all that repeat and few more, to be sorted."""
    bits = max(int(len(keys) * 4).bit_length(), 8)
    slots = (keys >> np.uint64(64 - bits)).astype(np.int64)
    taken = np.bincount(slots, minlength=2**bits)
    return np.flatnonzero(taken[slots] > 1)


def _of_most_frequent(texts: Indices, counts: Indices, sizes: Indices, total: int) -> Indices:
    """[total] characters of each text's most frequent n-gram, of the longest where several are."""
    order = np.lexsort((sizes, counts, texts))
    last = np.flatnonzero(np.append(texts[order][1:] != texts[order][:-1], True)[: len(order)])
    best = order[last]
    characters = np.zeros(total, dtype=np.int64)
    characters[texts[best]] = counts[best] * sizes[best]
    return characters


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
