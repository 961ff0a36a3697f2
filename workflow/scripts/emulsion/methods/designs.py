"""Which mixtures to try: a swarm of Dirichlet draws inside the bounds, thinned to points that lie far apart.

RegMix (2407.01492) and Olmix (2602.12237) draw from Dirichlets of many strengths; Aioli (2411.05735, appendix)
draws too many and merges the closest. Keeping the farthest does the same in one pass, and keeps the corners
of the region, where a law is learnt best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.region import Bounds, Region
from emulsion.laws.table import Floats
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed

# Strengths of the Dirichlets: .1 lies near the corners, 5 near the centre (RegMix and Olmix).
_STRENGTHS = np.geomspace(0.1, 5.0, 15)
# The same whatever the count, so that asking for more mixtures keeps those there are.
_DRAWS = 8192
# Mixtures nearer than this, as a share of tokens that differ, are one.
SAME = 1e-3


def design(
    count: int,
    sources: Sequence[str],
    bounds: Bounds | None = (0.1, 0.6),
    caps: Mapping[str, float] | None = None,
    seed: int = 0,
    prior: Mapping[str, float] | None = None,
) -> list[Mixture]:
    """`count` different mixtures within bounds and caps, the most central first; the same for the same seed.

    A longer design begins with the shorter one, so that proxies can be added without losing those that are trained.
    prior  {source: weight} that the swarm scatters around; None for the uniform mixture

    Raises UserError where the region is empty, or too small to hold so many different mixtures.
    """
    if count < 1:
        raise UserError(f"design: {count} mixtures were asked for; at least 1 is needed.")
    region = Region.of(sources, bounds, caps)
    centre = region.project(np.full((1, len(sources)), 1 / len(sources)))
    if prior is not None:
        centre = region.project(np.array([[Mixture(prior).over(list(sources))[source] for source in sources]]))
    points = np.concatenate([centre, swarm(region, _DRAWS, derive_seed(seed, "design"), centre[0])])
    chosen = farthest(points, count)
    if len(chosen) < count:
        raise UserError(
            f"design: the bounds leave room for only {len(chosen)} different mixtures of {', '.join(sources)}, but "
            f"{count} were asked for. Widen the bounds and caps, or ask for fewer."
        )
    return [region.mixture(point) for point in chosen]


def swarm(region: Region, draws: int, seed: int, centre: Floats | None = None) -> Floats:
    """Mixtures [draws, m] of the region: Dirichlet shares of what the lower bounds leave, projected under the caps.

    centre [m]: where strong Dirichlets gather; the uniform mixture where None
    """
    random = np.random.default_rng(seed)
    m, room = len(region.sources), 1 - region.low.sum()
    base = np.full(m, 1 / m)
    if centre is not None and room > SAME:
        base = np.maximum(centre - region.low, 0.02 / m * room)
        base = base / base.sum()
    strengths = m * np.resize(_STRENGTHS, draws)
    shares = random.standard_gamma(strengths[:, None] * base)
    total = shares.sum(axis=1, keepdims=True)
    shares = np.where(total > 0, shares / np.where(total > 0, total, 1.0), base)
    return region.project(region.low + room * shares)


def farthest(points: Floats, count: int, same: float = SAME) -> Floats:
    """At most `count` of the points [k, m]: the first, then always the one farthest from those chosen before.

    Stops early where all others are the same as a chosen one: half the sum of differences below `same`.
    """
    chosen = [0]
    distance = _differ(points, points[0])
    while len(chosen) < count:
        index = int(distance.argmax())
        if distance[index] < same:
            break
        chosen.append(index)
        distance = np.minimum(distance, _differ(points, points[index]))
    return points[chosen]


def _differ(points: Floats, point: Floats) -> Floats:
    """The share of tokens [k] that differ between each of the points and `point`."""
    return np.asarray(np.abs(points - point).sum(axis=1) / 2)
