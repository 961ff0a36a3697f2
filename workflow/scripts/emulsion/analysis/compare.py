"""Paired comparisons of mixtures: the same items and the same seeds, tested by permutation, corrected by Holm.

The null hypothesis is that a mixture makes no difference. What is left by chance is of two kinds: an item's
answers, which sign flips over items stand for, and the seed of a training, which moves all items of a run
together. Flipping two or three seeds could never give a p-value below 0.25, so the second is added to the
flips as draws from Student's t, its spread pooled over mixtures (`noise`). As that spread may be
underestimated, a difference must also pass the t-test whose unit is the run: p is the larger of the two, the
interval the wider. With one seed and no estimate of its noise the test is the plain one over items: valid for
the trained models, silent on the mixtures; the result says so. Winners are declared from these tests in `decide`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t as student_t

from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, in_words
from emulsion.analysis.permutation import PERMUTATIONS, enough_permutations, holm, sign_flip_p
from emulsion.analysis.scores import LEVEL, MEAN, RESAMPLES, Floats, ItemScores, interval_of, resample_items, stream
from emulsion.errors import UserError

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Draws:
    """How many random draws the tests make, and of which stream."""

    permutations: int = PERMUTATIONS
    resamples: int = RESAMPLES
    seed: int = 0


def compare(a: ItemScores, b: ItemScores, noise: SeedNoise | None = None, draws: Draws | None = None) -> dict[str, Any]:
    """The difference a - b: {"mean": cell, "capabilities": {capability: cell}, "seeds", "note"}.

    A cell is {"difference", "interval", "p"}: p uncorrected, the interval of 95 %. noise: estimated from
    these two unless given; pass one pooled over more mixtures where there is one.
    """
    noise = noise or estimate_seed_noise({"a": a, "b": b})
    cells = {group: compare_pairs([(a, b)], group, noise, draws)[0] for group in a.groups}
    seeds = common_seeds(a, b)
    capabilities = {group: cell for group, cell in cells.items() if group != MEAN}
    note = in_words(noise, len(seeds))
    return {"mean": cells[MEAN], "capabilities": capabilities, "seeds": seeds, "note": note}


def compare_pairs(
    pairs: Sequence[tuple[ItemScores, ItemScores]],
    group: str = MEAN,
    noise: SeedNoise | None = None,
    draws: Draws | None = None,
    intervals: bool = True,
) -> list[dict[str, Any]]:
    """The cells of several pairs on one group of items; noise None leaves seed noise out."""
    draws = draws or Draws()
    parts, seeds = _differences(pairs, group)
    difference = np.mean([part.mean(axis=0) for part in parts], axis=0)
    chance = _Chance(noise, group, seeds)
    p = np.maximum(_p_values(parts, chance, draws), chance.run_p(difference))
    cells: list[dict[str, Any]] = [
        {"difference": float(d), "p": float(each)} for d, each in zip(difference, p, strict=True)
    ]
    if intervals:
        bounds = _intervals(parts, difference, chance, draws)
        cells = [{**cell, "interval": bound.tolist()} for cell, bound in zip(cells, bounds, strict=True)]
    return cells


def pairwise(
    scores: Mapping[str, ItemScores],
    group: str = MEAN,
    noise: SeedNoise | None = None,
    alpha: float = ALPHA,
    draws: Draws | None = None,
) -> list[dict[str, Any]]:
    """All pairs of mixtures: rows {"a", "b", "difference", "interval", "p", "p_holm", "verdict"}.

    The family that Holm's correction covers is all rows. verdict: "a is better", "b is better" or "no
    significant difference".
    """
    names = list(scores)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if not pairs:
        return []
    noise, draws = noise or estimate_seed_noise(scores), enough_draws(draws, len(pairs), alpha)
    cells = compare_pairs([(scores[a], scores[b]) for a, b in pairs], group, noise, draws)
    adjusted = holm([cell["p"] for cell in cells])
    return [
        {"a": a, "b": b, **cell, "p_holm": float(p), "verdict": _verdict(cell, p, alpha)}
        for (a, b), cell, p in zip(pairs, cells, adjusted, strict=True)
    ]


def common_seeds(a: ItemScores, b: ItemScores) -> list[int]:
    """The seeds both were trained with; raises UserError where there is none."""
    seeds = [seed for seed in a.seeds if seed in b.seeds]
    if not seeds:
        raise UserError(f"runs with seeds {list(a.seeds)} and {list(b.seeds)} share none; train both with one of them.")
    return seeds


def significant(cell: Mapping[str, Any]) -> bool:
    """Whether the interval, where there is one, lies to one side of zero; a p-value alone is not enough."""
    low, high = cell.get("interval") or [cell["difference"]] * 2
    return bool(low > 0 or high < 0)


def listing(names: Sequence[str]) -> str:
    """'A', 'A and B', 'A, B and C'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def enough_draws(draws: Draws | None, comparisons: int, alpha: float) -> Draws:
    """The draws, with permutations enough for a p-value to survive the correction for so many comparisons."""
    draws = draws or Draws()
    count = enough_permutations(comparisons, alpha, draws.permutations)
    return Draws(permutations=count, resamples=draws.resamples, seed=draws.seed)


def _differences(pairs: Sequence[tuple[ItemScores, ItemScores]], group: str) -> tuple[list[Floats], list[int]]:
    """Per part of the group the differences' means over common seeds [items, pairs]; and the seeds of each pair."""
    seeds = [common_seeds(a, b) for a, b in pairs]
    columns = [
        [(x - y).mean(axis=0) for x, y in zip(a.only(which).parts(group), b.only(which).parts(group), strict=True)]
        for (a, b), which in zip(pairs, seeds, strict=True)
    ]
    return [np.stack(part, axis=1) for part in zip(*columns, strict=True)], [len(which) for which in seeds]


class _Chance:
    """What seeds add by chance to the differences of pairs on one group of items."""

    def __init__(self, noise: SeedNoise | None, group: str, seeds: Sequence[int]) -> None:
        self.noise, self.group = noise, group
        # A difference of two means over the same number of seeds.
        self.errors = np.array([noise.error(group, each) if noise else 0.0 for each in seeds]) * math.sqrt(2)
        self.run_errors = np.array([noise.run_error(group, each) if noise else 0.0 for each in seeds]) * math.sqrt(2)

    def draws(self, count: int, rng: np.random.Generator) -> Floats | None:
        """Draws [count, pairs] of seed noise, None where there is none."""
        return self.noise.draws(count, rng)[:, None] * self.errors if self.noise and self.errors.any() else None

    def run_p(self, difference: Floats) -> Floats:
        """p-values [pairs] of the t-test whose unit is the run; 0 where the spread of runs is not known."""
        if self.noise is None or not self.run_errors.any():
            return np.zeros(len(difference))
        p: Floats = 2 * student_t.sf(np.abs(difference) / self.run_errors, self.noise.df)
        return p

    def half_width(self) -> Floats:
        """Half the width [pairs] of that test's 95 % interval."""
        if self.noise is None or not self.run_errors.any():
            return np.zeros(len(self.errors))
        half: Floats = self.run_errors * student_t.ppf((1 + LEVEL) / 2, self.noise.df)
        return half


def _p_values(parts: list[Floats], chance: _Chance, draws: Draws) -> Floats:
    rng = stream(draws.seed, "permutation", chance.group)
    weights = np.concatenate([np.full(len(part), 1 / (len(parts) * len(part))) for part in parts])
    extra = chance.draws(draws.permutations, rng)
    return sign_flip_p(np.concatenate(parts), weights, draws.permutations, rng, extra)


def _intervals(parts: list[Floats], difference: Floats, chance: _Chance, draws: Draws) -> Floats:
    """The bounds [pairs, 2] of the wider of the two intervals."""
    rng = stream(draws.seed, "difference", chance.group)
    samples = resample_items(parts, draws.resamples, rng)
    extra = chance.draws(draws.resamples, rng)
    low, high = interval_of(samples if extra is None else samples + extra)
    half = chance.half_width()
    return np.stack([np.minimum(low, difference - half), np.maximum(high, difference + half)], axis=1)


def _verdict(cell: Mapping[str, Any], p: float, alpha: float) -> str:
    if p >= alpha or not significant(cell):
        return "no significant difference"
    return "a is better" if cell["difference"] > 0 else "b is better"
