"""Differential evolution over mixtures, with the bounds holding on the normalised weights.

Storn and Price, Journal of Global Optimization 11 (1997), as scipy has it. It searches the unit cube, which
`Region.from_cube` maps onto the bounded simplex: every member is a mixture that keeps the bounds. To search raw
weights and normalise afterwards would not: (0.6, 0.6, 0.6, 0.1) within (0.1, 0.6) becomes 0.05 for the last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emulsion.errors import UserError
from emulsion.laws.region import Bounds, Region
from emulsion.laws.table import Floats
from emulsion.methods.designs import farthest, swarm
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed

Scores = Callable[[Floats], Floats]  # mixtures [k, m] -> scores [k], larger is better


@dataclass(frozen=True)
class Pull:
    """A pull towards a prior: strength * KL(p || prior) is taken off the score, in the score's unit per nat."""

    strength: float
    prior: Mixture

    def penalty(self, rows: Floats, sources: Sequence[str]) -> Floats:
        """What is taken off the score of each mixture [k, m]."""
        prior = np.array([self.prior.get(source, 0.0) for source in sources])
        if self.strength < 0 or prior.min() <= 0:
            raise UserError(
                "kl: the strength must be 0 or more, and the prior must give every source a weight above 0."
            )
        terms = rows * np.log(np.where(rows > 0, rows, 1.0) / prior)
        return np.asarray(self.strength * terms.sum(axis=1))


@dataclass(frozen=True)
class SearchResult:
    """The best mixture evaluated, its score, and every evaluation in order, as {"mixture": ..., "score": ...}.

    Scores are the objective's own; with a pull, the best is the one of greatest score less penalty.
    """

    mixture: Mixture
    score: float
    history: list[dict[str, Any]]


class _BudgetSpentError(Exception):
    """Raised inside the evolution when no further evaluation is allowed."""


def search(
    objective: Callable[[Mixture], float],
    sources: Sequence[str],
    bounds: Bounds | None = (0.1, 0.6),
    seed: int = 0,
    *,
    caps: Mapping[str, float] | None = None,
    pull: Pull | None = None,
    generations: int = 40,
    population: int = 8,
    evaluations: int | None = None,
    tolerance: float = 1e-6,
    digits: int = 6,
) -> SearchResult:
    """Maximise objective(Mixture) -> float by differential evolution.

    bounds       one (low, high) for all, or {source: (low, high)}, on the normalised weights
    caps         {source: greatest weight}
    generations  scipy's maxiter; population: scipy's popsize, members per free weight
    evaluations  of different mixtures at most: each may be a training
    tolerance    stop when the scores of the population spread less than this, absolutely
    digits       mixtures that agree to this many decimals are evaluated once
    """
    if evaluations is not None and evaluations < 1:
        raise UserError(f"search: {evaluations} evaluations are allowed; at least 1 is needed.")
    region = Region.of(sources, bounds, caps)
    seen: dict[tuple[float, ...], tuple[Mixture, float, float]] = {}

    def scores(rows: Floats) -> Floats:
        return np.array([_evaluate(objective, region, row, pull, seen, evaluations, digits) for row in rows])

    with suppress(_BudgetSpentError):
        evolve(scores, region, seed, generations, population, tolerance, together=False)
    mixture, score, _ = max(seen.values(), key=lambda found: found[2])
    return SearchResult(mixture, score, [{"mixture": dict(m), "score": s} for m, s, _ in seen.values()])


def _evaluate(
    objective: Callable[[Mixture], float],
    region: Region,
    row: Floats,
    pull: Pull | None,
    seen: dict[tuple[float, ...], tuple[Mixture, float, float]],
    limit: int | None,
    digits: int,
) -> float:
    """The score less penalty of one mixture, from memory where it was evaluated before."""
    mixture = region.mixture(row)
    key = tuple(round(weight, digits) for weight in mixture.values())
    if key not in seen:
        if limit is not None and len(seen) >= limit:
            raise _BudgetSpentError
        score = float(objective(mixture))
        if not np.isfinite(score):
            raise UserError(f"search: the objective gave {score} for {mixture}; scores must be finite numbers.")
        penalty = 0.0 if pull is None else float(pull.penalty(row[None, :], region.sources)[0])
        seen[key] = (mixture, score, score - penalty)
    return seen[key][2]


def evolve(
    scores: Scores,
    region: Region,
    seed: int,
    generations: int,
    population: int,
    tolerance: float,
    together: bool = True,
) -> tuple[Floats, list[Floats]]:
    """The best mixture [m] found, and the best of each generation.

    together  score a generation at once, which is quick for a fitted law; one by one, each success helps the next
    """
    free = len(region.sources) - 1
    if free == 0 or (region.high - region.low).max() <= 0:
        only = region.even()
        scores(only[None, :])
        return only, [only]
    path: list[Floats] = []

    def energy(cube: Floats) -> Any:
        rows = region.settle(region.from_cube(np.atleast_2d(cube.T)))
        return -scores(rows) if together else -float(scores(rows)[0])

    def keep(cube: Floats, convergence: float) -> None:
        path.append(region.settle(region.from_cube(cube[None, :]))[0])

    found = scipy.optimize.differential_evolution(
        energy,
        [(0.0, 1.0)] * free,
        maxiter=generations,
        tol=0.0,  # relative to the mean score, which has no meaning: a loss of 3 +- 0.03 would stop at once
        atol=tolerance,
        init=_first_population(region, max(5, population * free), seed),
        rng=np.random.default_rng(derive_seed(seed, "evolution")),
        callback=keep,
        polish=False,  # a gradient over trainings is noise, and over a law `propose.py` has a better one
        vectorized=together,
        updating="deferred" if together else "immediate",
    )
    return region.settle(region.from_cube(found.x[None, :]))[0], path


def _first_population(region: Region, size: int, seed: int) -> Floats:
    """Points of the cube [size, m-1] whose mixtures lie spread over the region, the central one first."""
    points = np.concatenate([region.even()[None, :], swarm(region, 8 * size, derive_seed(seed, "population"))])
    return region.to_cube(farthest(points, size, same=-1.0))
