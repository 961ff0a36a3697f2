"""What the law of trajectories misses at the ends of runs: a Gaussian process of the mixture.

A law that is wrong is wrong by a function of the mixture, of which its posterior knows nothing: that is of noise alone.
What the law leaves of the mean loss of each run says how large this function is and how far it reaches (Kennedy and
O'Hagan, Bayesian calibration of computer models, 2001). From runs as long as the target run it carries over to that,
and corrects predictions and their SDs. From much shorter ones it does not; transfer, in the law's covariance, stands
for what they do not show.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from emulsion.laws.table import Floats, as_rows
from emulsion.laws.trajectory import TrajectoryLaw, levels
from emulsion.laws.trajectory_fit import alike_in_time, run_variance

# The function's SD in nats and its length in shares of tokens. Few runs leave both uncertain, so that all pairs are
# averaged by their marginal likelihood. Below the least length runs say nothing of one another.
_SDS = (0.0, 0.003, 0.006, 0.012, 0.025, 0.05, 0.1, 0.2)
_LENGTHS = (0.1, 0.2, 0.4, 0.8)
_COMMON = 1.0  # nats^2, of what all mixtures are off alike
_LEAST_WEIGHT = 1e-3


@dataclass(frozen=True)
class Process:
    """weight of it among all; its sd and length; inverse [n, n] of the covariance of the runs"""

    weight: float
    sd: float
    length: float
    inverse: Floats


@dataclass(frozen=True)
class CorrectedLaw:
    """The law and what it misses.

    mixtures   [n, m] of the runs; residuals [n, g] of their ends: measured less predicted, nats
    weights    [g] of the groups in the mean loss, which the processes are of
    carried    how much of what the runs miss the target run misses, 0 to 1
    """

    law: TrajectoryLaw
    mixtures: Floats
    residuals: Floats
    weights: Floats
    carried: float
    processes: tuple[Process, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return self.law.sources

    @property
    def groups(self) -> tuple[str, ...]:
        return self.law.groups

    @property
    def sd(self) -> float:
        """SD of what is missed of the mean loss of the runs, nats."""
        return float(np.sqrt(sum(each.weight * each.sd**2 for each in self.processes)))

    @property
    def left_out_error(self) -> float:
        """Root mean square error, nats, of the mean loss of runs, each predicted by the misfit of the others; the
        parameters of the law are those of all runs."""
        missed = self.residuals @ self.weights
        off = sum(each.weight * (each.inverse @ missed) / np.diag(each.inverse) for each in self.processes)
        return float(np.sqrt(np.mean(np.square(off))))

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m] at the end of a run."""
        rows = as_rows(mixtures, self.sources)
        missed = sum(
            each.weight * (self._covariance(rows, each) + _COMMON) @ (each.inverse @ self.residuals)
            for each in self.processes
        )
        return np.asarray(self.law.predict(rows) + self.carried * missed)

    def gradient(self, mixtures: Any) -> Floats:
        """Derivatives [k, g, m] of the losses by shares, as if they did not have to sum to one."""
        rows = as_rows(mixtures, self.sources)
        found = self.law.gradient(rows)
        apart = self.mixtures - rows[:, None, :]
        for each in self.processes:
            pulls = self._covariance(rows, each)[:, :, None] * apart / each.length**2
            found = found + self.carried * each.weight * np.einsum("knm,ng->kgm", pulls, each.inverse @ self.residuals)
        return np.asarray(found)

    def mean_sd(self, mixtures: Any) -> Floats:
        """SDs [k] of the mean loss."""
        rows = as_rows(mixtures, self.sources)
        covariances = [self._covariance(rows, each) + _COMMON for each in self.processes]
        before = [np.full(len(rows), each.sd**2 + _COMMON) for each in self.processes]
        own = self.law.mean_sd_beside(rows, self.mixtures, self.weights, self.carried)
        return np.asarray(np.hypot(own, self._missed(covariances, before)[1]))

    def compare(self, mixtures: Any, other: Any) -> tuple[Floats, Floats]:
        """By how much the mean loss of mixtures [k, m] is above that of another one [m], and its SD, [k] each."""
        rows, row = as_rows(mixtures, self.sources), as_rows(other, self.sources)
        above, sd = self.law.compare(rows, row, self.weights)
        covariances = [self._covariance(rows, each) - self._covariance(row, each) for each in self.processes]
        before = [2 * each.sd**2 * (1 - _alike(rows, row, each.length)[:, 0]) for each in self.processes]
        missed, missed_sd = self._missed(covariances, before)
        return np.asarray(above + missed), np.asarray(np.hypot(sd, missed_sd))

    def _covariance(self, rows: Floats, process: Process) -> Floats:
        """Covariances [k, n] of what is missed at mixtures with what is missed of the runs."""
        return np.asarray(process.sd**2 * _alike(rows, self.mixtures, process.length))

    def _missed(self, covariances: list[Floats], before: list[Floats]) -> tuple[Floats, Floats]:
        """Mean and SD [k] of what carries over, by covariances [k, n] with the runs and variances [k] without them."""
        weights, seen = np.array([each.weight for each in self.processes]), self.residuals @ self.weights
        each_of = list(zip(covariances, before, self.processes, strict=True))
        means = np.array([known @ (each.inverse @ seen) for known, _, each in each_of])
        variances = np.array([whole - ((known @ each.inverse) * known).sum(axis=1) for known, whole, each in each_of])
        mean = weights @ means
        sd = np.sqrt(weights @ (np.maximum(variances, 0.0) + (means - mean) ** 2))
        return self.carried * mean, self.carried * sd


def correct(
    law: TrajectoryLaw, mixtures: Floats, losses: Floats, epochs: Floats, times: Floats, weights: Floats
) -> CorrectedLaw:
    """The law with what it misses of the ends of runs: losses [n, g] after mixtures [n, m] and epochs [n, m] of them.

    times    [n]: tokens of the runs, in runs of the length that is predicted for; they are about alike
    weights  [g] of the groups in the mean loss; they sum to 1
    """
    residuals = losses - levels(law.theta, law.worth.of(mixtures * times[:, None], epochs))
    missed, n = residuals @ weights, len(times)
    found: list[tuple[float, float, float, Floats]] = []
    for sd, length in product(_SDS, _LENGTHS):
        covariance = sd**2 * _alike(mixtures, mixtures, length) + run_variance(weights) * np.eye(n) + _COMMON
        inverse = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        likelihood = -(missed @ inverse @ missed + np.linalg.slogdet(covariance)[1]) / 2
        found.append((float(likelihood), sd, length, inverse))
    most = max(likelihood for likelihood, *_ in found)
    kept = [each for each in found if each[0] > most + np.log(_LEAST_WEIGHT)]
    total = sum(np.exp(likelihood - most) for likelihood, *_ in kept)
    processes = tuple(Process(float(np.exp(each[0] - most) / total), *each[1:]) for each in kept)
    carried = float(alike_in_time(np.log(min(times.max(), 1.0))))  # longer runs have been where the target run ends
    return CorrectedLaw(law, mixtures, residuals, weights, carried, processes)


def _alike(left: Floats, right: Floats, length: float) -> Floats:
    """Correlations [k, n] of what is missed at two sets of mixtures."""
    apart = ((left[:, None, :] - right[None, :, :]) ** 2).sum(axis=2)
    return np.asarray(np.exp(-apart / (2 * length**2)))
