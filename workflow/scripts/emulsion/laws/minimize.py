"""The best mixture of a law. Where the law is convex the optimum is global, and a duality gap proves it.

A smooth law, such as the Gaussian process or the one that sees epochs, is searched from many starts, and the best end
is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emulsion.errors import UserError, unknown
from emulsion.laws.convex import Program, duality_gap, solve
from emulsion.laws.law import ConvexLaw, SmoothLaw
from emulsion.laws.region import Bounds, Region, hull_distance
from emulsion.laws.table import Floats, as_rows
from emulsion.mixture import Mixture


@dataclass(frozen=True)
class Optimum:
    """loss      predicted weighted mean of the groups' values at the mixture, without the pull to a prior
    gap       what any other mixture of the region could gain at most, by the law; None where it is not convex
    distance  share of tokens that must change to reach the hull of the runs; None where no runs were given
    """

    mixture: Mixture
    loss: float
    gap: float | None
    distance: float | None


def minimize_law(
    law: ConvexLaw | SmoothLaw,
    bounds: Bounds | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    caps: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    strength: float = 0.0,
) -> Mixture:
    """The mixture of least weighted mean predicted loss within bounds and caps.

    law       a static, dynamic or linear law, which are convex: the global optimum; or one whose slopes are known
    bounds    one (low, high) for every source or {source: (low, high)}; None for the whole simplex
    caps      {source: greatest weight}, as from the epochs a source has for the tokens of a run
    weights   per group, by name or in the law's order, 0 or more; None weighs all alike
    prior     and strength: strength * KL(p || prior) is added to the loss; None for the uniform mixture
    """
    return law_optimum(law, bounds, weights, caps, prior, strength).mixture


def law_optimum(
    law: ConvexLaw | SmoothLaw,
    bounds: Bounds | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    caps: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    strength: float = 0.0,
    runs: Any = None,
) -> Optimum:
    """As `minimize_law`, with the predicted loss, its proof, and how far from the `runs` [n, m] the law is trusted."""
    if not isinstance(law, ConvexLaw | SmoothLaw):
        raise UserError(
            f"law: of a {type(law).__name__} neither a convex form nor slopes are known; "
            "search it with emulsion.methods."
        )
    region = Region.of(law.sources, bounds, caps)
    share = _group_weights(law.groups, weights)
    pull = _pull(law.sources, prior, strength)
    gap: float | None = None
    if isinstance(law, ConvexLaw):
        best, gap = _solve(law, region, share, *pull)
    else:
        best = _search(law, region, share, *pull)
    distance = None if runs is None else hull_distance(best, as_rows(runs, law.sources))
    return Optimum(region.mixture(best), float(share @ law.predict(best[None, :])[0]), gap, distance)


def _solve(law: ConvexLaw, region: Region, share: Floats, strength: float, prior: Floats) -> tuple[Floats, float]:
    """The global optimum [m] of a convex law, and its gap."""
    linear, scale, a = law.convex_terms()
    if scale.min(initial=0.0) < 0:
        raise UserError("law: a group's b is below 0, so that its loss is not convex; fitted laws have b of 0 or more.")
    program = Program(region, share @ linear, share * scale, a, strength, prior)
    flat = strength == 0 and np.ptp(program.linear) == 0 and np.ptp(a[program.scale > 0], axis=1).max(initial=0.0) == 0
    # Where nothing depends on the mixture, the central one.
    best = region.even() if flat else solve(program)
    return best, duality_gap(program, best)


def _search(law: SmoothLaw, region: Region, share: Floats, strength: float, prior: Floats) -> Floats:
    """The best end [m] of searches by slopes, from the centre and from near each source alone; no proof."""
    m = len(region.sources)

    def value(p: Floats) -> tuple[float, Floats]:
        # A search steps off the simplex; its values go with the mixture, and its slopes along the simplex.
        row = np.maximum(p, 1e-12) / np.maximum(p, 1e-12).sum()
        level, slope = float(share @ law.predict(row[None, :])[0]), share @ law.gradient(row[None, :])[0]
        if strength:
            level += strength * float(row @ np.log(row / prior))
            slope = slope + strength * (1 + np.log(row / prior))
        return level, np.asarray(slope - slope @ row)

    ends = []
    for start in region.project(np.vstack([np.full(m, 1 / m), 0.7 * np.eye(m) + 0.3 / m])):
        ends += [downhill(value, region, start), start]
    return min(ends, key=lambda p: value(p)[0])


def downhill(value: Callable[[Floats], tuple[float, Floats]], region: Region, start: Floats) -> Floats:
    """Where slopes lead from a mixture [m] of a region; value: (of about 1 in size, its slopes [m]) of a row [m].

    On its way it leaves the simplex, where the value is to be that of the mixture nearest by shares.
    """
    found = scipy.optimize.minimize(
        value,
        start,
        jac=True,
        method="SLSQP",
        bounds=list(zip(region.low, region.high, strict=True)),
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1, "jac": np.ones_like},
        options={"ftol": 1e-10, "maxiter": 200},
    )
    return np.asarray(region.project(found.x[None, :])[0])


def _pull(sources: Sequence[str], prior: Mapping[str, float] | None, strength: float) -> tuple[float, Floats]:
    mixture = Mixture.uniform(list(sources)) if prior is None else Mixture(prior, "prior").over(list(sources))
    weights = np.array(list(mixture.values()))
    if not 0 <= strength < float("inf") or (strength > 0 and weights.min() <= 0):
        raise UserError("prior: the strength must be 0 or more, and the prior must give every source a weight above 0.")
    return float(strength), weights


def _group_weights(groups: Sequence[str], weights: Mapping[str, float] | Sequence[float] | None) -> Floats:
    if weights is None:
        return np.full(len(groups), 1 / len(groups))
    if isinstance(weights, Mapping):
        for group in weights:
            if group not in groups:
                raise unknown("group", group, groups, "weights")
        weights = [weights.get(group, 0.0) for group in groups]
    array = np.asarray(weights, dtype=np.float64)
    if array.shape != (len(groups),) or not np.isfinite(array).all() or array.min() < 0 or array.sum() <= 0:
        raise UserError(f"weights: {weights} must be one number of 0 or more for each of {list(groups)}, not all 0.")
    return np.asarray(array / array.sum())
