"""Convex functions of the mixture and their global minimum in a region, by a barrier method with a proof.

Boyd and Vandenberghe, Convex Optimization (2004), chapter 11. The Frank-Wolfe gap of the answer bounds what any
other mixture of the region could gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from emulsion.laws.region import Region
from emulsion.laws.table import Floats

_TOLERANCE = 1e-11  # of the gap, relative to the function's size: far below what any fit can tell apart
_STEPS = 60  # of Newton's method for one barrier; a dozen are usual
_AT_BOUND = 1e-7


class Convex(Protocol):
    """A convex function of the mixture p [m], over the mixtures of a region.

    size(p)  what the value changes by near p, roughly, between one source and another; tolerances are relative to it
    """

    @property
    def region(self) -> Region: ...

    def value(self, p: Floats) -> float: ...

    def gradient(self, p: Floats) -> Floats:
        """[m]"""

    def hessian(self, p: Floats) -> Floats:
        """[m, m]"""

    def size(self, p: Floats) -> float: ...


@dataclass(frozen=True)
class Program:
    """linear . p + sum_i scale_i exp(-A_i . p) + strength * KL(p || prior), over the mixtures of a region.

    linear [m], scale [g] 0 or more, a [g, m], strength 0 or more, prior [m] above 0
    """

    region: Region
    linear: Floats
    scale: Floats
    a: Floats
    strength: float
    prior: Floats

    def value(self, p: Floats) -> float:
        pull = self.strength * (p @ np.log(np.where(p > 0, p, 1.0) / self.prior)) if self.strength else 0.0
        return float(self.linear @ p + self.scale @ np.exp(-self.a @ p) + pull)

    def gradient(self, p: Floats) -> Floats:
        slope = self.linear - self.a.T @ (self.scale * np.exp(-self.a @ p))
        if self.strength:
            slope = slope + self.strength * (1 + np.log(np.maximum(p, 1e-300) / self.prior))
        return np.asarray(slope)

    def hessian(self, p: Floats) -> Floats:
        curve = (self.a.T * (self.scale * np.exp(-self.a @ p))) @ self.a
        return np.asarray(curve + np.diag(self.strength / np.maximum(p, 1e-300)) if self.strength else curve)

    def size(self, p: Floats) -> float:
        """What the value changes by near p, roughly, between one source and another; tolerances are relative to it."""
        steep = np.ptp(self.a, axis=1) * self.scale * np.exp(-self.a @ p)
        return float(np.maximum(np.ptp(self.linear) + steep.sum() + self.strength, 1e-300))


def duality_gap(program: Convex, p: Floats) -> float:
    """No mixture of the region is better than p by more than this (Frank and Wolfe, 1956)."""
    slope = program.gradient(p)
    return float(np.maximum(slope @ (p - program.region.least_linear(slope)), 0.0))


def solve(program: Convex) -> Floats:
    """The mixture [m] of the least value in the program's region."""
    region = program.region
    room = region.high - region.low
    rest = 1 - region.low.sum()
    if rest <= 1e-12 or room.sum() - rest <= 1e-12:
        return np.asarray(region.settle(region.low if rest <= 1e-12 else region.high)[0])
    p = region.low + rest * room / room.sum()  # strictly inside, as shares of the room are neither 0 nor all of it
    free = room > 1e-12
    sharpness = 1.0 / program.size(p)
    while 2 * len(p) / sharpness > _TOLERANCE * program.size(p):
        sharpness *= 8.0
        p = _centre(program, p, free, sharpness)
    return _on_bounds(program, region.settle(p)[0])


def _centre(program: Convex, p: Floats, free: np.ndarray, sharpness: float) -> Floats:
    """Newton's method for sharpness * value - sum of log distances to the bounds, among mixtures."""
    low, high = program.region.low[free], program.region.high[free]
    for _ in range(_STEPS):
        below, above = p[free] - low, high - p[free]
        slope = sharpness * program.gradient(p)[free] - 1 / below + 1 / above
        curve = sharpness * program.hessian(p)[np.ix_(free, free)] + np.diag(below**-2.0 + above**-2.0)
        # In units of the distance to the bounds, else sources at a bound swamp the digits of the others.
        unit = np.minimum(below, above)
        ahead, level = np.linalg.solve(curve * unit[:, None] * unit, np.column_stack([unit * slope, unit])).T
        ahead, level = unit * ahead, unit * level
        move = level * (ahead.sum() / level.sum()) - ahead
        move -= level * (move.sum() / level.sum())
        fall = float(-slope @ move)
        if fall <= 1e-9:
            break
        far = np.max(np.maximum(-move / below, move / above))
        step = min(1.0, 0.95 / far) if far > 0 else 1.0
        here = _barrier(program, p, free, sharpness)
        while step > 1e-12:
            trial = p.copy()
            trial[free] += step * move
            if _barrier(program, trial, free, sharpness) <= here - 0.1 * step * fall + 1e-12 * abs(here):
                break
            step /= 2
        else:
            break
        p = trial
    return p


def _barrier(program: Convex, p: Floats, free: np.ndarray, sharpness: float) -> float:
    below, above = p[free] - program.region.low[free], program.region.high[free] - p[free]
    if min(below.min(), above.min()) <= 0:
        return float("inf")
    return sharpness * program.value(p) - float(np.log(below).sum() + np.log(above).sum())


def _on_bounds(program: Convex, p: Floats) -> Floats:
    """The same with weights put on the bounds they all but touch, where that is no worse beyond rounding."""
    low, high = program.region.low, program.region.high
    near = np.where(p - low < _AT_BOUND, low, np.where(high - p < _AT_BOUND, high, p))
    room = np.minimum(near - low, high - near)
    near[room.argmax()] += 1 - near.sum()  # what is left over goes where there is room, not back off a bound
    trial = program.region.settle(near)[0]
    return trial if program.value(trial) <= program.value(p) + 1e-14 * program.size(p) else p
