"""Cheap seeded draws: wheels of weighted choices, Zipf weights, and the split that holds items out."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import TypeVar

T = TypeVar("T")

#: A source of uniform floats in [0, 1), such as `random.Random(seed).random`.
Uniform = Callable[[], float]

WHEEL_SLOTS = 8192
HELD_OUT_EIGHTHS = 2


def zipf(size: int, exponent: float) -> list[float]:
    """Weights of `size` topics, the k-th (from 1) in proportion to ``k ** -exponent``; they sum to 1."""
    raw = [(rank + 1) ** -exponent for rank in range(size)]
    total = sum(raw)
    return [weight / total for weight in raw]


def wheel(values: Sequence[T], weights: Sequence[float]) -> list[T]:
    """A list in which each value fills its share of the slots, so that one index is one weighted draw."""
    total = sum(weights)
    edges = [round(edge / total * WHEEL_SLOTS) for edge in accumulate(weights)]
    return [values[bisect_right(edges, slot)] for slot in range(WHEEL_SLOTS)]


def pick(options: Sequence[T], uniform: Uniform) -> T:
    """One of the options, each equally likely."""
    return options[int(uniform() * len(options))]


def held_out(*arguments: int) -> bool:
    """Whether this combination of arguments is kept for evaluation, whatever the seed of the text.

    An integer mix rather than `hash`, whose value for text changes from process to process.
    """
    state = 0x9E3779B1
    for argument in arguments:
        state = ((state ^ (argument + 1)) * 0x85EBCA6B) & 0xFFFFFFFF
        state ^= state >> 13
    state = (state * 0xC2B2AE35) & 0xFFFFFFFF
    return (state >> 16) % 8 < HELD_OUT_EIGHTHS
