"""The best mixture of a law: the problem is convex, so the optimum is global, and a duality gap proves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.laws.convex import Program, solve
from emulsion.laws.hull import hull_distance
from emulsion.laws.interface import ConvexLaw
from emulsion.laws.region import Bounds, Region
from emulsion.laws.table import Floats, as_rows
from emulsion.mixture import Mixture


@dataclass(frozen=True)
class Optimum:
    """loss      predicted weighted mean of the groups' values at the mixture, without the pull to a prior
    gap       what any other mixture of the region could gain at most, by the law
    distance  share of tokens that must change to reach the hull of the runs; None where no runs were given
    """

    mixture: Mixture
    loss: float
    gap: float
    distance: float | None


def minimize_law(
    law: ConvexLaw,
    bounds: Bounds | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    caps: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    strength: float = 0.0,
) -> Mixture:
    """The mixture of least weighted mean predicted loss within bounds and caps: the global optimum.

    law       a static, dynamic or linear law: those are convex
    bounds    one (low, high) for every source or {source: (low, high)}; None for the whole simplex
    caps      {source: greatest weight}, as from the epochs a source has for the tokens of a run
    weights   per group, by name or in the law's order, 0 or more; None weighs all alike
    prior     and strength: strength * KL(p || prior) is added to the loss; None for the uniform mixture
    """
    return law_optimum(law, bounds, weights, caps, prior, strength).mixture


def law_optimum(
    law: ConvexLaw,
    bounds: Bounds | None = None,
    weights: Mapping[str, float] | Sequence[float] | None = None,
    caps: Mapping[str, float] | None = None,
    prior: Mapping[str, float] | None = None,
    strength: float = 0.0,
    runs: Any = None,
) -> Optimum:
    """As `minimize_law`, with the predicted loss, its proof, and how far from the `runs` [n, m] the law is trusted."""
    if not isinstance(law, ConvexLaw):
        raise UserError(f"law: a {type(law).__name__} is not convex in the mixture; search it with emulsion.methods.")
    region = Region.of(law.sources, bounds, caps)
    share = _group_weights(law.groups, weights)
    linear, scale, a = law.convex_terms()
    if scale.min(initial=0.0) < 0:
        raise UserError("law: a group's b is below 0, so that its loss is not convex; fitted laws have b of 0 or more.")
    program = Program(region, share @ linear, share * scale, a, *_pull(law.sources, prior, strength))
    start = region.project(np.full((1, len(law.sources)), 1 / len(law.sources)))[0]
    flat = strength == 0 and np.ptp(program.linear) == 0 and np.ptp(a[program.scale > 0], axis=1).max(initial=0.0) == 0
    best = start if flat else solve(program)  # where nothing depends on the mixture, the central one
    mixture = region.mixture(best)
    distance = None if runs is None else hull_distance(best, as_rows(runs, law.sources))
    return Optimum(mixture, float(share @ law.predict(best[None, :])[0]), program.gap(best), distance)


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
