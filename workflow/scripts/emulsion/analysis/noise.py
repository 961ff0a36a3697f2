"""Seed noise: how much the score of a mixture changes when nothing but the seed of its training does.

Of the spread of a mixture's runs, a part is each item's own (a coin toss more or less), which resampling of
items already holds; `sd` is what is left, common to a run's items. With few seeds that remainder may come out
near zero by luck, so `run_sd`, the whole spread, is kept too: a claim must survive both (`compare`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from emulsion.analysis.scores import Floats, ItemScores


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """The standard deviation of a run's score between seeds, by group ("mean" for the mean of all).

    run_sd: the same with what items vary by themselves, where it was estimated. df: degrees of freedom it was
    estimated with; infinite where it is taken as known.
    """

    sd: Mapping[str, float]
    run_sd: Mapping[str, float] = field(default_factory=dict)
    df: float = math.inf

    def error(self, group: str, seeds: int) -> float:
        """The standard error that seeds leave in the mean over so many runs."""
        return self.sd.get(group, 0.0) / math.sqrt(seeds)

    def run_error(self, group: str, seeds: int) -> float:
        """The same for the whole spread of runs; 0 where it was not estimated."""
        return self.run_sd.get(group, 0.0) / math.sqrt(seeds)

    def draws(self, count: int, rng: np.random.Generator) -> Floats:
        """Draws [count] of an estimate's error in units of its standard error: Student's t, or normal."""
        return rng.standard_normal(count) if math.isinf(self.df) else rng.standard_t(self.df, count)


def estimate_seed_noise(scores: Mapping[str, ItemScores]) -> SeedNoise | None:
    """Seed noise pooled over the mixtures that were trained with several seeds; None where there is none.

    Pooling takes the noise to be the same for all mixtures: two or three seeds of one alone say next to nothing.
    """
    replicated = [each for each in scores.values() if len(each.seeds) > 1]
    if not replicated:
        return None
    weights = np.array([len(each.seeds) - 1.0 for each in replicated])
    sd, run_sd = {}, {}
    for group in replicated[0].groups:
        whole = np.array([each.run_scores(group).var(ddof=1) for each in replicated])
        own = np.array([_own_variance(each, group) for each in replicated])
        run_sd[group] = math.sqrt(np.average(whole, weights=weights))
        sd[group] = math.sqrt(max(0.0, np.average(whole - own, weights=weights)))
    return SeedNoise(sd=sd, run_sd=run_sd, df=float(weights.sum()))


def _own_variance(scores: ItemScores, group: str) -> float:
    """The variance of a run's score between seeds if its items varied independently of each other."""
    parts = scores.parts(group)
    each = [float(part.var(axis=0, ddof=1).sum()) / part.shape[1] ** 2 for part in parts]
    return float(sum(each)) / len(parts) ** 2


def in_words(noise: SeedNoise | None, seeds: int) -> str:
    """What intervals and tests of runs with so many seeds do and do not account for."""
    if noise is None:
        return (
            "One run per mixture: run-to-run (seed) noise is not included. Intervals and p-values hold for these"
            " trained models on other items, not for the mixtures trained again."
        )
    source = "as given" if math.isinf(noise.df) else f"estimated from replicate runs with {noise.df:g} df"
    runs = "1 run" if seeds == 1 else f"{seeds} runs"
    return f"{runs} per mixture; intervals and p-values include seed noise ({source}) and the choice of items."
