"""The best mixture of a fitted surrogate within a region."""

from __future__ import annotations

import numpy as np

from emulsion.laws.minimize import downhill, minimize_law
from emulsion.laws.region import Region
from emulsion.laws.table import Floats
from emulsion.methods.designs import swarm
from emulsion.methods.optimum_settings import Settings
from emulsion.methods.search import Pull, Scores, evolve
from emulsion.methods.surrogates import Epochs, LogLinear, Surrogate
from emulsion.seeds import derive_seed

# RegMix takes the mean of the best 128 of 100,000 draws; a fifth of the draws, and of the best, gives the same.
_DRAWS, _BEST = 20_000, 26
# The spread of scores over the population at which the evolution stops, as a share of the leave-one-out error.
_CLOSE = 1e-4
# Of a share, over which slopes are taken: small beside the 1e-3 within which shares are alike to the Gaussian process.
_STEP = 1e-6


def propose(surrogate: Surrogate, region: Region, settings: Settings, pull: Pull | None) -> tuple[Floats, list[Floats]]:
    """The mixture [m] of the greatest predicted score less pull, and the best of each generation of the search.

    Differential evolution finds it for any surrogate, and slopes lead from there to the top: with many sources it stops
    short of it. The log-linear law is convex and the law that sees epochs is smooth, so their optima are also computed.
    Trees are constant on boxes and have no slopes, so the mean of the best draws is taken where the search's own answer
    is not better than it by more than the trees' error.
    """

    def scores(rows: Floats) -> Floats:
        predicted = surrogate.predict(rows)
        return predicted if pull is None else predicted - pull.penalty(rows, region.sources)

    tolerance = _CLOSE * surrogate.rmse
    best, path = evolve(scores, region, settings.seed, settings.generations, settings.population, tolerance)
    if surrogate.name == "lightgbm":
        mean = _mean_of_best(scores, region, settings.seed)
        gain = float(scores(best[None, :])[0] - scores(mean[None, :])[0])
        best = mean if gain <= surrogate.rmse else best
    else:
        ends = [best, _uphill(scores, region, best, float(np.ptp(surrogate.runs.scores)) or 1.0)]
        if isinstance(surrogate, LogLinear | Epochs):
            prior, strength = (None, 0.0) if pull is None else (pull.prior, pull.strength)
            weights = surrogate.runs.weights.tolist()
            exact = minimize_law(surrogate.law, settings.bounds, weights, settings.caps, prior, strength)
            ends.append(np.array(list(exact.values())))
        best = max(ends, key=lambda row: float(scores(row[None, :])[0]))
    return best, [*path, best]


def _uphill(scores: Scores, region: Region, start: Floats, unit: float) -> Floats:
    """Where slopes lead from a mixture [m] of the region; scores count in units of `unit`."""
    m = len(start)

    def falls(p: Floats) -> tuple[float, Floats]:
        # A search steps off the simplex; its scores go with the mixture.
        rows = np.vstack([np.zeros(m), _STEP * np.eye(m)]) + np.maximum(p, 0.0)
        found = -scores(rows / rows.sum(axis=1, keepdims=True)) / unit
        return float(found[0]), (found[1:] - found[0]) / _STEP

    return downhill(falls, region, start)


def _mean_of_best(scores: Scores, region: Region, seed: int) -> Floats:
    draws = swarm(region, _DRAWS, derive_seed(seed, "best draws"))
    best = np.argsort(-scores(draws), kind="stable")[:_BEST]
    return np.asarray(region.settle(draws[best].mean(axis=0)[None, :])[0])
