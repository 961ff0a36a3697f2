"""Weighted sums of mixtures' scores, how sure they are, and the test that they are zero: the one place of both.

Two things vary: which items were asked, and which seed a model was trained with. Items of one topic are learned
together, so topics (clusters) are the unit of the first; the run is the unit of the second. The variance between runs
holds what seeds do to all items and what they do to each; that between clusters holds the second too, which is taken
out of it once. Degrees of freedom follow Satterthwaite (1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.scores import ItemScores
from emulsion.evaluation.intervals import freedom_of_clusters, share_left
from emulsion.student import Estimate

# Below this many degrees of freedom the spread of runs is often far too small by chance: then nothing is taken out,
# and of scores, whose items vary much, little freedom is gained from items.
ENOUGH = 4

Term = tuple[float, ItemScores]  # a weight and what it multiplies
Part = tuple[float, float]  # a variance and its degrees of freedom


def contrast(terms: Sequence[Term], group: str, noise: SeedNoise | None, *, bounded: bool = True) -> Estimate:
    """The sum of weight x score over the terms, whose items are the same.

    noise None: the seeds' part is left out, and the estimate is of these trained models. Paired noise is for weights
    that sum to zero over terms of the same seeds. bounded: scores lie in [0, 1], so that two items of opposite outcome
    are added to each capability's variance (Bonett and Price, 2012): items that all went one way do not make a
    difference certain. Losses are not bounded.
    """
    value = math.fsum(weight * scores.score(group) for weight, scores in terms)
    chosen, freedom = _choice_of_items(terms, group, bounded and not terms[0][1].lower)
    if noise is None:
        return Estimate(value, math.sqrt(chosen), freedom)
    known = noise.freedom(group)
    parts = [(weight**2, *noise.variance(scores.run_scores(group), group)) for weight, scores in terms]
    seeds = [(square * variance, df) for square, variance, df in parts]
    if noise.run_sd and known >= ENOUGH:
        chosen = max(0.0, chosen - _by_themselves(terms, group, paired=noise.paired))
    pooled = [(sum(variance for variance, _ in seeds), known)] if group not in noise.apart else seeds
    if noise.paired and group in noise.apart and len(terms[0][1].seeds) > 1:
        runs = np.asarray(sum(weight * scores.run_scores(group) for weight, scores in terms))
        pooled = [noise.of_differences(runs, group, sum(weight**2 for weight, _ in terms))]
    total = chosen + sum(variance for variance, _ in pooled)
    if not chosen and not freedom:
        return Estimate(value, math.sqrt(total), 0.0)
    freedom = freedom_of_sum((chosen, freedom), pooled, known, bounded=not terms[0][1].lower, single=len(terms) == 1)
    return Estimate(value, math.sqrt(total), freedom)


def freedom_of_sum(chosen: Part, seeds: Sequence[Part], known: float, *, bounded: bool, single: bool = False) -> float:
    """The degrees of freedom of the variance that the choice of items and seeds leave in a sum.

    chosen, seeds: variances with their degrees of freedom; known: those of the noise between seeds; bounded: whether
    scores are; single: whether it is one mixture's score. Satterthwaite's are too many just where the spread of few
    runs came out small by chance.
    """
    parts = [*seeds, chosen]
    squares = sum(variance**2 / df for variance, df in parts if variance and df > 0)
    freedom = sum(variance for variance, _ in parts) ** 2 / squares if squares else math.inf
    if bounded and known < ENOUGH:
        return min(freedom, 4 * known)
    if not single and (known == 1 or chosen[0] < sum(variance for variance, _ in seeds)):
        return min(freedom, seeds[0][1] if len(seeds) == 1 else known)
    return freedom


def difference(a: ItemScores, b: ItemScores, group: str, noise: SeedNoise | None, *, bounded: bool = True) -> Estimate:
    """The difference a - b on one group of items."""
    return contrast([(1.0, a), (-1.0, b)], group, noise, bounded=bounded)


def _choice_of_items(terms: Sequence[Term], group: str, bounded: bool) -> tuple[float, float]:
    """The variance that the choice of items leaves in the sum, and its degrees of freedom; none where it is unknown.

    Of a single item of no bounds nothing is known by itself: it is taken to vary as those of the other groups do.
    """
    first = terms[0][1]
    shares = first.shares(group)
    largest = sum(abs(weight) for weight, _ in terms) / 2  # half of what an item's two outcomes differ by
    variances, freedoms, of_one, single = [], [], [], []
    for name, share in shares.items():
        values = sum(weight * scores.values[name].mean(axis=0) for weight, scores in terms)
        clusters = first.numbers(name)
        sizes = np.bincount(clusters)
        count, items = len(sizes), len(clusters)
        if count == 1 and not bounded:
            single.append(share)
            continue
        totals = np.bincount(clusters, weights=values - np.mean(values))
        squares = float((totals**2 / share_left(sizes)).sum())
        if bounded:
            squares, items = squares + 2 * largest**2, items + 2
        of_one.append(squares / items)
        variances.append(share**2 * squares / items**2)
        freedoms.append(freedom_of_clusters(sizes) if count > 1 else 0)
    if not of_one:
        return 0.0, 0.0
    total = sum(variances)
    squared = sum(variance**2 / df for variance, df in zip(variances, freedoms, strict=True) if df > 0)
    freedom = float(min(freedoms)) if 0 in freedoms or not squared else total**2 / squared
    return total + sum(share**2 for share in single) * float(np.mean(of_one)), freedom


def _by_themselves(terms: Sequence[Term], group: str, *, paired: bool) -> float:
    """What clusters vary between seeds by themselves, as a part of the variance of the sum's mean over seeds.

    paired: of the sums at equal seeds; else of each term.
    """
    first, found = terms[0][1], 0.0
    for name, share in first.shares(group).items():
        rows = [weight * scores.values[name] for weight, scores in terms]
        for values in [np.asarray(sum(rows))] if paired else rows:
            if len(values) > 1:
                clusters = first.numbers(name)
                totals = np.stack([np.bincount(clusters, weights=row) for row in values])
                found += share**2 * float(totals.var(axis=0, ddof=1).sum()) / len(clusters) ** 2 / len(values)
    return found
