"""How losses go with downstream scores, over the mixtures of an experiment.

A correlation above zero means that higher losses went with better scores: such a mixture's loss does not foretell what
the model can do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.perplexity import perplexity as perplexity_of
from emulsion.ranks import Correlation, Floats, orders, pairing_p, pearson, spearman
from emulsion.seeds import derive_seed

# Fewer points lie on a line too easily.
FEWEST = 4


@dataclass(frozen=True)
class Point:
    """One run: mean loss and perplexity over sources, and its scores by task, "mean" among them."""

    run: str
    mixture: str
    loss: float
    perplexity: float
    scores: Mapping[str, float]


def point(run: str, mixture: str, perplexity: Mapping[str, Any], downstream: Mapping[str, Any]) -> Point:
    """From the contents of a run's `perplexity.json` and `lm_eval.json`."""
    losses = [source["loss"] for source in perplexity["sources"].values()]
    scores = {task: entry["acc"]["score"] for task, entry in downstream["tasks"].items()}
    mean = {"mean": downstream["mean"]["score"]}
    return Point(
        run, mixture, float(np.mean(losses)), float(np.mean([perplexity_of(loss) for loss in losses])), mean | scores
    )


def correlations(points: Sequence[Point], resamples: int, seed: int) -> dict[str, Any]:
    """Pearson's and Spearman's correlation of losses and perplexities with each score.

    Over mixtures, a mixture being the mean of its seeds, whose runs are alike. Intervals are 95 % bootstraps over
    mixtures, which are too narrow for a handful; so `p` is that of a test that pairs losses and scores at random. Below
    four mixtures nothing is computed.
    """
    tasks = list(points[0].scores)
    if any(list(each.scores) != tasks for each in points):
        raise UserError("downstream: the runs were asked different tasks.")
    mixtures = list(dict.fromkeys(each.mixture for each in points))
    enough = len(mixtures) >= FEWEST
    result: dict[str, Any] = {
        "runs": len(points),
        "mixtures": len(mixtures),
        "note": None if enough else f"too few runs: a correlation needs those of {FEWEST} mixtures or more.",
    }
    for measure in ("loss", "perplexity"):
        values = _by_mixture(points, mixtures, [getattr(each, measure) for each in points])
        result[measure] = {}
        for task in tasks if enough else []:
            scores = _by_mixture(points, mixtures, [each.scores[task] for each in points])
            result[measure][task] = _entry(values, scores, resamples, derive_seed(seed, "downstream", measure, task))
    result["points"] = [asdict(each) for each in points]
    return result


def _by_mixture(points: Sequence[Point], mixtures: list[str], values: list[float]) -> Floats:
    """The mean of each mixture's runs, [mixtures]."""
    pairs = list(zip(points, values, strict=True))
    return np.array([np.mean([value for each, value in pairs if each.mixture == name]) for name in mixtures])


def _entry(x: Floats, y: Floats, resamples: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(x), size=(resamples, len(x)))
    tried = orders(len(x), resamples, rng)
    kinds = {"pearson": pearson, "spearman": spearman}
    return {name: _correlation(function, x, y, draws, tried) for name, function in kinds.items()}


def _correlation(
    function: Correlation,
    x: Floats,
    y: Floats,
    draws: NDArray[np.int64],
    tried: NDArray[np.int64],
) -> dict[str, Any]:
    """A correlation with its interval and p; None where all values of a side are equal, as in some small samples."""
    value = float(function(x, y))
    if not np.isfinite(value):
        return {"value": None, "interval": None, "p": None}
    drawn = function(x[draws], y[draws])
    defined = drawn[np.isfinite(drawn)]
    interval = np.quantile(defined, [0.025, 0.975]).tolist() if 2 * len(defined) > len(drawn) else None
    return {"value": value, "interval": interval, "p": pairing_p(function, x, y, tried)}
