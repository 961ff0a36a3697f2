"""How much better one mixture is than others, relative to their score, with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.analysis.compare import Draws
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise
from emulsion.analysis.scores import MEAN, Floats, ItemScores, interval_of, resample_items, stream
from emulsion.errors import UserError


def improvement(
    scores: Mapping[str, ItemScores],
    candidate: str,
    references: Sequence[str],
    noise: SeedNoise | None = None,
    draws: Draws | None = None,
) -> dict[str, dict[str, Any]]:
    """The candidate's mean capability score over the best and over the mean of the references, less one.

    {"best": {"reference", "candidate", "score", "reference_score", "relative", "interval"}, "mean": likewise,
    its "reference" the list of names}. Items are resampled for all at once, seeds' noise drawn for each. The
    best reference is picked by its score, which favours it: the improvement over it is, if anything, understated.
    "relative" and "interval" are None where a reference scores nothing.
    """
    if not references:
        raise UserError("improvement: no single-source mixture to compare with; is that baseline turned on?")
    noise, draws = noise or estimate_seed_noise(scores), draws or Draws()
    best = max(references, key=lambda name: scores[name].score())
    samples = _samples(scores, [candidate, *references], noise, draws)
    own, others = samples[:, 0], samples[:, 1:]
    mean = float(np.mean([scores[name].score() for name in references]))
    score = scores[candidate].score()
    common = {"candidate": candidate, "score": score}
    return {
        "best": {
            "reference": best,
            **common,
            **_relative(score, scores[best].score(), own, others[:, references.index(best)]),
        },
        "mean": {"reference": list(references), **common, **_relative(score, mean, own, others.mean(axis=1))},
    }


def _samples(scores: Mapping[str, ItemScores], names: Sequence[str], noise: SeedNoise | None, draws: Draws) -> Floats:
    """Draws [resamples, names] of mean scores, over items and seeds."""
    rng = stream(draws.seed, "improvement")
    by_mixture = [[part.mean(axis=0) for part in scores[name].parts(MEAN)] for name in names]
    samples = resample_items([np.stack(part, axis=1) for part in zip(*by_mixture, strict=True)], draws.resamples, rng)
    if noise:
        errors = [noise.error(MEAN, len(scores[name].seeds)) for name in names]
        samples = samples + np.stack([error * noise.draws(draws.resamples, rng) for error in errors], axis=1)
    return samples


def _relative(score: float, reference: float, own: Floats, other: Floats) -> dict[str, Any]:
    if reference <= 0 or (other <= 0).any():
        return {"reference_score": reference, "relative": None, "interval": None}
    return {
        "reference_score": reference,
        "relative": score / reference - 1,
        "interval": interval_of(own / other - 1).tolist(),
    }
