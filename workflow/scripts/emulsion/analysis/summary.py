"""One table of scores from several seeds: the form of `capabilities.json`, so that every figure reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, in_words
from emulsion.analysis.scores import (
    MEAN,
    RESAMPLES,
    ItemScores,
    Record,
    by_number,
    interval_of,
    resample_items,
    stream,
)


def combine(
    scores: Mapping[str, ItemScores], noise: SeedNoise | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Mean scores with 95 % intervals over items and seeds, by mixture.

    noise: pooled from the mixtures themselves unless given. The record of a mixture has the keys of
    `capabilities.json` ("capabilities", "mean") and "seeds", "runs" {seed: {group: score}} and "note".
    """
    noise = noise or estimate_seed_noise(scores)
    return {mixture: _summary(each, noise, resamples, seed) for mixture, each in scores.items()}


def summarise(results: Mapping[str, Sequence[Record]]) -> dict[str, dict[str, Any]]:
    """`combine` of the contents of `capabilities.json`: {mixture: one for each seed}."""
    return combine(by_number(results))


def _summary(scores: ItemScores, noise: SeedNoise | None, resamples: int, seed: int) -> dict[str, Any]:
    # The same stream for every mixture: equal scores get equal intervals, and order does not matter.
    cells = {group: _cell(scores, group, noise, resamples, seed) for group in scores.groups}
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


def _cell(scores: ItemScores, group: str, noise: SeedNoise | None, resamples: int, seed: int) -> dict[str, Any]:
    rng = stream(seed, "score", group)
    draws = resample_items([part.mean(axis=0)[:, None] for part in scores.parts(group)], resamples, rng)[:, 0]
    if noise:
        draws = draws + noise.error(group, len(scores.seeds)) * noise.draws(resamples, rng)
    bounds = np.clip(interval_of(draws), 0, 1)  # a share of items
    return {"score": scores.score(group), "interval": bounds.tolist()}
