"""Which mixtures to try: the points of a swarm.

grid       evenly spaced shares of two sources (Aioli, 2411.05735, section 4.1)
dirichlet  more draws of a Dirichlet than are needed, the closest merged (the same; three sources or more). Merging
           averages corners away, so these points measure a law where mixtures are likely
spread     draws of Dirichlets of many strengths (RegMix, 2407.01492; Olmix, 2602.12237) within bounds and caps, of
           which those farthest apart are kept: down to the corners, where a law is learnt best
regmix     draws around the tempered sizes of the sources, those above a cap on epochs rejected, as RegMix published
corners    each source alone
uniform    all sources alike
proportional  each source by its share of all tokens
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError, unknown
from emulsion.laws.region import Bounds, Region
from emulsion.laws.table import Floats
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed

# Strengths of the Dirichlets: .1 lies near the corners, 5 near the centre (RegMix and Olmix).
_STRENGTHS = np.geomspace(0.1, 5.0, 15)
# The same whatever the count, so that asking for more mixtures keeps those there are.
_DRAWS = 8192
# Mixtures nearer than this, as a share of tokens that differ, are one.
SAME = 1e-3
# RegMix: an exponent of the sizes, epochs of a source relative to its share, and the share that is none.
_TEMPER, _RELATIVE_CAP, _LEAST_SHARE = 0.5, 15.0, 2e-4


def points(settings: Mapping[str, Any], sources: Sequence[str], given: Evidence) -> list[Mixture]:
    """The different mixtures of a swarm, over all sources in their order; the same for the same settings.

    settings  {kind, ...}, as `swarms.{name}.points` in the configuration
    given     `sizes`, `tokens` and `max_epochs`, for those kinds that go by them

    Raises UserError for an unknown kind, and where there are fewer different mixtures.
    """
    if settings["kind"] not in KINDS:
        raise unknown("kind", settings["kind"], KINDS, "points.kind")
    if len(sources) < 2:
        raise UserError(f"points: mixtures need 2 sources or more; there is only {', '.join(sources) or 'none'}.")
    return KINDS[settings["kind"]](settings, list(sources), given)


def needs_sizes(settings: Mapping[str, Any]) -> bool:
    """Whether the points depend on how many tokens the sources have."""
    return settings["kind"] in ("spread", "regmix", "proportional")


def count_of(settings: Mapping[str, Any], sources: Sequence[str]) -> int:
    """How many points there will be: three for each source and three more where `count` is left out."""
    fixed = {"corners": len(sources), "uniform": 1, "proportional": 1}
    return fixed.get(settings["kind"]) or int(settings.get("count") or 3 * len(sources) + 3)


def names_of(swarm: str, settings: Mapping[str, Any], sources: Sequence[str]) -> list[str]:
    """The names of a swarm's points, in their order: by the one source that each has alone, or numbered."""
    if settings["kind"] == "corners":
        return [f"{swarm}_{source}" for source in sources]
    return [f"{swarm}_{number:02d}" for number in range(count_of(settings, sources))]


def _grid(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    if len(sources) != 2:
        raise UserError(
            f"points.kind: a grid is for 2 sources, and there are {len(sources)} ({', '.join(sources)}); "
            "use {kind: dirichlet, count, concentration, oversampling, seed}."
        )
    first, second = sources
    last = settings["count"] + 1
    return [Mixture({first: step, second: last - step}) for step in range(1, last)]


def _dirichlet(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    """oversampling x count draws, the closest pair merged until `count` are left.

    The most central comes first, then always the one farthest from those before, so that the beginning of the list
    covers the simplex too.
    """
    names = sorted(sources)  # drawn by name, so that the order of sources changes nothing
    keys = ("count", "concentration", "oversampling", "seed")
    covered = _covered(len(names), *(settings[key] for key in keys))
    return [Mixture(dict(zip(names, map(float, point), strict=True))).over(sources) for point in covered]


@functools.lru_cache(maxsize=64)
def _covered(sources: int, count: int, concentration: float, oversampling: int, seed: int) -> Floats:
    """The points [count, sources] of `_dirichlet`, drawn once for all of them: a plan asks for each by its number."""
    random = np.random.default_rng(derive_seed(seed, "sweep"))
    draws = random.dirichlet(np.full(sources, float(concentration)), oversampling * count)
    covered = farthest_first(merge_closest(draws, count))
    if np.sqrt(_nearest(covered)[1].min()) < 1e-6:
        raise UserError(
            f"points: {count} draws of a Dirichlet of concentration {concentration} over {sources} sources are not all "
            "different; raise the concentration or ask for fewer points."
        )
    return covered


def _spread(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    low, high = settings["bounds"]
    # By name, so that the order of sources changes nothing.
    names, caps = sorted(sources), epoch_caps(given, sources, (low, high))
    try:
        drawn = design(settings["count"], names, (low, high), caps, settings["seed"])
    except UserError as error:
        if given.strict or not caps:
            raise
        _warn_of(error)
        drawn = design(settings["count"], names, (low, high), None, settings["seed"])
    return [mixture.over(sources) for mixture in drawn]


def _regmix(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    """As RegMix samples (2407.01492, and its code).

    A draw is kept where no source exceeds `_RELATIVE_CAP` times its share of all tokens; shares below `_LEAST_SHARE`
    become 0. Their code drops a draw that equals its neighbour in sorted order; ours one that equals any other.
    """
    names = sorted(sources)
    sizes = np.array([given.sizes[name] for name in names], dtype=float)
    share = sizes / sizes.sum()
    base = share**_TEMPER / (share**_TEMPER).sum()
    random = np.random.default_rng(derive_seed(settings["seed"], "regmix"))
    kept: dict[tuple[float, ...], Floats] = {}
    for _ in range(200):  # rejection is rare unless sizes differ by orders of magnitude
        strengths = random.choice(_STRENGTHS, size=settings["count"])
        draws = random.standard_gamma(np.maximum(strengths[:, None] * base, 1e-3))
        draws = draws / np.maximum(draws.sum(axis=1, keepdims=True), 1e-300)
        for draw in draws[(draws <= np.minimum(_RELATIVE_CAP * share, 1.0)).all(axis=1)]:
            row = np.where(draw < _LEAST_SHARE, 0.0, draw)
            if row.sum() > 0:
                kept.setdefault(tuple(np.round(row / row.sum(), 5).tolist()), row / row.sum())
        if len(kept) >= settings["count"]:
            rows = list(kept.values())[: settings["count"]]
            return [Mixture(dict(zip(names, row.tolist(), strict=True))).over(sources) for row in rows]
    raise UserError(
        f"points: {settings['count']} mixtures were asked for, but with a cap of {_RELATIVE_CAP:g} times its share on "
        f"each source only {len(kept)} could be drawn; use {{kind: spread}}."
    )


def _corners(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    return [Mixture({each: float(each == source) for each in sources}) for source in sources]


def _uniform(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    return [Mixture.uniform(sources)]


def _proportional(settings: Mapping[str, Any], sources: list[str], given: Evidence) -> list[Mixture]:
    return [Mixture({source: given.sizes[source] for source in sources})]


KINDS: dict[str, Callable[[Mapping[str, Any], list[str], Evidence], list[Mixture]]] = {
    "grid": _grid,
    "dirichlet": _dirichlet,
    "spread": _spread,
    "regmix": _regmix,
    "corners": _corners,
    "uniform": _uniform,
    "proportional": _proportional,
}

# The settings that each kind goes by.
SETTINGS: dict[str, tuple[str, ...]] = {
    "grid": ("count",),
    "dirichlet": ("count", "concentration", "oversampling", "seed"),
    "spread": ("count", "bounds", "seed"),
    "regmix": ("count", "seed"),
    "corners": (),
    "uniform": (),
    "proportional": (),
}


def epoch_caps(given: Evidence, sources: Sequence[str], bounds: Bounds | None) -> dict[str, float]:
    """The greatest weight of each source that repeats it no more often than the run may.

    Where no mixture within the bounds keeps them and more is only warned of, there are none.
    """
    if not given.tokens:
        return {}
    caps = {source: min(1.0, given.max_epochs * size / given.tokens) for source, size in given.sizes.items()}
    if not given.strict:
        try:
            Region.of(sources, bounds, caps)
        except UserError as error:
            _warn_of(error)
            return {}
    return caps


def _warn_of(error: UserError) -> None:
    logging.warning("%s `max_epochs` is only to be warned of, so the caps that follow from it are left out.", error)


def design(
    count: int,
    sources: Sequence[str],
    bounds: Bounds | None = (0.1, 0.6),
    caps: Mapping[str, float] | None = None,
    seed: int = 0,
    prior: Mapping[str, float] | None = None,
) -> list[Mixture]:
    """`count` different mixtures within bounds and caps, the most central first; the same for the same seed.

    A longer design begins with the shorter one, so that points can be added without losing those that are trained.
    prior  {source: weight} that the draws scatter around; None for the uniform mixture

    Raises UserError where the region is empty, or too small to hold that many different mixtures.
    """
    if count < 1:
        raise UserError(f"design: {count} mixtures were asked for; at least 1 is needed.")
    region = Region.of(sources, bounds, caps)
    centre = region.even()
    if prior is not None:
        centre = region.project(np.array([[Mixture(prior).over(list(sources))[source] for source in sources]]))[0]
    drawn = np.concatenate([centre[None, :], swarm(region, _DRAWS, derive_seed(seed, "design"), centre)])
    chosen = farthest(drawn, count)
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


def farthest(rows: Floats, count: int, same: float = SAME) -> Floats:
    """At most `count` of the points [k, m]: the first, then always the one farthest from those chosen before.

    Stops early where all others are the same as a chosen one: half the sum of differences below `same`.
    """
    chosen = [0]
    distance = differ(rows, rows[0])
    while len(chosen) < count:
        index = int(distance.argmax())
        if distance[index] < same:
            break
        chosen.append(index)
        distance = np.minimum(distance, differ(rows, rows[index]))
    return rows[chosen]


def differ(rows: Floats, point: Floats) -> Floats:
    """The share of tokens [k] that differ between each of the points and `point`."""
    return np.asarray(np.abs(rows - point).sum(axis=1) / 2)


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
