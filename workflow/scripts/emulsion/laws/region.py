"""The bounded simplex: the mixtures that keep each source between its bounds and sum to one, exactly.

And how far a mixture lies from those that were tried: beyond them, a law extrapolates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emulsion.errors import UserError, unknown
from emulsion.fields import WEIGHT
from emulsion.laws.table import Floats
from emulsion.mixture import Mixture

Pair = tuple[float, float]
Bounds = Pair | Sequence[float] | Mapping[str, Sequence[float]]

_SLACK = 1e-12
_INSIDE = 1e-7  # of the hull: the solver's own tolerance


@dataclass(frozen=True)
class Region:
    """low [m] <= weights <= high [m], of the sources in this order; every bound is one that a mixture can reach."""

    sources: tuple[str, ...]
    low: Floats
    high: Floats

    @classmethod
    def of(
        cls, sources: Sequence[str], bounds: Bounds | None = None, caps: Mapping[str, float] | None = None
    ) -> Region:
        """The region of bounds and caps on the normalised weights.

        bounds  one (low, high) for every source, or {source: (low, high)}, others free; None for the whole simplex
        caps    {source: greatest weight}, as from the epochs a source has for the tokens of a run

        Raises UserError, in words, where a name is unknown or no mixture can keep the bounds.
        """
        if not sources or len(set(sources)) != len(sources):
            raise UserError(f"bounds: the sources {list(sources)} must be named, each once.")
        pairs = _pairs(sources, bounds)
        for source, cap in (caps or {}).items():
            if source not in pairs:
                raise unknown("source", source, sources, "caps")
            if not 0 <= cap < math.inf:
                raise UserError(f"caps.{source}: the cap {cap!r} is not a weight; it must be 0 or more.")
            pairs[source] = (pairs[source][0], min(pairs[source][1], float(cap)))
        low, high = (np.array(side) for side in zip(*pairs.values(), strict=True))
        _require_feasible(pairs, low, high)
        low = np.minimum(low, high)
        reachable = np.minimum(high, 1 - (low.sum() - low)), np.maximum(low, 1 - (high.sum() - high))
        return cls(tuple(sources), np.minimum(reachable[1], reachable[0]), np.maximum(reachable[0], reachable[1]))

    def contains(self, weights: Floats, slack: float = _SLACK) -> bool:
        """Whether all of the rows [k, m] keep the bounds and sum to one."""
        rows = np.atleast_2d(weights)
        inside = (rows >= self.low - slack) & (rows <= self.high + slack)
        return bool(inside.all() and (np.abs(rows.sum(axis=1) - 1) <= slack).all())

    def project(self, weights: Floats) -> Floats:
        """The nearest mixtures of the region to rows [k, m], Euclidean: clip(x - t) with the t that sums to one."""
        rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
        least, most = (rows - self.high).min(axis=1), (rows - self.low).max(axis=1)
        for _ in range(60):
            middle = (least + most) / 2
            too_much = np.minimum(np.maximum(rows - middle[:, None], self.low), self.high).sum(axis=1) > 1
            least, most = np.where(too_much, middle, least), np.where(too_much, most, middle)
        return self.settle(np.clip(rows - most[:, None], self.low, self.high))

    def even(self) -> Floats:
        """The mixture [m] of the region nearest to equal shares."""
        m = len(self.sources)
        return np.asarray(self.project(np.full((1, m), 1 / m))[0])

    def settle(self, weights: Floats) -> Floats:
        """Rows [k, m] that are in the region up to rounding, put in it exactly: the sum is 1.0 as floats go."""
        rows = np.clip(np.atleast_2d(weights), self.low, self.high)
        for row in rows:
            for _ in range(8):
                rest = 1 - math.fsum(row)
                if rest == 0:
                    break
                room = self.high - row if rest > 0 else row - self.low
                index = int(room.argmax())
                row[index] += math.copysign(min(abs(rest), room[index]), rest)
        return np.asarray(rows)

    def from_cube(self, cube: Floats) -> Floats:
        """The mixtures [k, m] of points [k, m-1] of the unit cube: onto the region, and one to one inside it.

        Each coordinate places one source between what the sources after it leave necessary and possible.
        """
        m = len(self.sources)
        rows = np.empty((len(cube), m))
        left = np.ones(len(cube))
        for j in range(m - 1):
            low, high = self._between(j, left)
            rows[:, j] = low + np.clip(cube[:, j], 0.0, 1.0) * (high - low)
            left = left - rows[:, j]
        rows[:, -1] = left
        return np.clip(rows, self.low, self.high)

    def to_cube(self, weights: Floats) -> Floats:
        """The points [k, m-1] of the unit cube that `from_cube` maps to mixtures [k, m]; 1/2 where any does."""
        rows = np.atleast_2d(weights)
        cube = np.empty((len(rows), len(self.sources) - 1))
        left = np.ones(len(rows))
        for j in range(len(self.sources) - 1):
            low, high = self._between(j, left)
            free = high - low > _SLACK
            cube[:, j] = np.where(free, (rows[:, j] - low) / np.where(free, high - low, 1.0), 0.5)
            left = left - rows[:, j]
        return np.clip(cube, 0.0, 1.0)

    def _between(self, j: int, left: Floats) -> tuple[Floats, Floats]:
        """Least and greatest weight [k] of source j, where `left` [k] is for it and the sources after it."""
        low = np.maximum(self.low[j], left - self.high[j + 1 :].sum())
        return low, np.maximum(np.minimum(self.high[j], left - self.low[j + 1 :].sum()), low)

    def least_linear(self, slope: Floats) -> Floats:
        """The mixture [m] of the region with the least slope . p: the cheapest sources filled up first."""
        weights = self.low.copy()
        for j in np.argsort(slope, kind="stable"):
            weights[j] += min(self.high[j] - self.low[j], max(0.0, 1 - weights.sum()))
        return np.asarray(weights)

    def mixture(self, weights: Floats) -> Mixture:
        """A row [m] as a Mixture, put in the region exactly."""
        return Mixture(dict(zip(self.sources, self.settle(weights)[0].tolist(), strict=True)))


def hull_distance(point: Floats, points: Floats) -> float:
    """The least share of tokens that must change to bring `point` [m] into the convex hull of `points` [n, m].

    Half the sum of absolute differences, minimised over averages of the points by a linear programme; 0 inside.
    """
    n, m = points.shape
    eye, ones, zeros = np.eye(m), np.ones(n), np.zeros(m)
    # Variables: n weights of the points, then m parts above and m parts below.
    equal = np.block([[points.T, eye, -eye], [ones[None, :], zeros[None, :], zeros[None, :]]])
    cost = np.concatenate([np.zeros(n), np.full(2 * m, 0.5)])
    found = scipy.optimize.linprog(cost, A_eq=equal, b_eq=np.append(point, 1.0), bounds=(0, None), method="highs")
    if found.status != 0:
        raise RuntimeError(f"hull distance: the linear programme failed: {found.message}")
    return 0.0 if found.fun < _INSIDE else float(found.fun)


def _pairs(sources: Sequence[str], bounds: Bounds | None) -> dict[str, Pair]:
    """{source: (low, high)} in the order of the sources."""
    if bounds is None:
        return dict.fromkeys(sources, (0.0, 1.0))
    if not isinstance(bounds, Mapping):
        return dict.fromkeys(sources, _pair(bounds, "bounds"))
    for source in bounds:
        if source not in sources:
            raise unknown("source", source, sources, "bounds")
    return {s: _pair(bounds[s], f"bounds.{s}") if s in bounds else (0.0, 1.0) for s in sources}


def _pair(bounds: Any, where: str) -> Pair:
    two = isinstance(bounds, Sequence) and len(bounds) == 2 and all(map(WEIGHT[1], bounds))
    if not two or not bounds[0] <= bounds[1] <= 1:
        raise UserError(f"{where}: {bounds!r} must be [low, high] with 0 <= low <= high <= 1.")
    return float(bounds[0]), float(bounds[1])


def _require_feasible(pairs: Mapping[str, Pair], low: Floats, high: Floats) -> None:
    crossed = [source for source, (least, most) in pairs.items() if least > most + _SLACK]
    if crossed:
        source = crossed[0]
        raise UserError(
            f"bounds: source '{source}' must weigh at least {pairs[source][0]:g} but its cap is {pairs[source][1]:g}. "
            f"Lower its bound, or allow more epochs of it."
        )
    if low.sum() > 1 + _SLACK:
        raise UserError(
            f"bounds: the least weights of the {len(pairs)} sources sum to {low.sum():g}, more than 1, so that no "
            f"mixture keeps them. Lower them to at most {1 / len(pairs):.4g} each."
        )
    if high.sum() < 1 - _SLACK:
        raise UserError(
            f"bounds: the greatest weights of the {len(pairs)} sources sum to {high.sum():g}, less than 1, so that no "
            f"mixture keeps them. Raise the upper bounds, or allow more epochs: "
            f"{', '.join(f'{source} at most {most:g}' for source, (_, most) in pairs.items())}."
        )
