"""Surrogates: cheap stand-ins for a training, fitted to the scores of finished runs, each judged by leaving runs out.

The log-linear law is fitted to each component of the objective and the predictions are added up, which uses what
the sum hides, and so is the law that sees epochs; the others are fitted to the score itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from emulsion.errors import UserError, unknown
from emulsion.laws.boosting import fit_boosted_law
from emulsion.laws.choice import clearly_better
from emulsion.laws.epochs import EpochsLaw, fit_epochs_law, leave_out, read_epochs, repeats
from emulsion.laws.exponential import basis
from emulsion.laws.gaussian import GaussianLaw, fit_gaussian_law
from emulsion.laws.law import FittedLaw, Law, WeightedFit
from emulsion.laws.law_registry import FITS, fit_law
from emulsion.laws.linear import fit_linear_law
from emulsion.laws.static import StaticLaw, fit_static_law, fit_weighted, left_out_of, refit_weighted, without
from emulsion.laws.table import Floats, Table, parts
from emulsion.laws.trajectory import TrajectoryLaw
from emulsion.ranks import rho

LEAST_RUNS = 4
_BLOCK = 512  # mixtures


@dataclass(frozen=True)
class Runs:
    """What surrogates learn from: mixtures [n, m], costs [n, g] of the objective's components, weights [g].

    groups  names of the components, that of its source for a loss; by position where there are none
    epochs  [n, m]: how often each run read each source; None where that is not known
    rates   {source: epochs of a run on it alone}, of the run that is decided for; empty for one like those learnt from
    """

    sources: tuple[str, ...]
    mixtures: Floats
    costs: Floats
    weights: Floats
    epochs: Floats | None = None
    rates: Mapping[str, float] = field(default_factory=dict)
    groups: tuple[str, ...] = ()

    @property
    def repeat(self) -> bool:
        """Whether runs are known to have read a source more than once."""
        return self.epochs is not None and repeats(self.epochs)

    @cached_property
    def scores(self) -> Floats:
        """The objective [n], larger is better."""
        return np.asarray(-self.costs @ self.weights)


class Surrogate(ABC):
    """A fitted stand-in for the objective.

    left_out  [n]: each run's score as predicted without that run
    fitted    [n]: the same as predicted with it, for a run of its own epochs
    """

    name: str
    runs: Runs
    left_out: Floats

    @abstractmethod
    def predict(self, rows: Floats) -> Floats:
        """Scores [k] of mixtures [k, m]."""

    @property
    def fitted(self) -> Floats:
        return self.predict(self.runs.mixtures)

    @property
    def set_aside(self) -> tuple[int, ...]:
        """Runs that the fit took for diverged and left out."""
        return ()

    def spread(self, row: Floats, resamples: int, seed: int) -> tuple[float, str]:
        """The standard deviation of a new run's score at one mixture [m] about the prediction; and how it was got."""
        draws = self.draws(row[None, :], resamples, seed)
        if draws is None:
            return self.rmse, "leave-one-out error"
        how = "Bayesian bootstrap over runs, with the leave-one-out error as a run's noise"
        return float(np.hypot(np.std(draws), self.rmse)), how

    def draws(self, rows: Floats, resamples: int, seed: int) -> Floats | None:
        """Scores [resamples, k] of mixtures [k, m] by refits to resampled runs; None where it is not refitted so."""
        return None

    @property
    def rmse(self) -> float:
        """The root mean squared leave-one-out error, in the score's unit."""
        return float(np.sqrt(np.mean((self.left_out - self.runs.scores) ** 2)))

    def report(self) -> dict[str, float | None]:
        """How well runs are predicted that the fit did not see; None where a rank correlation has no meaning."""
        scores = self.runs.scores
        n = len(scores)
        # What the mean of the other runs would be off by: a surrogate above it has learnt nothing.
        mean_error = float(np.std(scores)) * n / (n - 1)
        return {
            "loo_rmse": self.rmse,
            "loo_spearman": rho(self.left_out, scores),
            "loo_r2": None if mean_error == 0 else 1 - (self.rmse / mean_error) ** 2,
        }


class LogLinear(Surrogate):
    """The static law of each component; `law` is over costs, so that its optimum is a convex problem."""

    name = "log_linear"

    def __init__(self, runs: Runs) -> None:
        groups = tuple(str(index) for index in range(runs.costs.shape[1]))
        self.runs, table = runs, Table(runs.mixtures, runs.costs, runs.sources, groups)
        self.law: StaticLaw = fit_static_law(runs.mixtures, runs.costs, sources=runs.sources, groups=groups, warn=False)
        self._table = without(table, self.law.set_aside)
        self.left_out = -left_out_of(self.law, table) @ runs.weights

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(-self.law.predict(rows) @ self.runs.weights)

    @property
    def set_aside(self) -> tuple[int, ...]:
        return self.law.set_aside

    def draws(self, rows: Floats, resamples: int, seed: int) -> Floats:
        n, g = self._table.values.shape
        near, _ = fit_weighted(self._table, np.ones((1, n)), self.law.ridge, robust=False)
        state = refit_weighted(self._table, _resamples(n, resamples, seed), self.law.ridge, near)
        # Of dozens of sources all mixtures at once would take gigabytes.
        pieces = []
        for block in np.split(rows, range(_BLOCK, len(rows), _BLOCK)):
            fallen = np.exp(-state.u @ (block @ basis(rows.shape[1])).T)
            costs = (state.c[:, None] + state.b[:, None] * fallen).reshape(resamples, g, len(block))
            pieces.append(-np.einsum("rgk,g->rk", costs, self.runs.weights))
        return np.concatenate(pieces, axis=1)


class Weighted(Surrogate):
    """A law of the score whose fit takes a weight per run."""

    def __init__(self, runs: Runs, name: str, fit: WeightedFit) -> None:
        self.name, self.runs, self._fit = name, runs, fit
        # By name, as of two sources that split runs alike trees take the first.
        self._mixtures = pd.DataFrame(runs.mixtures, columns=list(runs.sources))
        self._law = fit(self._mixtures, runs.scores)
        self.left_out = _left_out(runs, lambda kept: fit(self._mixtures.iloc[kept], runs.scores[kept]))

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(self._law.predict(rows)[:, 0])

    def draws(self, rows: Floats, resamples: int, seed: int) -> Floats:
        weights = _resamples(len(self.runs.scores), resamples, seed)
        laws = (self._fit(self._mixtures, self.runs.scores, weights=weight) for weight in weights)
        return np.array([law.predict(rows)[:, 0] for law in laws])


class Gaussian(Surrogate):
    """A Gaussian process of the cost, which is the score with its sign turned: it takes losses by their logarithms."""

    name = "gaussian_process"

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        self._law: GaussianLaw = fit_gaussian_law(runs.mixtures, -runs.scores)
        refit = partial(fit_gaussian_law, start=self._law.theta, logged=self._law.logged)
        self.left_out = -_left_out(runs, lambda kept: refit(runs.mixtures[kept], -runs.scores[kept]))

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(-self._law.predict(rows)[:, 0])

    def spread(self, row: Floats, resamples: int, seed: int) -> tuple[float, str]:
        # Hyperparameters fitted to few runs understate a run's noise, which the runs left out do not.
        sd = self._law.function_sd(row[None, :])[0, 0]
        return float(
            np.hypot(sd, self.rmse)
        ), "sd of the Gaussian process, with the leave-one-out error as a run's noise"


class Epochs(Surrogate):
    """The law that sees epochs, of each component; it predicts for the run that is decided for, by its epochs."""

    name = "epochs"

    def __init__(self, runs: Runs) -> None:
        self.runs = runs
        groups = tuple(str(index) for index in range(runs.costs.shape[1]))
        table = Table(runs.mixtures, runs.costs, runs.sources, groups)
        self._epochs = read_epochs(runs.epochs, table)
        law = fit_epochs_law(runs.mixtures, runs.costs, self._epochs, warn=False)
        self._law = replace(law, sources=tuple(runs.sources))
        rates = np.array([runs.rates[source] for source in runs.sources]) if runs.rates else self._law.rates
        self.law = replace(self._law, rates=rates)
        self.left_out = -leave_out(table, self._epochs, self._law, most=None) @ runs.weights

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(-self.law.predict(rows) @ self.runs.weights)

    @property
    def fitted(self) -> Floats:
        return np.asarray(-self._law.predict_epochs(self._epochs) @ self.runs.weights)


class OfLaw(Surrogate):
    """Any law of each component, by its name in `emulsion.laws`; a refit for every run or part that is left out.

    One that sees epochs predicts for the run that is decided for, by its epochs.
    """

    def __init__(self, runs: Runs, name: str) -> None:
        self.name, self.runs = name, runs
        self._of_runs = self._law = self._fit(np.ones(len(runs.scores), dtype=bool))
        if runs.rates and isinstance(self._of_runs, EpochsLaw | TrajectoryLaw):
            self._law = replace(self._of_runs, rates=np.array([runs.rates[source] for source in runs.sources]))
        costs = np.empty_like(runs.costs)
        for out in parts(runs.mixtures, runs.costs):
            costs[out] = self._fit(~out).predict(runs.mixtures[out])
        self.left_out = np.asarray(-costs @ runs.weights)

    def predict(self, rows: Floats) -> Floats:
        return np.asarray(-self._law.predict(rows) @ self.runs.weights)

    @property
    def fitted(self) -> Floats:
        return np.asarray(-self._of_runs.predict(self.runs.mixtures) @ self.runs.weights)

    def _fit(self, kept: NDArray[np.bool_]) -> FittedLaw:
        # By name, as a law may take what a source does to its own loss for more likely than what it does to others.
        mixtures = pd.DataFrame(self.runs.mixtures[kept], columns=list(self.runs.sources))
        costs = pd.DataFrame(self.runs.costs[kept], columns=list(self.runs.groups) or None)
        return fit_law(self.name, mixtures, costs, None if self.runs.epochs is None else self.runs.epochs[kept])


SURROGATES: dict[str, Callable[[Runs], Surrogate]] = {
    "log_linear": LogLinear,
    "lightgbm": partial(Weighted, name="lightgbm", fit=fit_boosted_law),
    "linear": partial(Weighted, name="linear", fit=fit_linear_law),
    "gaussian_process": Gaussian,
    "epochs": Epochs,
}
# Those, and every law of `emulsion.laws`.
LAWS: dict[str, Callable[[Runs], Surrogate]] = {**{name: partial(OfLaw, name=name) for name in FITS}, **SURROGATES}


def fit_surrogates(runs: Runs, names: Sequence[str] = tuple(SURROGATES)) -> dict[str, Surrogate]:
    """The named surrogates, fitted; where several are named, the one that sees epochs only if runs repeat sources.

    Raises UserError where runs are too few to leave one out.
    """
    for name in names:
        if name not in LAWS:
            raise unknown("surrogate", name, LAWS, "optimiser.surrogates")
    if len(runs.scores) < LEAST_RUNS:
        raise UserError(
            f"optimiser: {len(runs.scores)} runs are too few to fit a law and to judge it; "
            f"at least {LEAST_RUNS} are needed, and 3 per source are advised."
        )
    kept = [name for name in names if name != Epochs.name or runs.repeat or len(names) == 1]
    return {name: LAWS[name](runs) for name in kept}


def choose(surrogates: Mapping[str, Surrogate]) -> str:
    """The surrogate of the least leave-one-out error; the log-linear law where none is clearly better."""
    squares = {name: (each.left_out - each.runs.scores) ** 2 for name, each in surrogates.items()}
    return clearly_better(squares, LogLinear.name)


def _left_out(runs: Runs, fit: Callable[[np.ndarray], Law]) -> Floats:
    """Predictions [n] for runs left out; `fit` has the indices of the runs that are kept."""
    predicted = np.empty(len(runs.scores))
    for out in parts(runs.mixtures, runs.costs):
        predicted[out] = fit(np.flatnonzero(~out)).predict(runs.mixtures[out])[:, 0]
    return predicted


def _resamples(n: int, count: int, seed: int) -> Floats:
    """Weights [count, n] of the Bayesian bootstrap (Rubin, 1981): never 0, so that no refit lacks a direction."""
    return np.asarray(np.random.default_rng(seed).dirichlet(np.ones(n), size=count) * n)
