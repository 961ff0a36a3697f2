"""Intervals of mean scores between 0 and 1 that know how many items, and how many topics, stand behind them.

Wilson's interval (1927) never has width zero: three items of three answered say 0.44 to 1. Where items come in clusters
the number of items is replaced by the effective one, and the normal quantile by Student's t on clusters - 1 degrees of
freedom (Korn & Graubard 1998; Dean & Pagano 2015), fewer where clusters differ in size. Nothing is drawn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from emulsion import student
from emulsion.student import LEVEL

Interval = tuple[float, float]


def wilson_interval(share: float, count: float, quantile: float | None = None) -> Interval:
    """The score interval of a share of `count` independent trials; `quantile` replaces the normal one."""
    if not 0 <= share <= 1 or count <= 0:
        raise ValueError(f"a share of {share} of {count} trials has no Wilson interval")
    z = float(scipy.special.ndtri((1 + LEVEL) / 2)) if quantile is None else quantile
    shrink = 1 + z * z / count
    centre = (share + z * z / (2 * count)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / count + (z / (2 * count)) ** 2)
    # Exactly the share at 0 and 1, which rounding would miss.
    return min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share)


def clustered_interval(values: ArrayLike, clusters: Sequence[Hashable]) -> Interval:
    """The interval of the mean of scores in [0, 1], `values` [n], whose items belong to `clusters` [n].

    The effective number of items is that whose binomial variance is the one seen between clusters, n at most; where all
    items score alike nothing is seen, and clusters count as items. A single cluster of items says nothing: (0, 1).
    """
    scores = np.asarray(values, float)
    if not len(scores) or len(scores) != len(clusters):
        raise ValueError(f"{len(scores)} scores for {len(clusters)} clusters")
    count, mean = len(set(clusters)), float(scores.mean())
    if count == len(scores):
        return wilson_interval(min(mean, 1.0), count)
    if count == 1:
        return 0.0, 1.0
    effective = _effective_number(scores, clusters)
    freedom = freedom_of_clusters(list(Counter(clusters).values()))
    return wilson_interval(min(mean, 1.0), effective, student.quantile(freedom))


def freedom_of_clusters(sizes: ArrayLike) -> float:
    """The degrees of freedom of a variance between two or more clusters of these sizes: one less than their number.

    Of unequal ones the number is that of equal ones that say as much (Kish 1965): the larger ones make the mean, and
    their spread is known from few.
    """
    counts = np.asarray(sizes, float)
    return max(1.0, float(counts.sum() ** 2 / (counts**2).sum()) - 1)


def share_left(sizes: ArrayLike) -> NDArray[np.float64]:
    """Which share of their variance clusters of these sizes [n] keep when they are held against the mean of all items.

    1 - 1/n of equal ones. One with most of the items makes the mean, and hardly differs from it. 1 of a single one.
    """
    counts = np.asarray(sizes, float)
    shares = counts / counts.sum()
    return np.asarray(1 - 2 * shares + (shares**2).sum() if len(counts) > 1 else np.ones(1))


def mean_interval(parts: Sequence[tuple[float, Interval]]) -> Interval:
    """The interval of the mean of independent scores, from each one's score and interval (MOVER, Zou & Donner 2008)."""
    if not parts:
        raise ValueError("a mean needs at least one score")
    mean = sum(score for score, _ in parts) / len(parts)
    below = math.sqrt(math.fsum((score - low) ** 2 for score, (low, _) in parts)) / len(parts)
    above = math.sqrt(math.fsum((high - score) ** 2 for score, (_, high) in parts)) / len(parts)
    return max(mean - below, 0.0), min(mean + above, 1.0)


def _effective_number(scores: np.ndarray, clusters: Sequence[Hashable]) -> float:
    """How many independent items are as sure as these."""
    names = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    numbers, mean = [names[cluster] for cluster in clusters], scores.mean()
    residuals = np.bincount(numbers, weights=scores - mean)
    variance = float((residuals**2 / share_left(np.bincount(numbers))).sum()) / len(scores) ** 2
    binomial = mean * (1 - mean)
    if min(binomial, variance) < 1e-12:
        return len(names)
    return float(min(binomial / variance, len(scores)))
