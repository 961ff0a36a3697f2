"""A Gaussian process on log(p + eps), one length per source: the law with the best ranks on RegMix's published sweep.

Hyperparameters are fitted to at most `_SUBSAMPLE` runs, as their cost grows with the cube of the runs; the process
itself then rests on all of them. Values that are all positive, as losses are, are modelled by their logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, Self

import numpy as np
import scipy

from emulsion import student
from emulsion.errors import UserError
from emulsion.laws.kernel import Inputs, covariance, fit_hyperparameters, noisy_covariance, prior_mean, slopes, variance
from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.table import Floats, as_rows, parts, read_table, shuffled
from emulsion.student import LEVEL

# Shares far below this are alike to the process; a source's effect is about logarithmic above it.
EPS = 1e-3
_SUBSAMPLE, _STEPS = 192, 80
# Cross-validation fits hyperparameters anew in each fold, else its errors are too small where runs are few.
LEAST_RUNS = 4
_FOLDS, _FOLD_SUBSAMPLE, _FOLD_STEPS = 5, 128, 40
_POOLED = 10  # runs that the calibration of all groups counts for in that of one


@dataclass(frozen=True)
class GaussianLaw(FittedLaw):
    """One process per group, over the same runs.

    mixtures, values  [n, m] and [n, g]: the runs it rests on
    theta             [h, g, m + 3]: logarithms of the lengths, signal, slope and noise, in standardised units; of h
                      processes that are averaged, as few runs leave hyperparameters uncertain
    logged            whether the logarithms of the values are modelled
    scale             [g]: factors of standard deviations with which intervals hold for runs that were left out
    """

    kind: ClassVar[str] = "gaussian_process"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    mixtures: Floats
    values: Floats
    theta: Floats
    logged: bool
    scale: Floats

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m]."""
        points = self._inputs(as_rows(mixtures, self.sources))
        return self._restored(self._means(points).mean(axis=0))

    def gradient(self, mixtures: Any) -> Floats:
        """Derivatives [k, g, m] of the values by shares, as if they did not have to sum to one."""
        rows = as_rows(mixtures, self.sources)
        points, (_, sd, _, wide) = self._inputs(rows), self._spread
        by_share = np.zeros((len(rows), len(self.groups), len(self.sources)))
        for process, solutions in zip(self.theta, self._solutions, strict=True):
            for group, (theta, alpha) in enumerate(zip(process, solutions, strict=True)):
                curved, straight = slopes(theta, points, self._points, alpha)
                by_share[:, group] += (curved / (sd * (rows + EPS)) + straight[1:] / wide) / len(self.theta)
        by_share *= self._units[1][:, None]
        return np.asarray(by_share * self.predict(rows)[:, :, None] if self.logged else by_share)

    def function_sd(self, mixtures: Any) -> Floats:
        """The standard deviations [k, g] of the function; a new run has its noise on top."""
        mean, variances, _ = self._outlook(self._inputs(as_rows(mixtures, self.sources)))
        sd = self._units[1] * np.sqrt(variances)
        return np.asarray(sd * self._restored(mean) if self.logged else sd)

    def interval(self, mixtures: Any, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Where the values of a new run lie with probability `level`: lower and upper ends [k, g]."""
        mean, variances, noise = self._outlook(self._inputs(as_rows(mixtures, self.sources)))
        half = student.quantile(len(self.values), level) * self.scale * np.sqrt(variances + noise)
        return self._restored(mean - half), self._restored(mean + half)

    def parameters(self) -> dict[str, Any]:
        """Logarithms of the hyperparameters, by group and by source; and the runs, without which they say nothing."""
        m = len(self.sources)
        return {
            "log_lengths": by_name(np.moveaxis(self.theta[..., :m], 0, -1), self.groups, self.sources),
            "log_signal_slope_noise": by_name(np.moveaxis(self.theta[..., m:], 0, -1), self.groups),
            "logged": self.logged,
            "scale": by_name(self.scale, self.groups),
            "mixtures": by_name(self.mixtures.T, self.sources),
            "values": by_name(self.values.T, self.groups),
        }

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        lengths = from_names(law["log_lengths"], groups, sources)
        theta = np.concatenate([lengths, from_names(law["log_signal_slope_noise"], groups)], axis=1)
        theta = np.ascontiguousarray(np.moveaxis(theta, -1, 0))
        runs = from_names(law["mixtures"], sources).T, from_names(law["values"], groups).T
        return cls(sources, groups, *runs, theta, law["logged"], from_names(law["scale"], groups))

    @cached_property
    def _units(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation [g] of what is modelled."""
        return _moments(np.log(self.values) if self.logged else self.values)

    @cached_property
    def _outputs(self) -> Floats:
        mean, sd = self._units
        return np.asarray(((np.log(self.values) if self.logged else self.values) - mean) / sd)

    def _restored(self, outputs: Floats) -> Floats:
        mean, sd = self._units
        return np.asarray(np.exp(mean + sd * outputs) if self.logged else mean + sd * outputs)

    def _inputs(self, rows: Floats) -> Inputs:
        """Inputs in units of the runs' spread; the linear part's have a variance of one over all sources together."""
        mean, sd, centre, wide = self._spread
        straight = np.column_stack([np.ones(len(rows)), (rows - centre) / wide])
        return Inputs((np.log(rows + EPS) - mean) / sd, straight)

    @cached_property
    def _spread(self) -> tuple[Floats, Floats, Floats, float]:
        """Mean and standard deviation [m] of the curved inputs, the runs' mean mixture [m], and how wide they lie."""
        wide = np.sqrt(max(float(self.mixtures.var(axis=0).sum()), 1e-12))
        return *_moments(np.log(self.mixtures + EPS)), self.mixtures.mean(axis=0), float(wide)

    @cached_property
    def _points(self) -> Inputs:
        return self._inputs(self.mixtures)

    @cached_property
    def _solutions(self) -> Floats:
        """Of each process and group the inverse of the runs' covariance times the outputs: [h, g, n]."""
        solved = [
            [
                scipy.linalg.cho_solve((self._factor(theta), True), y)
                for theta, y in zip(process, self._outputs.T, strict=True)
            ]
            for process in self.theta
        ]
        return np.array(solved)

    def _factor(self, theta: Floats) -> Floats:
        return np.asarray(scipy.linalg.cholesky(noisy_covariance(theta, self._points), lower=True))

    def _means(self, points: Inputs) -> Floats:
        """Outputs [h, k, g] of each process."""
        means = [
            [covariance(theta, points, self._points) @ alpha for theta, alpha in zip(process, solutions, strict=True)]
            for process, solutions in zip(self.theta, self._solutions, strict=True)
        ]
        return np.moveaxis(np.array(means), 1, -1)

    def _outlook(self, points: Inputs) -> tuple[Floats, Floats, Floats]:
        """Mean [k, g] of the outputs, variance [k, g] of the function, processes disagreeing included; noise [g]."""
        means = self._means(points)
        known = np.array([[self._variance(theta, points) for theta in process] for process in self.theta])
        variances = np.moveaxis(known, 1, -1).mean(axis=0) + means.var(axis=0)
        return means.mean(axis=0), variances, np.exp(2 * self.theta[:, :, -1]).mean(axis=0)

    def _variance(self, theta: Floats, points: Inputs) -> Floats:
        known = scipy.linalg.solve_triangular(
            self._factor(theta), covariance(theta, points, self._points).T, lower=True
        )
        return np.asarray(np.maximum(variance(theta, points) - (known**2).sum(axis=0), 0.0))


def fit_gaussian_law(
    mixtures: Any,
    values: Any,
    *,
    start: Floats | None = None,
    logged: bool | None = None,
    runs: int = _SUBSAMPLE,
    steps: int = _STEPS,
) -> GaussianLaw:
    """Fit one process per group to values [n, g], hyperparameters at the greatest posterior density.

    start   `theta` of a fit to nearly the same runs, from which to go on
    logged  whether to model the logarithms of the values; None where all are positive
    runs    to which hyperparameters are fitted at most; `steps` of that search
    """
    table = read_table(mixtures, values)
    m, g = len(table.sources), len(table.groups)
    begin = np.tile(prior_mean(m), (1, g, 1)) if start is None else np.asarray(start)[:1]
    logged = bool(table.values.min() > 0) if logged is None else logged
    law = GaussianLaw(table.sources, table.groups, table.mixtures, table.values, begin, logged, np.ones(g))
    few = shuffled(table.mixtures, table.values)[:runs]
    points, outputs = law._points.rows(few), law._outputs[few].T
    theta = [fit_hyperparameters(points, y, at, steps) for y, at in zip(outputs, begin[0], strict=True)]
    return replace(law, theta=np.array([theta]))


def fit_calibrated_law(mixtures: Any, values: Any) -> GaussianLaw:
    """Fit one process per group to values [n, g], with intervals that hold on runs left out."""
    return calibrate(fit_gaussian_law(mixtures, values))[0]


def calibrate(law: GaussianLaw) -> tuple[GaussianLaw, Floats]:
    """The law as it is averaged with those of each fold, and what it predicts [n, g] for runs left out.

    Intervals are scaled to hold on runs left out. A fold's process has the fold's hyperparameters and all runs.

    Raises UserError where runs are too few to leave some out.
    """
    if len(law.values) < LEAST_RUNS:
        raise UserError(f"law: {len(law.values)} runs are too few to leave some out; at least {LEAST_RUNS} are needed.")
    predicted, scores, theta = np.empty_like(law.values), np.empty_like(law.values), [law.theta]
    refit = partial(fit_gaussian_law, logged=law.logged, runs=_FOLD_SUBSAMPLE, steps=_FOLD_STEPS)
    for out in parts(law.mixtures, law.values, _FOLDS):
        fold = refit(law.mixtures[~out], law.values[~out])
        mean, variances, noise = fold._outlook(fold._inputs(law.mixtures[out]))
        truth = np.log(law.values[out]) if fold.logged else law.values[out]
        scores[out] = ((truth - fold._units[0]) / fold._units[1] - mean) / np.sqrt(variances + noise)
        predicted[out] = fold._restored(mean)
        theta.append(fold.theta)
    n = len(law.values)
    half = student.quantile(n)
    own, pooled = np.quantile(np.abs(scores), LEVEL, axis=0) / half, np.quantile(np.abs(scores), LEVEL) / half
    scale = (n * own + _POOLED * pooled) / (n + _POOLED)
    return replace(law, theta=np.concatenate(theta), scale=scale), predicted


def _moments(table: Floats) -> tuple[Floats, Floats]:
    """Mean and standard deviation [k] of columns; a column that hardly varies is not blown up."""
    least = 1e-9 * (1 + np.abs(table).max(axis=0))
    return table.mean(axis=0), np.maximum(table.std(axis=0), least)
