"""One table of scores from several seeds: the form of `capabilities.json`, so that every figure reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion import student
from emulsion.analysis.contrast import contrast
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, in_words
from emulsion.analysis.scores import MEAN, ItemScores, Record, by_number
from emulsion.evaluation.intervals import wilson_interval


def combine(scores: Mapping[str, ItemScores], noise: SeedNoise | None = None) -> dict[str, dict[str, Any]]:
    """Mean scores with 95 % intervals over items and seeds, by mixture.

    Wilson's, of as many independent items as are as sure as what is known: never of width zero.
    noise: estimated from the mixtures themselves unless given. The record of a mixture has the keys of
    `capabilities.json` ("capabilities", "mean") and "seeds", "runs" {seed: {group: score}} and "note".
    """
    noise = noise or estimate_seed_noise(scores)
    return {mixture: _summary(each, noise) for mixture, each in scores.items()}


def summarise(results: Mapping[str, Sequence[Record]]) -> dict[str, dict[str, Any]]:
    """`combine` of the contents of `capabilities.json`: {mixture: one for each seed}."""
    return combine(by_number(results))


def _summary(scores: ItemScores, noise: SeedNoise | None) -> dict[str, Any]:
    cells = {group: _cell(scores, group, noise) for group in scores.groups}
    for name in scores.values:
        cells[name] |= {"items": len(scores.items[name]), "chance": scores.chance[name]}
    runs = {
        str(each): {group: float(scores.run_scores(group)[row]) for group in scores.groups}
        for row, each in enumerate(scores.seeds)
    }
    return {
        "capabilities": {name: cells[name] for name in scores.values},
        "mean": cells[MEAN],
        "seeds": list(scores.seeds),
        "runs": runs,
        "note": in_words(noise, len(scores.seeds)),
    }


def _cell(scores: ItemScores, group: str, noise: SeedNoise | None) -> dict[str, Any]:
    found = contrast([(1.0, scores)], group, noise, bounded=False)
    names = list(scores.shares(group))
    clusters = sum(int(scores.numbers(name).max()) + 1 for name in names)
    items = sum(len(scores.items[name]) for name in names) * len(scores.seeds)
    score = min(max(found.value, 0.0), 1.0)
    binomial = score * (1 - score)
    effective = min(binomial / found.error**2, items) if min(binomial, found.error**2) > 1e-12 else clusters
    quantile = found.quantile if found.freedom > 0 else student.quantile(1)
    return {"score": found.value, "interval": list(wilson_interval(score, max(effective, 1e-3), quantile))}
