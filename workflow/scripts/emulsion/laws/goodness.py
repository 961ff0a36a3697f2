"""How well a law predicts, and how well any law could: errors, R2, and the R2 that noise between seeds allows.

Losses are [n, g], nats per token. A group whose losses do not vary has no R2: NaN here, null in files, out of means.

The ceiling is the R2 that the true function would reach in expectation. Of the total sum of squares S of n losses
it leaves unexplained n times the variance of noise, so the ceiling is 1 - n s^2 / S with s^2 estimated from seeds.
A fitted law follows some of the noise with its parameters, so it may end a little above. In simulations the ceiling
is right to .003 where it is .9 or more; with 9 losses a fit and 2 seeds it is .02 too low at .55, and more below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.laws.table import Floats

_CONSTANT = 1e-9  # a range of losses below this share of their size is rounding


def mse(values: Floats, predicted: Floats) -> Floats:
    """Mean squared error [g], nats squared."""
    return np.asarray(((values - predicted) ** 2).mean(axis=0))


def r2(values: Floats, predicted: Floats) -> Floats:
    """Coefficient of determination [g] about the mean of the values themselves; NaN where they do not vary."""
    return 1 - len(values) * mse(values, predicted) / total_squares(values)


def total_squares(values: Floats) -> Floats:
    """Sum of squares [g] about the mean; NaN where values do not vary beyond rounding."""
    flat = np.ptp(values, axis=0) <= _CONSTANT * np.abs(values).max(axis=0)
    return np.where(flat, np.nan, ((values - values.mean(axis=0)) ** 2).sum(axis=0))


def ceiling(values: Floats, variance: Floats) -> Floats:
    """The R2 [g] that the true function would reach on the values, noise of this variance [g] included; at most 1."""
    return np.asarray(np.minimum(1 - len(values) * variance / total_squares(values), 1.0))


def within(values: Floats, points: Sequence[str]) -> tuple[Floats, int]:
    """Sum of squares [g] of runs about the mean of their point, and its degrees of freedom: all that a seed does."""
    return _residual(values, _indicators(points))


def interaction(values: Floats, seeds: Sequence[Any], points: Sequence[str]) -> tuple[Floats, int]:
    """Sum of squares [g] of the two-way layout seed + point, and its degrees of freedom.

    What a seed does to all points alike is not noise here: it is for laws fitted to each seed by itself. Layouts
    with holes are allowed.
    """
    return _residual(values, np.column_stack([_indicators(seeds), _indicators(points)]))


def known_mean(values: Floats, axis: int | None = None) -> Floats:
    """The mean of what is not NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def number(value: Any) -> float | None:
    """A number as files hold it: None where it is None or NaN."""
    return None if value is None or np.isnan(value) else float(value)


def by_group(groups: Sequence[str], **measures: Floats) -> dict[str, Any]:
    """{"groups": {group: {measure: x}}, "mean": {measure: mean over groups}} from arrays [g]."""
    each = {g: {name: number(values[i]) for name, values in measures.items()} for i, g in enumerate(groups)}
    return {"groups": each, "mean": {name: number(known_mean(values)) for name, values in measures.items()}}


def noise(groups: Sequence[str], squares: Floats, freedom: int, samples: Sequence[Floats]) -> dict[str, Any]:
    """{"groups": {group: {"sd", "ceiling"}}, "mean": {"ceiling"}}, all null without degrees of freedom.

    squares, freedom  sum of squares [g] of the noise, and its degrees of freedom
    samples           losses [n, g] of each fit; the ceiling is averaged over them, as R2 is
    """
    nothing = np.full(len(groups), np.nan)
    variance = squares / freedom if freedom > 0 else nothing
    ceilings = known_mean(np.array([ceiling(values, variance) for values in samples]), axis=0)
    found = by_group(groups, sd=np.sqrt(variance), ceiling=ceilings)
    return {"groups": found["groups"], "mean": {"ceiling": found["mean"]["ceiling"]}}


def mean_of(cells: Sequence[Mapping[str, float | None] | None], keys: Sequence[str]) -> dict[str, float | None]:
    """The mean of each key over the cells that have a number for it; None where none has."""
    found = {}
    for key in keys:
        values = [np.nan if cell is None or cell.get(key) is None else cell[key] for cell in cells]
        found[key] = number(known_mean(np.array(values, dtype=np.float64)))
    return found


def _indicators(labels: Sequence[Any]) -> Floats:
    _, index = np.unique([str(label) for label in labels], return_inverse=True)
    return np.eye(int(index.max()) + 1)[index]


def _residual(values: Floats, design: Floats) -> tuple[Floats, int]:
    found, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    return ((values - design @ found) ** 2).sum(axis=0), len(values) - int(rank)
