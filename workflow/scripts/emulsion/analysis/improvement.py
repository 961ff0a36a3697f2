"""How much better one mixture is than others, relative to their score, with an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.analysis.contrast import contrast
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise
from emulsion.analysis.scores import MEAN, ItemScores
from emulsion.errors import UserError


def improvement(
    scores: Mapping[str, ItemScores], candidate: str, references: Sequence[str], noise: SeedNoise | None = None
) -> dict[str, dict[str, Any]]:
    """The candidate's mean capability score over the best and over the mean of the references, less one.

    {"best": {"reference", "candidate", "score", "reference_score", "relative", "interval"}, "mean": likewise,
    its "reference" the list of names}. The interval is that of the ratio's logarithm (delta method). The best reference
    is picked by its score, which favours it: the improvement over it is, if anything, understated. "relative" and
    "interval" are None where a score is next to nothing.
    """
    if not references:
        raise UserError("improvement: no single-source mixture to compare with; is that baseline turned on?")
    noise = noise or estimate_seed_noise(scores)
    best = max(references, key=lambda name: scores[name].score())
    common = {"candidate": candidate, "score": scores[candidate].score()}
    return {
        "best": {"reference": best, **common, **_relative(scores, candidate, [best], noise)},
        "mean": {"reference": list(references), **common, **_relative(scores, candidate, references, noise)},
    }


def _relative(
    scores: Mapping[str, ItemScores], candidate: str, references: Sequence[str], noise: SeedNoise | None
) -> dict[str, Any]:
    score, reference = scores[candidate].score(), float(np.mean([scores[name].score() for name in references]))
    nothing = {"reference_score": reference, "relative": None, "interval": None}
    if min(score, reference) <= 0:
        return nothing
    weight = -1 / (reference * len(references))
    terms = [(1 / score, scores[candidate]), *((weight, scores[name]) for name in references)]
    found = contrast(terms, MEAN, noise)
    half = found.quantile * found.error
    if half > 1 or not found.freedom:  # the logarithm is no straight line so far from its middle
        return nothing
    ratio = score / reference
    return {
        "reference_score": reference,
        "relative": ratio - 1,
        "interval": [ratio * math.exp(-half) - 1, ratio * math.exp(half) - 1],
    }
