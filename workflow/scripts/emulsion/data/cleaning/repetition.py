"""Repeated word n-grams within each of many documents at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from emulsion.data.cleaning.hashing import Hashes, Indices, extend, mix
from emulsion.data.cleaning.words import Words

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
