"""Least squares for y = c + b exp(-p . a), many fits at once, by variable projection.

For a given direction u the best c and b are a linear regression, so only u is searched (Golub and Pereyra,
Inverse Problems 19, 2003), by Levenberg-Marquardt steps with Kaufman's analytic Jacobian. Every fit of a batch
has its own values and its own weight per run: leaving a run out is a weight of 0, resampling runs with
replacement is a weight of 0, 1, 2, ... So leave-one-out errors and bootstraps are one batch.

Gauge: on the simplex a constant added to all of `a` is a factor of b, so a = Q u with the columns of Q [m, m-1]
an orthonormal basis of the vectors that sum to 0. Then b is the reducible loss at the uniform mixture.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emulsion.laws.table import Floats

HUBER = 1.345  # robust standard deviations of a residual that weighs less (Robust Statistics, 1981: 95 % efficiency)
# Where to look for c: this many ranges of y below the least y. One start lands in a poor optimum now and then.
_STARTS = (0.03, 0.2, 1.0, 5.0)
_STEPS = 60
_STEEPEST = 60.0  # of |u|: exp(60) still has precision to spare


@dataclass(frozen=True)
class Batch:
    """B fits over the same n runs: coordinates x [n, m-1], values y [B, n], weights w [B, n].

    floor  [B]: the least c allowed
    slope  [B]: ridge on the slope b u (loss per unit of share), in squared loss per squared slope
    steep  [B]: ridge on u itself, in squared loss; it keeps b exp(-p a) from bending more than the data ask
    """

    x: Floats
    y: Floats
    w: Floats
    floor: Floats
    slope: Floats
    steep: Floats

    def rows(self, keep: np.ndarray) -> Batch:
        return Batch(self.x, self.y[keep], self.w[keep], self.floor[keep], self.slope[keep], self.steep[keep])

    def weighted(self, w: Floats) -> Batch:
        return Batch(self.x, self.y, w, self.floor, self.slope, self.steep)


@dataclass
class State:
    """Where B fits stand: u [B, m-1], c [B], b [B], z = exp(-x u) [B, n], residuals [B, n], cost [B]."""

    u: Floats
    c: Floats
    b: Floats
    z: Floats
    residuals: Floats
    cost: Floats

    def take(self, better: np.ndarray, other: State) -> None:
        """Replace the fits marked in `better` [B] by those of `other`."""
        for name, value in vars(self).items():
            value[better] = getattr(other, name)[better]


def basis(m: int) -> Floats:
    """Q [m, m-1]: orthonormal columns that each sum to 0 (Helmert's)."""
    q = np.zeros((m, m - 1))
    for k in range(1, m):
        q[:k, k - 1], q[k, k - 1] = 1.0, -k
        q[:, k - 1] /= np.sqrt(k * (k + 1))
    return q


def project(batch: Batch, u: Floats) -> State:
    """The best c >= floor and b >= 0 for directions u [B, m-1], and what they cost."""
    z = np.exp(np.clip(-u @ batch.x.T, -_STEEPEST, _STEEPEST))
    penalty = batch.slope * (u**2).sum(axis=1)
    total = batch.w.sum(axis=1)
    wz = batch.w * z
    y_mean, z_mean = (batch.w * batch.y).sum(axis=1) / total, wz.sum(axis=1) / total
    dz = z - z_mean[:, None]
    spread = (batch.w * dz**2).sum(axis=1) + penalty
    b = np.maximum((batch.w * dz * batch.y).sum(axis=1) / np.maximum(spread, 1e-300), 0.0)
    c = y_mean - b * z_mean
    low = c < batch.floor
    at_floor = (wz * (batch.y - batch.floor[:, None])).sum(axis=1) / ((wz * z).sum(axis=1) + penalty)
    b, c = np.where(low, np.maximum(at_floor, 0.0), b), np.where(low, batch.floor, c)
    residuals = batch.y - c[:, None] - b[:, None] * z
    cost = (batch.w * residuals**2).sum(axis=1) + penalty * b**2 + batch.steep * (u**2).sum(axis=1)
    return State(u, c, b, z, residuals, cost)


def minimise(batch: Batch, u: Floats, steps: int = _STEPS) -> State:
    """Levenberg-Marquardt from u [B, m-1], each fit with its own damping."""
    state = project(batch, u)
    damping = np.full(len(u), 1e-2)
    active = np.arange(len(u))
    for _ in range(steps):
        part = batch.rows(active)
        here = State(**{name: value[active] for name, value in vars(state).items()})
        trial = project(part, here.u - _step(part, here, damping[active]))
        better = trial.cost < here.cost
        small = here.cost - trial.cost <= 1e-9 * here.cost
        damping[active] = np.clip(damping[active] * np.where(better, 0.2, 6.0), 1e-10, 1e12)
        here.take(better, trial)
        for name, value in vars(state).items():
            value[active] = getattr(here, name)
        active = active[~(small & (better | (damping[active] > 1e6)))]
        if not len(active):
            break
    return state


def gradient(batch: Batch, state: State) -> Floats:
    """Half the slope [B, m-1] of the cost by u; that c and b follow u changes nothing, as they are optimal."""
    pulled = (batch.w * state.b[:, None] * state.z * state.residuals) @ batch.x
    return np.asarray(pulled + (batch.slope * state.b**2 + batch.steep)[:, None] * state.u)


def _step(batch: Batch, state: State, damping: Floats) -> Floats:
    """The damped Gauss-Newton step [B, m-1] of the problem with c and b projected out (Kaufman's Jacobian)."""
    bent = state.b[:, None] * state.z  # residuals by u are this times x
    weighted = batch.w * bent
    hessian = _products(weighted * bent, batch.x)
    by_c = np.where((state.c > batch.floor)[:, None], weighted @ batch.x, 0.0)
    by_b = (weighted * state.z) @ batch.x - (batch.slope * state.b)[:, None] * state.u
    cross = np.stack([by_c, by_b], axis=1)  # [B, 2, m-1]
    hessian -= np.matmul(cross.transpose(0, 2, 1), np.linalg.solve(_linear_part(batch, state), cross))
    diagonal = np.einsum("bkk->bk", hessian)
    diagonal += (batch.slope * state.b**2 + batch.steep)[:, None]
    diagonal += damping[:, None] * np.maximum(diagonal, 0.0) + 1e-12 * (1 + diagonal.max(axis=1, initial=0.0))[:, None]
    step = np.linalg.solve(hessian, gradient(batch, state)[:, :, None])[:, :, 0]
    length = np.sqrt((step**2).sum(axis=1))[:, None]
    return np.asarray(step * np.minimum(1.0, 5.0 / np.maximum(length, 1e-300)))


def _products(weights: Floats, x: Floats) -> Floats:
    """x' diag(w) x [B, k, k] for each row of weights [B, n] and x [n, k]: one product, without arrays [B, n, k]."""
    size = x.shape[1]
    products = (x[:, :, None] * x[:, None, :]).reshape(len(x), size * size)
    return np.asarray((weights @ products).reshape(len(weights), size, size))


def _linear_part(batch: Batch, state: State) -> Floats:
    """The normal matrix [B, 2, 2] of c and b, made regular where they cannot be told apart."""
    wz = batch.w * state.z
    total = batch.w.sum(axis=1)
    matrix = np.empty((len(total), 2, 2))
    matrix[:, 0, 0] = total * (1 + 1e-10)
    matrix[:, 0, 1] = matrix[:, 1, 0] = np.where(state.c > batch.floor, wz.sum(axis=1), 0.0)
    matrix[:, 1, 1] = (wz * state.z).sum(axis=1) * (1 + 1e-10) + batch.slope * (state.u**2).sum(axis=1)
    return matrix


def starts(batch: Batch) -> list[Floats]:
    """Directions to start from: for some c below all of y, the regression of log(y - c) on the mixture."""
    least, greatest = batch.y.min(axis=1), batch.y.max(axis=1)
    spread = np.maximum(greatest - least, 1e-9 * (1 + np.abs(least)))
    ones = np.column_stack([np.ones(len(batch.x)), batch.x])
    found = []
    for share in _STARTS:
        c = np.maximum(least - share * spread, np.minimum(batch.floor, least - 0.03 * spread))
        gap = batch.y - c[:, None]
        weight = batch.w * gap**2  # the noise of log(y - c) grows as 1 / (y - c)
        normal = _products(weight, ones)
        normal += 1e-6 * np.einsum("bkk->b", normal)[:, None, None] * np.eye(ones.shape[1])
        right = (weight * np.log(gap)) @ ones
        u = -np.linalg.solve(normal, right[:, :, None])[:, 1:, 0]
        length = np.sqrt((u**2).sum(axis=1))[:, None]
        found.append(u * np.minimum(1.0, 10.0 / np.maximum(length, 1e-300)))
    return found


def best_of_starts(batch: Batch) -> State:
    """The least squares fit of every problem of the batch, the best of a few starts, which run side by side."""
    directions, count = starts(batch), len(batch.y)
    state = minimise(batch.rows(np.tile(np.arange(count), len(directions))), np.concatenate(directions))
    best = state.cost.reshape(-1, count).argmin(axis=0) * count + np.arange(count)
    return State(**{name: value[best] for name, value in vars(state).items()})


def huber(batch: Batch, state: State) -> tuple[State, Floats]:
    """The robust fit by reweighting, and the weights [B, n] in (0, 1] that it ends with.

    The scale is estimated again each round, and can only fall: that of the first fit is bent by what is to weigh less.
    """
    sigma = robust_scale(batch, state)
    ample = batch.w.astype(bool).sum(axis=1) >= 2 * (batch.x.shape[1] + 2)  # else a fit may run through half of them
    factors = np.ones_like(batch.w)
    for _ in range(6):
        size = np.maximum(np.abs(state.residuals), 1e-300)
        factors = np.minimum(1.0, HUBER * sigma[:, None] / size)
        if factors.min() == 1.0:
            break
        state = minimise(batch.weighted(batch.w * factors), state.u, steps=12)
        sigma = np.where(ample, np.minimum(sigma, robust_scale(batch, state)), sigma)
    return state, factors


def trimmed(batch: Batch, kept: int) -> State:
    """Fits that start from the batch's own weights and end on the `kept` runs each of them fits best; cost is theirs.

    The steps of Rousseeuw and Van Driessen's FAST-LTS (2006): refit to the runs with the smallest residuals.
    """
    state = best_of_starts(batch)
    chosen = np.zeros_like(batch.w)
    for _ in range(8):
        nearest = np.argsort(np.abs(state.residuals), axis=1)[:, :kept]
        weights = np.zeros_like(batch.w)
        np.put_along_axis(weights, nearest, 1.0, axis=1)
        if (weights == chosen).all():
            break
        chosen = weights
        state = minimise(batch.weighted(weights), state.u, steps=20)
    return state


def robust_scale(batch: Batch, state: State) -> Floats:
    """The noise sd [B] from the median absolute residual of the runs that weigh something, freedoms paid for."""
    used = batch.w > 0
    runs = used.sum(axis=1)
    median = np.nanmedian(np.where(used, np.abs(state.residuals), np.nan), axis=1)
    freedom = np.maximum(runs - batch.x.shape[1] - 2, 0.25 * runs)
    floor = 1e-12 * (1 + np.abs(batch.y).max(axis=1))
    return np.asarray(np.maximum(1.4826 * median * np.sqrt(runs / freedom), floor))
