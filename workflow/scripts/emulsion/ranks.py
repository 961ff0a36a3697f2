"""How two columns of numbers go together: correlations, and the p-value of pairing the two at random."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Correlation = Callable[[Floats, Floats], Floats]

# Random orders to try; where there are no more in all (up to seven points: 5,040), all of them are tried.
ORDERS = 10_000
# What rounding alone tells apart is as far from zero.
_TIE = 1e-9


def pearson(x: Floats, y: Floats) -> Floats:
    """Of values along the last axis, [..., n] -> [...]; NaN where either side has no spread."""
    left, right = (side - side.mean(axis=-1, keepdims=True) for side in (x, y))
    scale = np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
    # Equal values leave differences of rounding, which are no spread.
    spread = (np.ptp(x, axis=-1) > 0) & (np.ptp(y, axis=-1) > 0) & (scale > 0)
    together = (left * right).sum(axis=-1)
    return np.clip(np.where(spread, together / np.where(spread, scale, 1), np.nan), -1, 1)


def spearman(x: Floats, y: Floats) -> Floats:
    """Of values along the last axis: Pearson's correlation of their ranks, equal values sharing one."""
    return pearson(scipy.stats.rankdata(x, axis=-1), scipy.stats.rankdata(y, axis=-1))


def rho(x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> float | None:
    """Spearman's correlation of x and y [n]; None where all values of a side are equal: they have no order."""
    left, right = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return None if np.ptp(left) == 0 or np.ptp(right) == 0 else float(spearman(left, right))


def orders(count: int, draws: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Orders of `count` points [orders, count], the one there is first.

    All of them where they are no more than `ORDERS`, else `draws` random ones and their own.
    """
    if math.factorial(count) <= ORDERS:
        return np.array(list(permutations(range(count))))
    own = np.arange(count)
    return np.vstack([own, rng.permuted(np.tile(own, (draws, 1)), axis=1)])


def pairing_p(correlation: Correlation, x: Floats, y: Floats, tried: NDArray[np.int64]) -> float:
    """The two-sided p-value of a correlation of x and y [n]: the share of `orders` of y that reach it.

    Exact where all orders are tried. As the one there is is always among them, p is never 0, which keeps the test valid
    however few are drawn.
    """
    reached = np.abs(correlation(np.broadcast_to(x, tried.shape), y[tried]))
    return float(np.mean(reached >= abs(float(correlation(x, y))) - _TIE))
