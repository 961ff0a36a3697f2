"""How much better one mixture is than others, relative to their score, with an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.analysis.contrast import contrast
from emulsion.analysis.noise import SeedNoise, noise_of_differences
from emulsion.analysis.scores import MEAN, ItemScores
from emulsion.errors import UserError

# Nats: an interval of a loss as wide as this says nothing of a ratio of perplexities.
_WIDE = 20.0


def improvement(
    scores: Mapping[str, ItemScores], candidate: str, references: Sequence[str], noise: SeedNoise | None = None
) -> dict[str, dict[str, Any]]:
    """The candidate's mean capability score over the best and over the mean of the references, less one; of losses
    the perplexity.

    {"best": {"reference", "candidate", "score", "reference_score", "relative", "interval"}, "mean": likewise,
    its "reference" the list of names}. The interval is that of the ratio's logarithm (delta method). The best reference
    is picked by its score, which favours it: the improvement over it is, if anything, understated. "relative" and
    "interval" are None where a score is next to nothing. Of losses, "score" and "reference_score" are losses, and
    "relative" is the perplexity, exp of the loss, over that of the reference, less one: below 0 is better.
    """
    if not references:
        raise UserError("improvement: no single-source mixture to compare with; is that baseline turned on?")
    lower = scores[candidate].lower
    noise = noise or noise_of_differences(scores)
    best = min(references, key=lambda name: scores[name].score() * (1 if lower else -1))
    common = {"candidate": candidate, "score": scores[candidate].score()}
    relative = _relative_perplexity if lower else _relative
    return {
        "best": {"reference": best, **common, **relative(scores, candidate, [best], noise)},
        "mean": {"reference": list(references), **common, **relative(scores, candidate, references, noise)},
    }


def _relative_perplexity(
    scores: Mapping[str, ItemScores], candidate: str, references: Sequence[str], noise: SeedNoise | None
) -> dict[str, Any]:
    """The ratio of perplexities is exp of a difference of losses, whose interval is known."""
    terms = [(1.0, scores[candidate]), *((-1 / len(references), scores[name]) for name in references)]
    found = contrast(terms, MEAN, noise)
    low, high = found.interval()
    reference = float(np.mean([scores[name].score() for name in references]))
    sure = found.freedom > 0 and high - low < _WIDE
    return {
        "reference_score": reference,
        "relative": math.expm1(found.value) if sure else None,
        "interval": [math.expm1(low), math.expm1(high)] if sure else None,
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
