"""Seed noise: how much the score of a mixture changes when nothing but the seed of its training does.

Two or three seeds of one mixture say next to nothing of it, so it is pooled over mixtures, where Bartlett's test (1937)
does not show that they differ; where it does, each comparison uses the spread of its own two mixtures (Welch).

Test losses are paired by seed: runs of one seed start from the same weights, so what a seed does to all mixtures alike
is taken out of their differences (two-way analysis of variance, mixtures by seeds).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy

from emulsion.analysis.scores import Floats, ItemScores

# Where spreads differ this significantly, pooling them is not sound.
UNSOUND = 0.05


@dataclass(frozen=True, kw_only=True)
class SeedNoise:
    """The standard deviation of a run's score between seeds, by group ("mean" for the mean of all).

    sd      known from elsewhere: of what all items of a run have in common, which adds to the choice of items
    run_sd  estimated: the whole spread of runs, what items vary by themselves included
    df      degrees of freedom of the estimate
    fewer   {group: degrees of freedom} where these are fewer, as noisier mixtures were left out of the estimate
    apart   groups in which mixtures differ in their noise, so that it is not pooled
    paired  whether it is that of differences at equal seeds, without what a seed does to all mixtures
    """

    sd: Mapping[str, float] = field(default_factory=dict)
    run_sd: Mapping[str, float] = field(default_factory=dict)
    df: float = math.inf
    fewer: Mapping[str, float] = field(default_factory=dict)
    apart: Collection[str] = ()
    paired: bool = False

    def freedom(self, group: str) -> float:
        return self.fewer.get(group, self.df)

    def variance(self, runs: Floats, group: str) -> tuple[float, float]:
        """The variance of the mean of these runs' scores [seeds] that seeds leave, and its degrees of freedom."""
        if group in self.apart and len(runs) > 1:
            return float(runs.var(ddof=1)) / len(runs), len(runs) - 1.0
        spread = self.run_sd.get(group, self.sd.get(group, 0.0))
        return spread**2 / len(runs), self.freedom(group)

    def of_differences(self, runs: Floats, group: str, squares: float) -> tuple[float, float]:
        """What `variance` says of a sum of weight x score at equal seeds [seeds]; squares: sum of squared weights.

        Where mixtures differ in their noise it is the sum's own, but no less than what is pooled: a few runs now and
        then come out close to one another by chance.
        """
        own, least = float(runs.var(ddof=1)), squares * self.run_sd[group] ** 2
        return max(own, least) / len(runs), len(runs) - 1.0 if own > least else self.freedom(group)


def pooled(runs: Sequence[Floats]) -> tuple[float, float, bool]:
    """The standard deviation of scores [seeds] within mixtures, its degrees of freedom, and whether pooling is sound.

    Raises ValueError where no mixture has several runs.
    """
    several = [each for each in runs if len(each) > 1]
    if not several:
        raise ValueError("noise between seeds needs a mixture with several")
    freedom = np.array([len(each) - 1.0 for each in several])
    variances = np.array([each.var(ddof=1) for each in several])
    variance = float(np.average(variances, weights=freedom))
    return math.sqrt(variance), float(freedom.sum()), _bartlett(variances, freedom) >= UNSOUND


def _bartlett(variances: Floats, freedom: Floats) -> float:
    """The p-value of Bartlett's test that these are estimates of one variance."""
    total, count = freedom.sum(), len(freedom)
    mean = float(np.average(variances, weights=freedom))
    if count < 2 or not mean:
        return 1.0
    # Scores are shares of items, so that two or three runs now and then score alike: a small spread, but not zero.
    ratios = np.maximum(variances / mean, 0.01)
    statistic = -(freedom * np.log(ratios)).sum() / (1 + ((1 / freedom).sum() - 1 / total) / (3 * (count - 1)))
    return float(scipy.special.chdtrc(count - 1, statistic))


def estimate_seed_noise(scores: Mapping[str, ItemScores]) -> SeedNoise | None:
    """Seed noise of the mixtures that were trained with several seeds; None where there is none."""
    replicated = [each for each in scores.values() if len(each.seeds) > 1]
    if not replicated:
        return None
    found = {group: pooled([each.run_scores(group) for each in replicated]) for group in replicated[0].groups}
    df = next(iter(found.values()))[1]
    apart = tuple(group for group, (_, _, sound) in found.items() if not sound)
    return SeedNoise(run_sd={group: sd for group, (sd, _, _) in found.items()}, df=df, apart=apart)


def paired_seed_noise(scores: Mapping[str, ItemScores]) -> SeedNoise | None:
    """Seed noise of differences between mixtures at equal seeds; None where no two mixtures share two seeds.

    Its degrees of freedom are (mixtures - 1) x (seeds - 1).
    """
    several = [each for each in scores.values() if len(each.seeds) > 1]
    seeds = [seed for seed in several[0].seeds if all(seed in each.seeds for each in several)] if several else []
    if len(several) < 2 or len(seeds) < 2:
        return None
    tables = {group: np.stack([each.only(seeds).run_scores(group) for each in several]) for group in several[0].groups}
    return paired_noise(tables)


def paired_noise(tables: Mapping[str, Floats]) -> SeedNoise:
    """Seed noise of differences at equal seeds; tables: {group: scores of runs [mixtures, seeds]}."""
    found = {group: within(table) for group, table in tables.items()}
    df = max(each for _, each, _ in found.values())
    return SeedNoise(
        run_sd={group: sd for group, (sd, _, _) in found.items()},
        df=df,
        fewer={group: each for group, (_, each, _) in found.items() if each < df},
        apart=tuple(group for group, (_, _, sound) in found.items() if not sound),
        paired=True,
    )


def noise_of_differences(scores: Mapping[str, ItemScores]) -> SeedNoise | None:
    """Seed noise for comparing these mixtures: of losses paired by seed where that can be, else as estimated."""
    paired = paired_seed_noise(scores) if any(each.lower for each in scores.values()) else None
    return paired or estimate_seed_noise(scores)


def within(table: Floats) -> tuple[float, float, bool]:
    """The standard deviation of runs [mixtures, seeds] about what their mixture and their seed make of them.

    With its degrees of freedom, and whether pooling it over mixtures is sound. Of mixtures that are noisier than the
    others together (`_odd_one`) it has nothing.
    """
    alike = _alike(table)
    mixtures, seeds = alike.shape
    freedom = np.full(mixtures, (1 - 1 / mixtures) * (seeds - 1))
    variances = (_residuals(alike) ** 2).sum(axis=1) / freedom
    sound = len(alike) == len(table) and 2 * _bartlett(variances, freedom) >= UNSOUND
    return math.sqrt(float(variances.mean())), float(freedom.sum()), sound


def _alike(table: Floats) -> Floats:
    """The runs of mixtures that are not told apart in their noise, at half the level: Bartlett's test has the rest."""
    while True:
        p, noisiest = _odd_one(table)
        if 2 * p >= UNSOUND:
            return table
        table = np.delete(table, noisiest, axis=0)


def _residuals(table: Floats) -> Floats:
    """What runs [mixtures, seeds] have beyond what their mixture and their seed make of them."""
    return np.asarray(table - table.mean(axis=1, keepdims=True) - table.mean(axis=0, keepdims=True) + table.mean())


def _odd_one(table: Floats) -> tuple[float, int]:
    """The p-value, by Bonferroni, of the test that no mixture is noisier than the others together; and which one is.

    Bartlett's test does not see one run that went wrong: through the mean of its seed it is in the residuals of all
    mixtures. Left out, its mixture leaves none of it. What each adds to the sum of squares of the others is
    independent of that, so that their ratio is F.
    """
    mixtures, seeds = table.shape
    freedom = (mixtures - 2) * (seeds - 1)
    if not freedom:
        return 1.0, 0
    whole = float((_residuals(table) ** 2).sum())
    others = np.array([(_residuals(np.delete(table, n, axis=0)) ** 2).sum() for n in range(mixtures)])
    noisiest = int(others.argmin())
    least = float(others[noisiest])
    if not least:
        return (0.0 if whole else 1.0), noisiest
    ratio = (whole - least) / (seeds - 1) / (least / freedom)
    return float(min(1.0, mixtures * scipy.special.fdtrc(seeds - 1, freedom, ratio))), noisiest


def in_words(noise: SeedNoise | None, seeds: int, items: str = "items") -> str:
    """What intervals and tests over `seeds` seeds account for, and what not; items: what was chosen to ask."""
    if noise is None:
        return (
            "One run per mixture: run-to-run (seed) noise is not included. Intervals and p-values hold for these"
            f" trained models on other {items}, not for the mixtures trained again."
        )
    source = "as given" if math.isinf(noise.df) else f"estimated from replicate runs with {noise.df:g} df"
    runs = "1 run" if seeds == 1 else f"{seeds} runs"
    text = f"{runs} per mixture; intervals and p-values include seed noise ({source}) and the choice of {items}."
    text += " Mixtures are compared at equal seeds." if noise.paired else ""
    if noise.apart:
        text += f" Mixtures differ in their noise ({', '.join(noise.apart)}), so there each pair has its own."
    return text
