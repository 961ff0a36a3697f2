"""The best mixture of a law, with proof: the problem is convex, so a duality gap bounds what is left to gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from emulsion.errors import UserError, unknown
from emulsion.laws.region import Bounds, Region
from emulsion.laws.static import StaticLaw
from emulsion.laws.table import Floats
from emulsion.mixture import Mixture

# Of the duality gap, relative to the reducible loss: far below what any fit can tell apart.
_TOLERANCE = 1e-9
_STEPS = 1000
_AT_BOUND = 1e-6


@dataclass(frozen=True)
class _Program:
    """Minimise sum_i scale_i exp(-A_i . p) over a region; scales sum to 1 at the start, so values are about 1."""

    a: Floats
    scale: Floats
    region: Region

    def value(self, p: Floats) -> float:
        return float(self.scale @ np.exp(-self.a @ p))

    def gradient(self, p: Floats) -> Floats:
        return np.asarray(-self.a.T @ (self.scale * np.exp(-self.a @ p)))

    def hessian(self, p: Floats) -> Floats:
        return np.asarray((self.a.T * (self.scale * np.exp(-self.a @ p))) @ self.a)

    def gap(self, p: Floats) -> float:
        """No mixture of the region is better than p by more than this (Frank and Wolfe, 1956)."""
        slope = self.gradient(p)
        return float(slope @ (p - self.region.least_linear(slope)))


def minimize_law(
    law: StaticLaw,
    bounds: Bounds | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    caps: Mapping[str, float] | None = None,
) -> Mixture:
    """The mixture of least weighted mean predicted loss within bounds and caps: the global optimum.

    bounds   one (low, high) for every source or {source: (low, high)}; None for the whole simplex
    caps     {source: greatest weight}
    weights  per group, by name or in the law's order, 0 or more; None weighs all alike
    """
    region = Region.of(law.sources, bounds, caps)
    start = region.project(np.full((1, len(law.sources)), 1 / len(law.sources)))[0]
    scale = _group_weights(law, weights) * np.maximum(law.b, 0.0)
    total = float(scale @ np.exp(-law.A @ start))
    if total <= 0 or np.ptp(law.A, axis=1).max() == 0:
        return region.mixture(start)  # nothing depends on the mixture
    program = _Program(law.A, scale / total, region)
    close = _newton(program, min((start, _slsqp(program, start)), key=program.value))
    return region.mixture(_newton(program, _descend(program, close)))


def _group_weights(law: StaticLaw, weights: Mapping[str, float] | Sequence[float] | None) -> Floats:
    if weights is None:
        return np.full(len(law.groups), 1 / len(law.groups))
    if isinstance(weights, Mapping):
        for group in weights:
            if group not in law.groups:
                raise unknown("group", group, law.groups, "weights")
        weights = [weights.get(group, 0.0) for group in law.groups]
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (len(law.groups),) or not np.isfinite(array).all() or array.min() < 0 or array.sum() <= 0:
        raise UserError(
            f"weights: {weights} must be one number of 0 or more for each of {list(law.groups)}, not all 0."
        )
    return np.asarray(array / array.sum())


def _slsqp(program: _Program, start: Floats) -> Floats:
    """Close to the optimum in a few dozen steps, most times."""
    found = minimize(
        program.value,
        start,
        jac=program.gradient,
        method="SLSQP",
        bounds=list(zip(program.region.low, program.region.high, strict=True)),
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        options={"maxiter": 300, "ftol": 1e-15},
    )
    return program.region.project(found.x)[0] if np.isfinite(found.x).all() else start


def _newton(program: _Program, p: Floats, steps: int = 5) -> Floats:
    """Newton steps among the sources that are not at a bound: they square an error that is small already."""
    for _ in range(steps):
        low, high = program.region.low, program.region.high
        free = (p > low + _AT_BOUND) & (p < high - _AT_BOUND)
        count = int(free.sum())
        if program.gap(p) <= _TOLERANCE * 1e-3 or count < 2:
            break
        system = np.ones((count + 1, count + 1))
        system[:count, :count] = program.hessian(p)[np.ix_(free, free)]
        system[count, count] = 0.0
        move = np.zeros_like(p)
        move[free] = np.linalg.lstsq(system, np.append(-program.gradient(p)[free], 0.0))[0][:count]
        settled = np.where(p <= low + _AT_BOUND, low, np.where(p >= high - _AT_BOUND, high, p))
        trial = program.region.project(settled + move)[0]
        if program.gap(trial) >= program.gap(p):
            break
        p = trial
    return p


def _descend(program: _Program, p: Floats) -> Floats:
    """Accelerated projected gradient steps (Beck and Teboulle, 2009), with restarts, until the gap is closed."""
    ahead, momentum, rate = p, 1.0, 1.0
    for _ in range(_STEPS):
        if program.gap(p) <= _TOLERANCE:
            break
        slope, here = program.gradient(ahead), program.value(ahead)
        while True:
            step = program.region.project(ahead - rate * slope)[0]
            move = step - ahead
            if program.value(step) <= here + slope @ move + move @ move / (2 * rate) + 1e-16 or rate < 1e-12:
                break
            rate /= 2
        grown = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        worse = program.value(step) > program.value(p)
        ahead = p if worse else program.region.project(step + (momentum - 1) / grown * (step - p))[0]
        p, momentum = (p, 1.0) if worse else (step, grown)
    return p
