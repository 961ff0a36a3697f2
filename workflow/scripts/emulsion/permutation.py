"""Pseudo-random permutations that take no memory: the image of any index is computed directly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDS = 6
GOLDEN = 0x9E3779B97F4A7C15


def permute(
    index: NDArray[np.int64], size: NDArray[np.int64] | int, key: NDArray[np.uint64] | int
) -> NDArray[np.int64]:
    """The image of each index [n] under the pseudo-random permutation of range(size) that its key names.

    size, key: one for all, or [n]. A balanced Feistel network over the next even power of two; indices that land
    outside are mapped again until they are inside (cycle walking; fewer than four times on average).
    """
    value = index.astype(np.uint64)
    sizes = np.broadcast_to(np.asarray(size, dtype=np.uint64), value.shape)
    keys = np.broadcast_to(np.asarray(key, dtype=np.uint64), value.shape)
    known, which = np.unique(sizes, return_inverse=True)
    halves = np.array([max(1, ((int(each) - 1).bit_length() + 1) // 2) for each in known], dtype=np.uint64)[which]
    outside = np.arange(len(value))
    while len(outside):
        value[outside] = _feistel(value[outside], halves[outside], keys[outside])
        outside = outside[value[outside] >= sizes[outside]]
    return value.astype(np.int64)


def _feistel(value: NDArray[np.uint64], half: NDArray[np.uint64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """half: bits of one half of the network that each value goes through, [n]."""
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = value >> half, value & mask
    for number in range(1, ROUNDS + 1):
        # Each round's key is the next of a Weyl sequence, as in SplitMix64.
        round_key = key + np.uint64(GOLDEN * number % 2**64)
        left, right = right, left ^ (mix(right ^ mix(round_key)) & mask)
    return (left << half) | right


def mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread each bit over all 64: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), a bijection."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
