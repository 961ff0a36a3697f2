"""Losses on test text, by source and sequence, in the form of item scores; less is better.

The text is the same for all mixtures, so losses are compared sequence by sequence. Runs of one seed start from the same
weights, so they are compared at equal seeds too (`noise`). The mean over sources has their weights, by default equal.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.analysis.compare import compare_pair
from emulsion.analysis.contrast import contrast
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, noise_of_differences
from emulsion.analysis.scores import MEAN, ItemScores, Record, Results, Runs
from emulsion.errors import UserError
from emulsion.perplexity import perplexity

NOTE = "Losses are compared sequence by sequence, at equal seeds."


def loss_scores(runs: Runs, weights: Mapping[str, float] | None = None, where: str = "mixture") -> ItemScores:
    """The losses in the contents of `perplexity.json` by seed; weights: of sources in the mean.

    Raises UserError where there is no run, or two were not evaluated on as many sequences of the same sources.
    """
    if not runs:
        raise UserError(f"{where}: no runs to analyse.")
    table = {seed: record["sources"] for seed, record in sorted(runs.items())}
    sources = list(next(iter(table.values())))
    sizes = {source: len(each["sequence_losses"]) for source, each in next(iter(table.values())).items()}
    for seed, found in table.items():
        if {source: len(each["sequence_losses"]) for source, each in found.items()} != sizes:
            raise UserError(
                f"{where}, seed {seed}: was not evaluated on the same text as the other runs; evaluate them all again."
            )
    values = {source: np.array([each[source]["sequence_losses"] for each in table.values()], float) for source in sizes}
    keys = {source: tuple((source, f"{number:06d}") for number in range(size)) for source, size in sizes.items()}
    chance = dict.fromkeys(sources, None)
    return ItemScores(
        seeds=tuple(table), items=keys, values=values, chance=chance, weights=dict(weights or {}), lower=True
    )


def all_loss_scores(results: Results, weights: Mapping[str, float] | None = None) -> dict[str, ItemScores]:
    """The losses of several mixtures; raises UserError where they are not of the same text."""
    found = {mixture: loss_scores(runs, weights, f"mixture '{mixture}'") for mixture, runs in results.items()}
    first = next(iter(found.values()), None)
    for mixture, each in found.items():
        if first is not None and each.items != first.items:
            raise UserError(
                f"mixture '{mixture}': was not evaluated on the same text as the others; evaluate all of them again."
            )
    return found


def compare_losses(base: ItemScores, others: Mapping[str, ItemScores]) -> dict[str, dict[str, dict[str, Any]]]:
    """{other: {source, or "mean": cell}}: losses of `others` less those of `base`, in nats per token.

    Positive: the base has the lower loss. A cell is {"difference", "interval", "p"}.
    """
    noise = noise_of_differences({"": base, **others})
    return {
        name: {group: compare_pair(each, base, group, noise) for group in base.groups} for name, each in others.items()
    }


def summarise_losses(scores: Mapping[str, ItemScores], results: Results) -> dict[str, dict[str, Any]]:
    """Mean losses with 95 % intervals over text and seeds, by mixture.

    {"mean": cell, "sources": {source: cell}, "seeds"}; a cell has "loss", "interval", "perplexity" (exp of the loss),
    "perplexity_interval" and "bits_per_byte". results: the contents of `perplexity.json` that the scores are of.
    """
    noise = estimate_seed_noise(scores)
    return {mixture: _summary(each, list(results[mixture].values()), noise) for mixture, each in scores.items()}


def _summary(scores: ItemScores, records: Sequence[Record], noise: SeedNoise | None) -> dict[str, Any]:
    bits = {
        source: float(np.mean([record["sources"][source]["bits_per_byte"] for record in records]))
        for source in scores.values
    }
    mean = math.fsum(share * bits[source] for source, share in scores.shares(MEAN).items())
    return {
        "mean": {**_cell(scores, MEAN, noise), "bits_per_byte": mean},
        "sources": {source: {**_cell(scores, source, noise), "bits_per_byte": bits[source]} for source in bits},
        "seeds": list(scores.seeds),
    }


def _cell(scores: ItemScores, group: str, noise: SeedNoise | None) -> dict[str, Any]:
    found = contrast([(1.0, scores)], group, noise)
    low, high = found.interval()
    return {
        "loss": found.value,
        "interval": [low, high],
        "perplexity": perplexity(found.value),
        "perplexity_interval": [perplexity(low), perplexity(high)],
    }
