"""The covariance of the Gaussian process, and its marginal likelihood with an analytic gradient.

Rational quadratic, one length per input, plus a linear part, plus noise: s^2 (1 + d^2 / 4)^-2 + v^2 x.x' + e^2.
The linear part keeps a trend where runs end; without it the process falls back to the mean there, which costs
most within tight bounds. Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapters 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from emulsion.laws.table import Floats

# Means and sds of the priors on the logarithms of (each length, s, v, e), for standardised inputs and outputs.
# A loss depends on few sources and each of those matters a lot: lengths are long unless the runs say otherwise.
_LENGTH, _REST = (np.log(10.0), 2.0), ((0.0, 1.5), (np.log(0.5), 1.5), (np.log(0.1), 1.5))
_BOUNDS = (np.log((0.3, 300.0)), np.log((0.01, 50.0)), np.log((1e-3, 20.0)), np.log((1e-3, 1.5)))
_NOT_POSITIVE = 1e10  # the value where the covariance has no Cholesky factor: the line search backs off


@dataclass(frozen=True)
class Inputs:
    """Points as the covariance sees them: curved [n, m] for the smooth part, straight [n, m + 1] for the linear one."""

    curved: Floats
    straight: Floats

    def rows(self, keep: np.ndarray) -> Inputs:
        return Inputs(self.curved[keep], self.straight[keep])


def prior_mean(m: int) -> Floats:
    """Hyperparameters [m + 3] to start from: logarithms of m lengths, signal, slope and noise."""
    return np.array([_LENGTH[0]] * m + [mean for mean, _ in _REST])


def covariance(theta: Floats, left: Inputs, right: Inputs) -> Floats:
    """Covariances [k, n] of the function, without noise, between two sets of points."""
    smooth, _ = _smooth(theta, left.curved, right.curved)
    m = left.curved.shape[1]
    return np.asarray(smooth + np.exp(2 * theta[m + 1]) * (left.straight @ right.straight.T))


def variance(theta: Floats, points: Inputs) -> Floats:
    """The prior variances [k] of the function at points."""
    m = points.curved.shape[1]
    return np.asarray(np.exp(2 * theta[m]) + np.exp(2 * theta[m + 1]) * (points.straight**2).sum(axis=1))


def slopes(theta: Floats, left: Inputs, right: Inputs, alpha: Floats) -> tuple[Floats, Floats]:
    """Derivatives of the covariances [k, n] times alpha [n] by the left inputs: curved [k, m] and straight [m + 1]."""
    m = left.curved.shape[1]
    pulled = _smooth(theta, left.curved, right.curved)[1] * alpha
    apart = pulled.sum(axis=1)[:, None] * left.curved - pulled @ right.curved
    return -apart / np.exp(2 * theta[:m]), np.exp(2 * theta[m + 1]) * (alpha @ right.straight)


def noisy_covariance(theta: Floats, points: Inputs) -> Floats:
    """Covariances [n, n] of runs, noise included."""
    total = covariance(theta, points, points)
    total[np.diag_indices_from(total)] += np.exp(2 * theta[-1])
    return total


def fit_hyperparameters(points: Inputs, y: Floats, start: Floats, steps: int) -> Floats:
    """The hyperparameters [m + 3] of the greatest posterior density near `start`, for outputs y [n]."""
    m = points.curved.shape[1]
    bounds = [tuple(_BOUNDS[0])] * m + [tuple(pair) for pair in _BOUNDS[1:]]
    linear = points.straight @ points.straight.T
    settings = {"maxiter": steps, "ftol": 1e-7}
    found = scipy.optimize.minimize(
        negative_log_posterior, start, (points.curved, linear, y), "L-BFGS-B", True, bounds=bounds, options=settings
    )
    return np.asarray(found.x)


def negative_log_posterior(theta: Floats, x: Floats, linear: Floats, y: Floats) -> tuple[float, Floats]:
    """Minus the log of likelihood and prior up to a constant, and its gradient [m + 3]; linear [n, n] is x.x'."""
    m = x.shape[1]
    smooth, pulled = _smooth(theta, x, x)
    slope, noise = np.exp(2 * theta[m + 1]), np.exp(2 * theta[m + 2])
    total = smooth + slope * linear
    total[np.diag_indices_from(total)] += noise
    factor, failed = scipy.linalg.lapack.dpotrf(total, lower=1)
    if failed:
        return _NOT_POSITIVE, np.zeros_like(theta)
    alpha = scipy.linalg.cho_solve((factor, True), y)
    inverse = np.tril(scipy.linalg.lapack.dpotri(factor, lower=1)[0])
    inverse += np.tril(inverse, -1).T
    w = inverse - np.outer(alpha, alpha)  # the value moves by half the sum of w * (change of covariance)
    scaled, wp = x / np.exp(theta[:m]), w * pulled
    gradient = np.empty_like(theta)
    gradient[:m] = (scaled**2 * wp.sum(axis=1)[:, None]).sum(axis=0) - (scaled * (wp @ scaled)).sum(axis=0)
    gradient[m:] = (w * smooth).sum(), slope * (w * linear).sum(), noise * np.trace(w)
    value = 0.5 * y @ alpha + np.log(np.diag(factor)).sum()
    means, sds = prior_mean(m), np.array([_LENGTH[1]] * m + [sd for _, sd in _REST])
    away = (theta - means) / sds
    return float(value + 0.5 * away @ away), gradient + away / sds


def _smooth(theta: Floats, left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """The smooth part [k, n], and minus twice its derivative by the squared distance."""
    m = left.shape[1]
    a, b, signal = left / np.exp(theta[:m]), right / np.exp(theta[:m]), np.exp(2 * theta[m])
    squared = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    base = 1 / (1 + np.maximum(squared, 0.0) / 4)
    value = signal * base**2
    return value, value * base
