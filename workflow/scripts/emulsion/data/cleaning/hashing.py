"""64-bit hashes of many spans at once, and the look-up of hashes among others.

Hashes are polynomials modulo 2^64 over values that are themselves well mixed: the same on every machine, and fast as
they are a handful of passes of numpy. They tell texts apart; they do not withstand someone who wants a collision.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

_BASE = 0x9E3779B97F4A7C15
_FILTER_BITS = (12, 26)  # of the bitmap before a look-up: 4 KB to 64 MB


def mix(values: Hashes) -> Hashes:
    """Spread every bit of each value over all 64 (the finaliser of SplitMix64, a bijection)."""
    mixed = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


@functools.lru_cache(maxsize=2)
def _powers(length: int) -> tuple[Hashes, Hashes]:
    """The powers 0 to length - 1 of the base and of its inverse."""
    both = [np.full(length, base, dtype=np.uint64) for base in (_BASE, pow(_BASE, -1, 2**64))]
    for powers in both:
        powers[:1] = 1
        np.multiply.accumulate(powers, out=powers)
    return both[0], both[1]


def hash_spans(values: Hashes, starts: Indices, ends: Indices, most: int) -> Hashes:
    """The hash of values[start:end] for each pair; `most` is the largest length of values in any call."""
    powers, inverse = _powers(most + 1)
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    return mix((sums[ends] - sums[starts]) * inverse[starts])


def extend(hashes: Hashes, following: Hashes) -> Hashes:
    """The unmixed hash of each n-gram and the word that follows it."""
    return hashes * np.uint64(_BASE) + following


def hash_rows(rows: Hashes, salt: Hashes) -> Hashes:
    """The hash of the last axis of `rows`, and of the salt of the axis before it."""
    hashes = np.broadcast_to(salt, rows.shape[:-1])
    for place in range(rows.shape[-1]):
        hashes = mix(hashes + rows[..., place])
    return hashes


def ngrams(words: Hashes, lengths: Container[int], longest: int) -> Iterator[tuple[int, Hashes]]:
    """(n, hash of the n words from each word on) for every n of `lengths`, rising; the hashes are [words - n + 1]."""
    hashes = words
    for length in range(1, min(longest, len(words)) + 1):
        if length > 1:
            hashes = extend(hashes[:-1], words[length - 1 :])
        if length in lengths:
            yield length, mix(hashes)


class Lookup:
    """A set of well-mixed hashes; a bitmap answers for nearly all that are not in it, so that misses cost little."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = np.unique(hashes)
        bits = min(max(int(self.hashes.size * 16).bit_length(), _FILTER_BITS[0]), _FILTER_BITS[1])
        self._mask = np.uint64(2**bits - 1)
        self._maybe = np.zeros(2**bits, dtype=np.bool_)
        self._maybe[self.hashes & self._mask] = True

    def rows(self, hashes: Hashes) -> Indices:
        """The rows of `hashes` that are in the set, in order."""
        rows = np.flatnonzero(self._maybe[hashes & self._mask])
        if not rows.size:
            return rows
        present: Indices = rows[self.hashes[self.places(hashes[rows])] == hashes[rows]]
        return present

    def places(self, hashes: Hashes) -> Indices:
        """Where in the sorted set each of `hashes`, of which all should be in it, stands."""
        places: Indices = np.minimum(np.searchsorted(self.hashes, hashes), self.hashes.size - 1)
        return places
