"""Fitting the law of trajectories: a posterior by Laplace's method, from all evaluations of all runs.

Noise of a run: an offset that its seed brings in over the first fifth of it, and noise of each evaluation, larger while
losses fall fast. What no such curve fits is a Gaussian process of the logarithm of time, the same for all runs: it
takes from evaluations what they say of the curve, and leaves what they say of the difference between mixtures. Where
residuals are larger than all that, the covariance grows in proportion.

Priors are wide and say little but the order of magnitude: a source teaches itself more than others do, and a loss falls
by a power of tokens. c and K are centred on the losses seen, so that they hold for any tokenizer. Whether sources have
taught a group all they can within a run is decided for each group by the evidence, as kappa and R are for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.epochs import read_epochs, repeats
from emulsion.laws.table import Floats, read_table
from emulsion.laws.trajectory import SCALARS, TrajectoryLaw, Worth, jacobian, levels

_SEED_SD, _POINT_SD = 0.009, 0.006  # nats, of runs of ours at learning rates that fall to zero
_EARLY, _EARLY_UNTIL = 0.004, 0.02  # noise of an evaluation as a share of its loss, and how long it is six times that
_MISFIT, _MISFIT_WIDTH = 0.03, 0.5  # SD in nats at the end of a run, and how far it reaches in the logarithm of time
_MOST_SCALE = 30.0
_TRANSFER = 0.3  # prior SDs by which parameters change from short runs to long ones
_BEYOND = 0.2  # SD of a loss that is predicted beyond the longest run, as a share of its fall from there on
_MOST_AWAY = 5.0  # prior SDs that a parameter goes
_ITERATIONS = 60
_KAPPA = (1.0, 0.7)
_ENDLESS, _ENDING = (-12.0, 0.01), (0.0, 2.0)  # log h, mean and SD: no source has taught all, or some have
_LONG = 0.5  # target runs; of shorter ones, in which all sources teach the same words at first, that is not told
_REPEATED = (6.0, 15.0)


@dataclass(frozen=True)
class Points:
    """Evaluations of runs.

    read, epochs  [n, m]: of every source, up to there; tokens in runs of the length that is predicted for
    losses        [n, g]; time [n]: all tokens read; planned [n]: length of the run; run [n]: its number
    """

    read: Floats
    epochs: Floats
    losses: Floats
    time: Floats
    planned: Floats
    run: np.ndarray

    @property
    def heat(self) -> Floats:
        """How much of the learning rate is left on a cosine, [n]."""
        return np.asarray((1 + np.cos(np.pi * np.minimum(self.time / self.planned, 1.0))) / 2)


def fit_trajectory_law(
    mixtures: Any,
    values: Any,
    epochs: Any = None,
    *,
    tokens: Sequence[float] | Floats | None = None,
    runs: Sequence[Any] | None = None,
    lengths: Sequence[float] | Floats | None = None,
) -> TrajectoryLaw:
    """Fit the law to evaluations: losses [n, g] after mixtures [n, m], the shares of what a run had read so far.

    A source is taken to do more for a group of its own name than for others, where data frames have the names.

    epochs   [n, m]: how often it had read each source; None where nothing is read twice
    tokens   [n]: how much it had read in all, in runs of the length that is predicted for; None for whole runs. 0 is an
             evaluation before the first step
    runs     [n]: which run it is of; None for a run each
    lengths  [n]: of the whole run, in the same unit; None for the most tokens that the run has

    Raises UserError where lengths do not match, a loss is not above 0, or tokens are not rising to the run's length.
    """
    table = read_table(mixtures, values)
    n, m = table.mixtures.shape
    if table.values.min() <= 0:
        row, column = np.argwhere(table.values <= 0)[0]
        raise UserError(
            f"law: run {table.rows[row] if table.rows else row}: the loss of '{table.groups[column]}' is "
            f"{table.values[row, column]:g}; trajectories are of losses, which are above 0."
        )
    time = _column(tokens, n, "tokens", np.ones(n))
    number = np.unique([str(each) for each in runs], return_inverse=True)[1] if runs is not None else np.arange(n)
    if len(number) != n:
        raise UserError(f"law: {len(number)} names of runs for {n} evaluations; one of each is needed.")
    longest = np.array([time[number == each].max() for each in number])
    planned = _column(lengths, n, "lengths", longest)
    if (time < 0).any() or (planned < time - 1e-9).any() or (planned <= 0).any():
        row = int(((time < 0) | (planned < time - 1e-9) | (planned <= 0)).argmax())
        raise UserError(
            f"law: evaluation {row}: {time[row]:g} tokens of a run of {planned[row]:g}; they lie within it."
        )
    if not time.any():
        raise UserError("law: every evaluation is before the first step; of what sources teach it says nothing.")
    often = read_epochs(epochs, table) if epochs is not None else np.zeros((n, m))
    points = Points(table.mixtures * time[:, None], often, table.values, time, planned, number)
    # Columns of arrays are called by their position, which does not say which group is of which source.
    named = hasattr(mixtures, "columns") and hasattr(values, "columns")
    own = np.array([[named and source == group for source in table.sources] for group in table.groups])
    theta, covariance, worth, scale = _posterior(points, own if own.any() else None)
    read, often = points.read, points.epochs
    squares = (read**2).sum(axis=0)
    rates = np.where(squares > 0, (read * often).sum(axis=0) / np.where(squares > 0, squares, 1.0), 0.0)
    even = np.full((1, m), 1 / m)
    seen, end = (
        levels(theta, worth.of(far * even, far * even * rates))[0] for far in (min(float(time.max()), 1.0), 1.0)
    )
    return TrajectoryLaw(
        table.sources,
        table.groups,
        theta=theta,
        covariance=covariance,
        worth=worth,
        rates=rates,
        seed_sd=float(_SEED_SD * np.sqrt(scale.mean())),
        point_sd=float(_POINT_SD * np.sqrt(scale.mean())),
        unfit=np.hypot(_MISFIT, _BEYOND * (seen - end)),
        runs=len(np.unique(number)),
        evaluations=n,
    )


def _column(values: Sequence[float] | Floats | None, n: int, what: str, otherwise: Floats) -> Floats:
    if values is None:
        return otherwise
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n,) or not np.isfinite(found).all():
        raise UserError(
            f"law: {what} must be {n} finite numbers, one for each evaluation; their shape is {found.shape}."
        )
    return found


def _posterior(points: Points, own: np.ndarray | None) -> tuple[Floats, Floats, Worth, Floats]:
    """The most probable parameters [g, p] with their covariance [g, p, p], of the worth that fits best."""
    hastes = (_ENDLESS, _ENDING) if points.time.max() >= _LONG else (_ENDLESS,)
    priors = [_prior(points, own, haste) for haste in hastes]
    whiten = np.linalg.inv(np.linalg.cholesky(_noise(points)))[None]
    repeated: tuple[float | None, ...] = (None, *_REPEATED) if repeats(points.epochs) else (None,)
    fits = []
    for kappa, epochs in product(_KAPPA, repeated):
        worth = Worth(epochs, kappa)
        fits.append((*_likelier(points, worth.of(points.read, points.epochs), whiten, priors), worth))
    _, theta, inverse, deviation, worth = min(fits, key=lambda fit: float(fit[0].sum()))
    # What holds of short runs need not hold of long ones to the letter.
    farther = max(0.0, 1.0 - float(points.time.max()))
    scale = _scale(points, _squares(points, worth.of(points.read, points.epochs), whiten, theta))
    covariance = np.linalg.inv(inverse) * scale[:, None, None]
    covariance += (_TRANSFER * farther * deviation[:, :, None]) ** 2 * np.eye(theta.shape[1])
    return theta, covariance, worth, scale


def _likelier(
    points: Points, worth: Floats, whiten: Floats, priors: Sequence[tuple[Floats, Floats]]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Of priors (means, SDs) the likelier for each group: its -2 log Z [g], but for what all laws have, parameters
    [g, p], the posterior's inverse covariance [g, p, p], and the prior's SDs [g, p]."""
    found = []
    for mean, deviation in priors:
        precision = np.eye(mean.shape[1]) / deviation[:, None, :] ** 2
        cost, theta, inverse = _most_probable(points, worth, whiten, mean, precision)
        occam = np.linalg.slogdet(inverse)[1] - np.linalg.slogdet(precision)[1]
        found.append((_squares(points, worth, whiten, theta), cost, occam, theta, inverse, deviation))
    squares, cost, occam, *rest = (np.stack(part) for part in zip(*found, strict=True))
    evidence = cost + occam
    # Residuals larger than the noise assumed would each count as evidence for one more parameter that takes them up.
    too_much = squares * (1 - 1 / _scale(points, squares.min(axis=0)))
    best, groups = np.argmin(evidence - too_much, axis=0), np.arange(points.losses.shape[1])
    theta, inverse, deviation = (part[best, groups] for part in rest)
    return evidence[best, groups], theta, inverse, deviation


def _prior(points: Points, own: np.ndarray | None, haste: tuple[float, float]) -> tuple[Floats, Floats]:
    """Means and SDs [g, 5 + 2m].

    own    [g, m]: whether a source is the group's own, None where that is not known
    haste  mean and SD of log h
    """
    groups, m = points.losses.shape[1], points.read.shape[1]
    least = points.losses.min(axis=0)
    first = points.time <= 0
    start = points.losses[first].mean(axis=0) if first.any() else np.maximum(3 * least, least + 4)
    floor = 0.4 * least
    every = np.ones((groups, m))
    known = 0.1 if first.any() else 0.5
    scalars = [
        (floor, 0.2 * least),
        (np.log(start - floor), np.full(groups, known)),
        (np.full(groups, np.log(0.45)), np.full(groups, 0.3)),
        (np.full(groups, np.log(60.0)), np.full(groups, 1.0)),
        (np.full(groups, 0.1), np.full(groups, 0.1)),
    ]
    x = (0.5 * every, 0.5 * every) if own is None else (np.where(own, 1.0, 0.3), np.where(own, 0.5, 0.3))
    means, deviations = zip(*scalars, strict=True)
    return np.column_stack([*means, x[0], haste[0] * every]), np.column_stack([*deviations, x[1], haste[1] * every])


def _misfit_sd(time: Floats, longest: float) -> Floats:
    """What the curve misses [n], more the farther a time is from that of the runs, in its logarithm."""
    away = np.log(np.maximum(time, 1e-4) / longest)
    return np.asarray(_MISFIT * np.sqrt(1 + 0.3 * np.minimum(np.abs(away), 3.0) ** 2))


def alike_in_time(apart: Floats) -> Floats:
    """Correlation of what the curve misses at two times whose logarithms are so far apart."""
    return np.asarray(np.exp(-(apart**2) / (2 * _MISFIT_WIDTH**2)))


def run_variance(weights: Floats) -> float:
    """Variance, nats^2, of a run's mean loss at its end, by weights [g] of the groups: a seed moves all of them."""
    return float(_SEED_SD**2 + _POINT_SD**2 * (weights**2).sum())


def _noise(points: Points) -> Floats:
    """Covariance [n, n] of the evaluations of one group."""
    time, same = points.time, points.run[:, None] == points.run[None, :]
    come = np.minimum(1.0, 5 * time / points.planned)
    seed = _SEED_SD**2 * same * np.minimum(come[:, None], come[None, :])
    early = _EARLY * points.losses.mean(axis=1) * (1 + 5 * np.exp(-time / _EARLY_UNTIL))
    logs = np.log(np.maximum(time, 1e-4))
    near = alike_in_time(logs[:, None] - logs[None, :])
    sd = _misfit_sd(time, float(time.max()))
    return np.asarray(seed + np.diag(_POINT_SD**2 + 0.1 * early**2) + sd[:, None] * sd[None, :] * near)


def _residuals(points: Points, worth: Floats, whiten: Floats, theta: Floats) -> Floats:
    """Whitened residuals [g, n]."""
    off = (levels(theta, worth, points.heat) - points.losses).T
    return np.asarray(np.matmul(whiten, off[:, :, None])[:, :, 0])


def _squares(points: Points, worth: Floats, whiten: Floats, theta: Floats) -> Floats:
    return np.asarray((_residuals(points, worth, whiten, theta) ** 2).sum(axis=1))


def _scale(points: Points, squares: Floats) -> Floats:
    """By how much residuals are larger than the noise, [g]; half of c to x count as fitted, log h as the prior's."""
    fitted = (len(SCALARS) + points.read.shape[1]) / 2
    return np.asarray(np.clip(squares / max(len(points.losses) - fitted, 1.0), 1.0, _MOST_SCALE))


def _most_probable(
    points: Points, worth: Floats, whiten: Floats, mean: Floats, precision: Floats
) -> tuple[Floats, Floats, Floats]:
    """Costs [g], parameters [g, p] and the posterior's inverse covariance [g, p, p], by Levenberg and Marquardt.

    whiten [1 or g, n, n], of the noise; mean [g, p] and precision [g, p, p] of the prior
    """
    theta, damping = mean.copy(), np.full(len(mean), 1e-2)
    deviation = np.sqrt(np.einsum("gpp->gp", np.linalg.inv(precision)))

    def cost(at: Floats) -> Floats:
        off = at - mean
        return np.asarray(_squares(points, worth, whiten, at) + np.einsum("gp,gpq,gq->g", off, precision, off))

    here = cost(theta)
    for _ in range(_ITERATIONS):
        normal, right = _normal(points, worth, whiten, theta)
        normal, right = normal + precision, right + np.einsum("gpq,gq->gp", precision, theta - mean)
        damped = normal + damping[:, None, None] * np.eye(mean.shape[1]) * np.einsum("gpp->gp", normal)[:, None, :]
        step = np.linalg.solve(damped, right[:, :, None])[:, :, 0]
        # A step of more than two prior SDs leaves what the derivatives are true of.
        far = np.maximum(np.abs(step / deviation).max(axis=1) / 2, 1.0)
        trial = np.clip(theta - step / far[:, None], mean - _MOST_AWAY * deviation, mean + _MOST_AWAY * deviation)
        there = cost(trial)
        better = there < here
        moved = np.where(better, here - there, 0.0)
        theta, here = np.where(better[:, None], trial, theta), np.where(better, there, here)
        damping = np.clip(np.where(better, damping / 4, damping * 6), 1e-9, 1e9)
        if (moved < 1e-6).all() and (better | (damping > 1e6)).all():
            break
    normal, _ = _normal(points, worth, whiten, theta)
    return here, theta, normal + precision


def _normal(points: Points, worth: Floats, whiten: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """The normal matrix [g, p, p] and right-hand side [g, p] of the whitened residuals."""
    rows = np.matmul(whiten, jacobian(theta, worth, points.heat).transpose(1, 0, 2))
    residuals = _residuals(points, worth, whiten, theta)
    return np.einsum("gip,giq->gpq", rows, rows), np.einsum("gip,gi->gp", rows, residuals)


def follow_run(law: TrajectoryLaw, points: Points, recent: Floats, recency: float) -> TrajectoryLaw:
    """The law of a run that is under way: what short runs said of it is the prior, its own evaluations decide further.

    points   the run's evaluations so far, all of one run
    recent   [n, g]: the share that a group's own source had lately, less what it has had in the run so far
    recency  SD, nats, of what a share of 1 just read takes off a source's own loss
    """
    worth = law.worth.of(points.read, points.epochs)
    noise = (law.seed_sd / _SEED_SD) ** 2 * _noise(points) + recency**2 * np.einsum("ng,kg->gnk", recent, recent)
    whiten = np.linalg.inv(np.linalg.cholesky(noise))
    precision = np.asarray(np.linalg.inv(law.covariance), dtype=np.float64)
    _, theta, inverse = _most_probable(points, worth, whiten, law.theta, precision)
    scale = _scale(points, _squares(points, worth, whiten, theta))
    covariance = np.linalg.inv(inverse) * scale[:, None, None]
    return replace(law, theta=theta, covariance=covariance, read=points.read[-1])
