"""Surrogates: cheap stand-ins for a training, fitted to the proxies' scores, each judged by leaving runs out.

The log-linear law is fitted to each component of the objective and the predictions are added up, which uses what
the sum hides; the others are fitted to the score itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.boosting import fit_boosted_law
from emulsion.laws.gaussian import GaussianLaw, fit_gaussian_law
from emulsion.laws.interface import Law
from emulsion.laws.linear import fit_linear_law
from emulsion.laws.static import StaticLaw, choose_ridge, fit_static_law, fit_weighted, leave_one_out, refit_weighted
from emulsion.laws.table import Floats, Table

# Beyond this many runs, fits that are slow leave out a part of the runs at a time.
_FOLDS = 60


@dataclass(frozen=True)
class Runs:
    """What surrogates learn from: mixtures [n, m], costs [n, g] of the objective's components, weights [g]."""

    sources: tuple[str, ...]
    mixtures: Floats
    costs: Floats
    weights: Floats

    @cached_property
    def scores(self) -> Floats:
        """The objective [n], larger is better."""
        return np.asarray(-self.costs @ self.weights)


class Surrogate(Protocol):
    """A fitted stand-in for the objective."""

    name: str
    left_out: Floats  # [n]: each run's score as predicted without that run

    def predict(self, rows: Floats) -> Floats:
        """Scores [k] of mixtures [k, m]."""
        ...

    def spread(self, row: Floats, resamples: int, seed: int) -> tuple[float, str]:
        """The standard deviation of the prediction for one mixture [m], a new run's noise included; and how."""
        ...


class LogLinear:
    """The static law of each component; `law` is over costs, so that its optimum is a convex problem."""

    name = "log_linear"

    def __init__(self, runs: Runs) -> None:
        groups = tuple(str(index) for index in range(runs.costs.shape[1]))
        self._runs, self._table = runs, Table(runs.mixtures, runs.costs, runs.sources, groups)
        self._ridge = choose_ridge(self._table)
        self.law: StaticLaw = fit_static_law(
            runs.mixtures, runs.costs, ridge=self._ridge, sources=runs.sources, groups=groups, warn=False
        )
        self.left_out = -leave_one_out(self._table, self._ridge) @ runs.weights

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(-self.law.predict(rows) @ self._runs.weights)

    def spread(self, row: Floats, resamples: int, seed: int) -> tuple[float, str]:
        near, _ = fit_weighted(self._table, np.ones((1, len(self._runs.scores))), self._ridge, robust=False)
        states = refit_weighted(self._table, _resamples(len(self._runs.scores), resamples, seed), self._ridge, near)
        g = len(self._runs.weights)
        laws = zip(
            states.u.reshape(-1, g, states.u.shape[1]), states.b.reshape(-1, g), states.c.reshape(-1, g), strict=True
        )
        x = self._table.coordinates(row[None, :])[0]
        draws = np.array([-(c + b * np.exp(-u @ x)) @ self._runs.weights for u, b, c in laws])
        return _with_noise(draws, self), _BOOTSTRAP


_BOOTSTRAP = "Bayesian bootstrap over runs, with the leave-one-out error as a run's noise"


class _Refitted:
    """A surrogate of the score whose fit takes a weight per run."""

    def __init__(self, name: str, fit: Callable[..., Law], runs: Runs) -> None:
        self.name, self._fit, self._runs = name, fit, runs
        self._law = fit(runs.mixtures, runs.scores)
        self.left_out = _left_out(runs, lambda kept: fit(runs.mixtures[kept], runs.scores[kept]))

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(self._law.predict(rows)[:, 0])

    def spread(self, row: Floats, resamples: int, seed: int) -> tuple[float, str]:
        weights = _resamples(len(self._runs.scores), resamples, seed)
        laws = (self._fit(self._runs.mixtures, self._runs.scores, weights=weight) for weight in weights)
        return _with_noise(np.array([law.predict(row[None, :])[0, 0] for law in laws]), self), _BOOTSTRAP


class Gaussian:
    """A Gaussian process of the score."""

    name = "gaussian_process"

    def __init__(self, runs: Runs) -> None:
        self._law: GaussianLaw = fit_gaussian_law(runs.mixtures, runs.scores)
        kernels = self._law.kernels
        self.left_out = _left_out(
            runs, lambda kept: fit_gaussian_law(runs.mixtures[kept], runs.scores[kept], start=kernels)
        )

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(self._law.predict(rows)[:, 0])

    def spread(self, row: Floats, resamples: int, seed: int) -> tuple[float, str]:
        return float(self._law.predictive_sd(row[None, :])[0, 0]), "Gaussian process, predictive sd"


def _linear(runs: Runs) -> Surrogate:
    return _Refitted("linear", fit_linear_law, runs)


def _boosted(runs: Runs) -> Surrogate:
    return _Refitted("lightgbm", fit_boosted_law, runs)


SURROGATES: dict[str, Callable[[Runs], Surrogate]] = {
    "log_linear": LogLinear,
    "lightgbm": _boosted,
    "linear": _linear,
    "gaussian_process": Gaussian,
}


def fit_surrogates(runs: Runs, names: Sequence[str] = tuple(SURROGATES)) -> dict[str, Surrogate]:
    """Every surrogate by name. Raises UserError where runs are too few to leave one out."""
    if len(runs.scores) < 4:
        raise UserError(
            f"optimiser: {len(runs.scores)} proxy runs are too few to fit and to judge a law; use 3 per source."
        )
    return {name: SURROGATES[name](runs) for name in names}


def rmse(surrogate: Surrogate, runs: Runs) -> float:
    """The root mean squared leave-one-out error, in the score's unit."""
    return float(np.sqrt(np.mean((surrogate.left_out - runs.scores) ** 2)))


def _left_out(runs: Runs, fit: Callable[[np.ndarray], Law]) -> Floats:
    """Predictions [n] for runs left out: one by one, or in `_FOLDS` parts where there are more."""
    n = len(runs.scores)
    folds = min(n, _FOLDS)
    predicted = np.empty(n)
    for fold in range(folds):
        out = np.arange(n) % folds == fold
        predicted[out] = fit(np.flatnonzero(~out)).predict(runs.mixtures[out])[:, 0]
    return predicted


def _resamples(n: int, count: int, seed: int) -> Floats:
    """Weights [count, n] of the Bayesian bootstrap (Rubin, 1981): never 0, so that no refit lacks a direction."""
    return np.asarray(np.random.default_rng(seed).dirichlet(np.ones(n), size=count) * n)


def _with_noise(draws: Floats, surrogate: Surrogate) -> float:
    raise NotImplementedError
