"""The paired permutation test (sign flips, Fisher 1935) and Holm's correction (1979)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from emulsion.analysis.scores import Floats

PERMUTATIONS = 10_000
# Signs held in memory at once: 2**22 numbers of 8 bytes are 32 MB.
_BLOCK = 1 << 22
_TIE = 1e-12  # sums of the same numbers in another order differ by rounding


def enough_permutations(comparisons: int, alpha: float, least: int) -> int:
    """So many that the smallest p-value there can be, 1 / (n + 1), survives the correction with room to spare."""
    return max(least, math.ceil(4 * comparisons / alpha))


def sign_flip_p(
    differences: Floats, weights: Floats, permutations: int, rng: np.random.Generator, noise: Floats | None = None
) -> Floats:
    """Two-sided p-values [pairs] of weighted sums of paired differences.

    differences [items, pairs], weights [items]. Under the null hypothesis each item's difference is as likely
    to be its negative; all pairs share the flips. noise [permutations, pairs]: draws of what else the sums
    contain by chance (seed noise), added to the flipped sums. (n + 1) / (N + 1) keeps the test valid however
    few permutations there are (Phipson and Smyth 2010).
    """
    weighted = differences * weights[:, None]
    observed = np.abs(weighted.sum(axis=0)) - _TIE
    rows = max(1, _BLOCK // max(1, len(weights)))
    reached = np.zeros(differences.shape[1])
    for start in range(0, permutations, rows):
        stop = min(start + rows, permutations)
        signs = rng.integers(0, 2, (stop - start, len(weights)), dtype=np.int8) * 2.0 - 1.0
        sums = signs @ weighted + (0.0 if noise is None else noise[start:stop])
        reached += (np.abs(sums) >= observed).sum(axis=0)
    p: Floats = (reached + 1) / (permutations + 1)
    return p


def holm(p: ArrayLike) -> Floats:
    """Adjusted p-values [n]: rejecting those below alpha makes any false rejection at most alpha likely."""
    raw = np.asarray(p, float)
    order = np.argsort(raw, kind="stable")
    scaled = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def holm_by_name(p: Mapping[str, float]) -> dict[str, float]:
    """Holm's correction of p-values keyed by name."""
    return dict(zip(p, holm(list(p.values())).tolist(), strict=True))
