"""How losses go with downstream scores, over the mixtures of an experiment.

A correlation above zero means that higher losses went with better scores: such a mixture's loss does not foretell what
the model can do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from emulsion.errors import UserError
from emulsion.seeds import derive_seed

Floats = NDArray[np.float64]

# Fewer points lie on a line too easily.
FEWEST = 4

# Up to so many mixtures all orders are tried: 5,040.
_ALL_ORDERS = 7


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
    return Point(run, mixture, float(np.mean(losses)), float(np.mean(np.exp(losses))), mean | scores)


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


def pearson(x: Floats, y: Floats) -> Floats:
    """Of values along the last axis, [..., n] -> [...]; NaN where either side has no spread."""
    left, right = (side - side.mean(axis=-1, keepdims=True) for side in (x, y))
    scale = np.sqrt((left**2).sum(axis=-1) * (right**2).sum(axis=-1))
    # Equal values leave differences of rounding, which are no spread.
    spread = (np.ptp(x, axis=-1) > 0) & (np.ptp(y, axis=-1) > 0) & (scale > 0)
    together = (left * right).sum(axis=-1)
    return np.clip(np.where(spread, together / np.where(spread, scale, 1), np.nan), -1, 1)


def spearman(x: Floats, y: Floats) -> Floats:
    """Of values along the last axis: Pearson's correlation of their ranks, equal values sharing one."""
    return pearson(rankdata(x, axis=-1), rankdata(y, axis=-1))


def _by_mixture(points: Sequence[Point], mixtures: list[str], values: list[float]) -> Floats:
    """The mean of each mixture's runs, [mixtures]."""
    pairs = list(zip(points, values, strict=True))
    return np.array([np.mean([value for each, value in pairs if each.mixture == name]) for name in mixtures])


def _entry(x: Floats, y: Floats, resamples: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    draws = rng.integers(len(x), size=(resamples, len(x)))
    orders = _orders(len(x), resamples, rng)
    kinds = {"pearson": pearson, "spearman": spearman}
    return {name: _correlation(function, x, y, draws, orders) for name, function in kinds.items()}


def _orders(count: int, resamples: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Orders of the mixtures [orders, count], the one there is first; all of them where they are few."""
    if count <= _ALL_ORDERS:
        return np.array(list(permutations(range(count))))
    own = np.arange(count)
    return np.vstack([own, rng.permuted(np.tile(own, (resamples, 1)), axis=1)])


def _correlation(
    function: Callable[[Floats, Floats], Floats],
    x: Floats,
    y: Floats,
    draws: NDArray[np.int64],
    orders: NDArray[np.int64],
) -> dict[str, Any]:
    """A correlation with its interval and p; None where all values of a side are equal, as in some small samples."""
    value = float(function(x, y))
    if not np.isfinite(value):
        return {"value": None, "interval": None, "p": None}
    drawn = function(x[draws], y[draws])
    defined = drawn[np.isfinite(drawn)]
    interval = np.quantile(defined, [0.025, 0.975]).tolist() if 2 * len(defined) > len(drawn) else None
    paired = function(np.broadcast_to(x, orders.shape), y[orders])
    # What rounding alone tells apart is as far from zero.
    return {"value": value, "interval": interval, "p": float(np.mean(np.abs(paired) >= abs(value) - 1e-9))}
