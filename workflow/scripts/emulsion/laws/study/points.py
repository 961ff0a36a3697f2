"""The mixtures of a sweep that laws are fitted to: a grid of two sources, or a cover of the simplex by a Dirichlet.

These are the points of the Aioli paper (2411.05735, section 4.1): nine shares of two sources; else more draws of a
Dirichlet than are needed, of which the closest are merged. The optimiser has a design of its own, in
`emulsion.methods.designs`: it keeps the draws that lie farthest apart, inside bounds and caps and down to the corners,
where a law is learnt best and an optimum may lie. Merging averages corners away; so these points measure a law where
mixtures are likely, and are comparable with what is published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError, unknown
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed

Floats = NDArray[np.float64]

KINDS = ("grid", "dirichlet")
# Points nearer than this, as the Euclidean distance of their shares, would be trained twice for nothing.
SAME = 1e-6


def sweep_points(settings: Mapping[str, Any], sources: Sequence[str]) -> list[Mixture]:
    """The different mixtures of a sweep, the same for the same settings and the same set of sources.

    settings  {kind: grid, count}: the shares i / (count + 1) of two sources, the first source's rising; or
              {kind: dirichlet, count, concentration, oversampling, seed}: oversampling x count draws, of which the
              closest pair becomes its midpoint until `count` are left. The most central comes first, then always the
              one farthest from those before, so that the beginning of the list covers the simplex too.

    Raises UserError for a grid of other than two sources, and where the draws are not different enough.
    """
    if settings["kind"] == "grid":
        return _grid(settings["count"], sources)
    if settings["kind"] == "dirichlet":
        return _cover(settings, sources)
    raise unknown("kind", settings["kind"], KINDS, "points.kind")


def _grid(count: int, sources: Sequence[str]) -> list[Mixture]:
    if len(sources) != 2:
        raise UserError(
            f"points.kind: a grid is for 2 sources, and there are {len(sources)} ({', '.join(sources)}); "
            "use {kind: dirichlet, count, concentration, oversampling, seed}."
        )
    first, second = sources
    return [Mixture({first: step, second: count + 1 - step}) for step in range(1, count + 1)]


def _cover(settings: Mapping[str, Any], sources: Sequence[str]) -> list[Mixture]:
    if len(sources) < 2:
        raise UserError(f"points: mixtures need 2 sources or more; there is only {', '.join(sources) or 'none'}.")
    count, names = settings["count"], sorted(sources)  # drawn by name, so that the order of sources changes nothing
    random = np.random.default_rng(derive_seed(settings["seed"], "sweep"))
    draws = random.dirichlet(np.full(len(names), float(settings["concentration"])), settings["oversampling"] * count)
    points = farthest_first(merge_closest(draws, count))
    if np.sqrt(_nearest(points)[1].min()) < SAME:
        raise UserError(
            f"points: {count} draws of a Dirichlet of concentration {settings['concentration']} over "
            f"{len(names)} sources are not all different; raise the concentration or ask for fewer points."
        )
    return [Mixture(dict(zip(names, map(float, point), strict=True))).over(list(sources)) for point in points]


def merge_closest(points: Floats, count: int) -> Floats:
    """`count` of the points [k, m], the closest pair again and again replaced by its midpoint.

    The midpoint is not weighted by how many points it stands for. Only the neighbours that a merge can have changed are
    looked for again, so that k points take k passes over k x m numbers.
    """
    points = points.copy()
    nearest, distance = _nearest(points)
    there = np.ones(len(points), dtype=bool)
    for _ in range(len(points) - count):
        kept = int(distance.argmin())
        gone = int(nearest[kept])
        points[kept] = (points[kept] + points[gone]) / 2
        there[gone], distance[gone] = False, np.inf
        for index in np.flatnonzero(there & ((nearest == kept) | (nearest == gone))):
            apart = _apart(points, int(index), there)
            nearest[index], distance[index] = apart.argmin(), apart.min()
        apart = _apart(points, kept, there)
        closer = apart < distance
        nearest[closer], distance[closer] = kept, apart[closer]
    return points[there]


def farthest_first(points: Floats) -> Floats:
    """The points [k, m], the one nearest to the centre first, then always the one farthest from those before."""
    left = ((points - 1 / points.shape[1]) ** 2).sum(axis=1)
    order = [int(left.argmin())]
    left = np.full(len(points), np.inf)
    while len(order) < len(points):
        left = np.minimum(left, ((points - points[order[-1]]) ** 2).sum(axis=1))
        left[order] = -np.inf
        order.append(int(left.argmax()))
    return points[order]


def _nearest(points: Floats) -> tuple[NDArray[np.int64], Floats]:
    """For each of the points [k, m] the index of another that is nearest, and its squared distance."""
    there = np.ones(len(points), dtype=bool)
    apart = [_apart(points, index, there) for index in range(len(points))]
    return np.array([row.argmin() for row in apart]), np.array([row.min() for row in apart])


def _apart(points: Floats, index: int, there: NDArray[np.bool_]) -> Floats:
    """Squared distances [k] from one of the points to those that are there; infinite to itself."""
    squared: Floats = ((points - points[index]) ** 2).sum(axis=1)
    squared[~there] = squared[index] = np.inf
    return squared
