"""Percentile bootstrap intervals (Efron 1979), vectorised and deterministic.

A sample without spread, such as three items all answered, gives an interval of width zero: the bootstrap
knows only what was seen. A single value does as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emulsion.student import LEVEL

# Draws held in memory at once: 2**22 indices of 8 bytes are 32 MB.
_BLOCK = 1 << 22


def bootstrap_interval(values: ArrayLike, resamples: int = 2000, seed: int = 0) -> tuple[float, float]:
    """The interval of the mean of `values` [n]; raises ValueError where there are none."""
    return _interval(resampled_means(values, resamples, np.random.default_rng(seed)))


def stratified_interval(groups: Sequence[ArrayLike], resamples: int = 2000, seed: int = 0) -> tuple[float, float]:
    """The interval of the mean of the groups' means, each group [n_g] resampled within itself."""
    rng = np.random.default_rng(seed)
    return _interval(np.mean([resampled_means(group, resamples, rng) for group in groups], axis=0))


def ratio_interval(
    numerators: ArrayLike, denominators: ArrayLike, resamples: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """The interval of sum(numerators) / sum(denominators), both [n]: the pairs are resampled together."""
    pairs = np.stack([np.asarray(numerators, float), np.asarray(denominators, float)], axis=1)
    means = resampled_means(pairs, resamples, np.random.default_rng(seed))
    return _interval(means[:, 0] / means[:, 1])


def resampled_means(values: ArrayLike, resamples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The means over axis 0 of `resamples` samples with replacement: values [n, ...] -> [resamples, ...]."""
    array = np.asarray(values, float)
    if not len(array):
        raise ValueError("a bootstrap needs at least one value")
    rows = max(1, _BLOCK // array.size)
    counts = [min(rows, resamples - start) for start in range(0, resamples, rows)]
    return np.concatenate([array[rng.integers(len(array), size=(count, len(array)))].mean(axis=1) for count in counts])


def _interval(statistics: NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(statistics, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
