"""The law of trajectories: one curve for every moment of every run, by what was read of each source until then.

L_i = c_i + K_i (1 + g_i sum_j x[i, j] F_j / (1 + h[i, j] F_j))^-alpha_i + a_i (1 + cos(pi t / T)) / 2
F_j = (U_j (1 - exp(-E_j / R)) / (E_j / R))^kappa

U_j are the tokens read of source j so far, in runs of the length that is predicted for, and E_j its epochs: what is
read again is worth less, and R epochs at most (R without end: as much as new text). x[i, j] is what the first token of
source j is worth to source i, below 0 harm; after 1 / h[i, j] of them half of all that j can teach i is learnt (h of 0:
it never has taught all). The last term is what a learning rate adds that has not fallen yet, t into a run of length T.

Evaluations within a run say as much of c, K, g and alpha as its end does, and short runs say of x what long ones say,
as long as the law holds. So it is fitted to every evaluation of a few short runs (`trajectory_fit`), and its posterior
says how far that leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import scipy

from emulsion.laws.epochs import rates_of
from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.table import Floats, as_rows
from emulsion.student import LEVEL

# Of 1 + g sum x F: beyond it harm does no more, so that a loss stays finite.
_LEAST = 0.3
SCALARS = ("c", "log_K", "log_alpha", "log_g", "a")


@dataclass(frozen=True)
class Worth:
    """R and kappa of the module; epochs None: repeated text is worth as much as new"""

    epochs: float | None = None
    kappa: float = 1.0

    def of(self, read: Floats, epochs: Floats) -> Floats:
        """F [..., m] of tokens read and epochs, [..., m]."""
        return np.asarray(self._discounted(read, epochs) ** self.kappa)

    def slope(self, read: Floats, epochs: Floats) -> Floats:
        """Derivatives [..., m] of F by tokens read, where epochs grow in proportion."""
        fresh = np.ones_like(epochs) if self.epochs is None else np.exp(-epochs / self.epochs)
        if self.kappa == 1:
            return fresh
        whole = np.maximum(self._discounted(read, epochs), 1e-9)  # a power below 1 is vertical at 0
        return np.asarray(self.kappa * whole ** (self.kappa - 1) * fresh)

    def _discounted(self, read: Floats, epochs: Floats) -> Floats:
        if self.epochs is None:
            return read
        often = np.maximum(epochs / self.epochs, 1e-9)
        return np.asarray(read * -np.expm1(-often) / often)


@dataclass(frozen=True)
class TrajectoryLaw(FittedLaw):
    """The law of the module, for runs that end: tokens 1, in runs of the length that is predicted for.

    A law of a run that is under way has what that run has `read`, and predicts its end with the rest read at a mixture.

    theta       [g, 5 + 2m]: c, log K, log alpha, log g, a, then x and log h of every source
    covariance  [g, 5 + 2m, 5 + 2m] of the posterior about it
    rates       [m]: epochs of a source that has all of the run
    seed_sd     what a seed does to all losses of a run alike, nats; point_sd: to each evaluation, nats
    unfit       [g]: the SD of what the curve misses at a run's end, nats
    read        [m]: tokens of every source that the predicted run has read already; None where it has not begun
    """

    kind: ClassVar[str] = "trajectory"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    theta: Floats
    covariance: Floats
    worth: Worth
    rates: Floats
    seed_sd: float
    point_sd: float
    unfit: Floats
    runs: int = 0
    evaluations: int = 0
    read: Floats | None = None

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m] at the end of a run."""
        return levels(self.theta, self._worth(as_rows(mixtures, self.sources)))

    def gradient(self, mixtures: Any) -> Floats:
        """Derivatives [k, g, m] of the losses by shares, as if they did not have to sum to one."""
        read = self._read(as_rows(mixtures, self.sources))
        slope = slopes(self.theta, self.worth.of(read, read * self.rates))
        return np.asarray(slope * self.worth.slope(read, read * self.rates)[:, None, :] * self.left)

    def interval(self, mixtures: Any, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Where the losses of a new run lie with probability `level`: lower and upper ends [k, g]."""
        middle = self.predict(mixtures)
        half = float(scipy.special.ndtri((1 + level) / 2)) * np.sqrt(
            self.variance(mixtures) + self.seed_sd**2 + self.point_sd**2
        )
        return middle - half, middle + half

    def variance(self, mixtures: Any) -> Floats:
        """Variances [k, g] of the function at mixtures: of the posterior to first order, and of what no curve fits."""
        parts = jacobian(self.theta, self._worth(as_rows(mixtures, self.sources)))
        return np.asarray(np.einsum("kgp,gpq,kgq->kg", parts, self.covariance, parts) + self.unfit**2)

    def mean_sd(self, mixtures: Any, weights: Floats) -> Floats:
        """SDs [k] of the mean loss, by weights [g] of groups that sum to 1: what no curve fits moves all alike."""
        return self.mean_sd_beside(mixtures, mixtures, weights, 0.0)

    def mean_sd_beside(self, mixtures: Any, runs: Any, weights: Floats, known: float) -> Floats:
        """The same where it is known of runs [n, m] by how much the law is off for all of them alike.

        known  correlation, 0 to 1, of what it is off at their ends with what it is off at the end that is predicted
        """
        parts, theirs = (
            weights[:, None] * jacobian(self.theta, self._worth(as_rows(each, self.sources)))
            for each in (mixtures, runs)
        )
        parts = parts - known * theirs.mean(axis=0)
        variance = np.einsum("kgp,gpq,kgq->k", parts, self.covariance, parts)
        return np.asarray(np.sqrt(variance + (1 - known**2) * float(weights @ self.unfit) ** 2))

    def compare(self, mixtures: Any, other: Any, weights: Floats) -> tuple[Floats, Floats]:
        """By how much the mean loss of mixtures [k, m] is above that of another one [m], and its SD, [k] each."""
        rows, row = as_rows(mixtures, self.sources), as_rows(other, self.sources)
        above = (self.predict(rows) - self.predict(row)) @ weights
        parts = jacobian(self.theta, self._worth(rows)) - jacobian(self.theta, self._worth(row))
        parts = weights[:, None] * parts
        return np.asarray(above), np.sqrt(np.einsum("kgp,gpq,kgq->k", parts, self.covariance, parts))

    def for_run(self, tokens: float, sizes: Mapping[str, float]) -> TrajectoryLaw:
        """The same law for sources of these sizes, {source: tokens}, and a run of `tokens` tokens as its unit."""
        return replace(self, rates=rates_of(self.sources, tokens, sizes))

    def parameters(self) -> dict[str, Any]:
        scalars = {name: by_name(self.theta[:, index], self.groups) for index, name in enumerate(SCALARS)}
        return {
            **scalars,
            "x": by_name(_worths(self.theta), self.groups, self.sources),
            "log_h": by_name(_haste(self.theta), self.groups, self.sources),
            "covariance": by_name(self.covariance, self.groups),
            "worth": {"epochs": self.worth.epochs, "kappa": self.worth.kappa},
            "rates": by_name(self.rates, self.sources),
            "seed_sd": self.seed_sd,
            "point_sd": self.point_sd,
            "unfit": by_name(self.unfit, self.groups),
            "runs": self.runs,
            "evaluations": self.evaluations,
        }

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        groups, sources = tuple(law["groups"]), tuple(law["sources"])
        scalars = np.column_stack([from_names(law[name], groups) for name in SCALARS])
        return cls(
            sources,
            groups,
            theta=np.hstack([scalars, *(from_names(law[name], groups, sources) for name in ("x", "log_h"))]),
            covariance=np.array([law["covariance"][group] for group in groups], dtype=np.float64),
            worth=Worth(**law["worth"]),
            rates=from_names(law["rates"], sources),
            seed_sd=law["seed_sd"],
            point_sd=law["point_sd"],
            unfit=from_names(law["unfit"], groups),
            runs=law["runs"],
            evaluations=law["evaluations"],
        )

    @property
    def left(self) -> float:
        """How much of the predicted run is yet to be read."""
        return 1.0 if self.read is None else max(0.0, 1.0 - float(self.read.sum()))

    def _read(self, rows: Floats) -> Floats:
        """Tokens [k, m] of every source at the end of the run."""
        return rows if self.read is None else self.read + self.left * rows

    def _worth(self, rows: Floats) -> Floats:
        read = self._read(rows)
        return self.worth.of(read, read * self.rates)


def levels(theta: Floats, worth: Floats, heat: Floats | float = 0.0) -> Floats:
    """Losses [k, g] by parameters [g, p] after worth F [k, m]; heat [k]: (1 + cos(pi t / T)) / 2."""
    grown, power = _grown(theta, worth)
    return np.asarray(theta[:, 0] + np.exp(theta[:, 1]) * grown**-power + np.multiply.outer(heat, theta[:, 4]))


def slopes(theta: Floats, worth: Floats) -> Floats:
    """Derivatives [k, g, m] of the losses by F."""
    grown, power = _grown(theta, worth)
    steep = -power * np.exp(theta[:, 1] + theta[:, 3]) * grown ** (-power - 1) * (grown > _LEAST)
    left = 1 / (1 + np.exp(_haste(theta)) * worth[:, None, :])
    return np.asarray(steep[:, :, None] * _worths(theta) * left**2)


def jacobian(theta: Floats, worth: Floats, heat: Floats | float = 0.0) -> Floats:
    """Derivatives [k, g, 5 + 2m] of the losses by the parameters."""
    grown, power = _grown(theta, worth)
    fallen = np.exp(theta[:, 1]) * grown**-power
    steep = -power * fallen / grown * (grown > _LEAST) * np.exp(theta[:, 3])
    taught, x = _taught(theta, worth), _worths(theta)
    columns = [
        np.ones_like(fallen),
        fallen,
        -power * fallen * np.log(grown),
        steep * (taught * x).sum(axis=2),
        np.broadcast_to(np.asarray(heat)[..., None], fallen.shape),
    ]
    by_x = steep[:, :, None] * taught
    by_log_h = -by_x * x * np.exp(_haste(theta)) * taught
    return np.concatenate([np.stack(columns, axis=2), by_x, by_log_h], axis=2)


def _grown(theta: Floats, worth: Floats) -> tuple[Floats, Floats]:
    """1 + g sum_j x_j F_j / (1 + h_j F_j) [k, g], and alpha [g]."""
    grown = 1 + np.exp(theta[:, 3]) * (_taught(theta, worth) * _worths(theta)).sum(axis=2)
    return np.maximum(grown, _LEAST), np.exp(theta[:, 2])


def _taught(theta: Floats, worth: Floats) -> Floats:
    """F_j / (1 + h[i, j] F_j), [k, g, m]."""
    return np.asarray(worth[:, None, :] / (1 + np.exp(_haste(theta)) * worth[:, None, :]))


def _worths(theta: Floats) -> Floats:
    """x [g, m]."""
    return theta[:, len(SCALARS) : (len(SCALARS) + theta.shape[1]) // 2]


def _haste(theta: Floats) -> Floats:
    """log h [g, m]."""
    return theta[:, (len(SCALARS) + theta.shape[1]) // 2 :]
