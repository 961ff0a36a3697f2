"""Made-up laws with a known optimum: what fits and optimisers are judged on.

A planted law looks like what small runs show: every source teaches itself most and others somewhat, at rates
that differ; one source may hurt (training on it raises the other losses) and one may saturate (a little of it is
enough). Losses of a run carry noise, part of it shared by all groups, as a seed moves all losses together.
"""

from __future__ import annotations

import numpy as np

from emulsion.laws.minimize import minimize_law
from emulsion.laws.region import Bounds, Region
from emulsion.laws.static import StaticLaw
from emulsion.laws.table import Floats
from emulsion.mixture import Mixture

KINDS = ("plain", "hurts", "saturates", "both")


def planted_law(m: int, seed: int, kind: str = "plain") -> StaticLaw:
    """A law over m sources and as many groups: losses of 2 to 4 nats, of which 0.3 to 0.9 are reducible."""
    random = np.random.default_rng([seed, m, KINDS.index(kind)])
    a = random.uniform(0.0, 1.0, (m, m)) * random.uniform(0.2, 1.0, m)  # columns: sources differ in what they give
    a[np.diag_indices(m)] = random.uniform(1.5, 4.0, m)
    if kind in ("hurts", "both"):
        a[:, 0] -= random.uniform(0.5, 1.5)
    if kind in ("saturates", "both"):
        a[1, 1] = random.uniform(10.0, 20.0)
    names = tuple(f"s{j}" for j in range(m))
    b = random.uniform(0.5, 1.5, m)
    return StaticLaw(names, names, a, b, random.uniform(1.5, 2.5, m)).canonical()


def noisy(losses: Floats, sd: float, random: np.random.Generator, shared: float = 0.5) -> Floats:
    """Losses [n, g] with Gaussian noise of `sd` nats, the part `shared` of its variance common to a run's groups."""
    common = random.normal(0, np.sqrt(shared), (len(losses), 1))
    return np.asarray(losses + sd * (common + random.normal(0, np.sqrt(1 - shared), losses.shape)))


def best_and_uniform(law: StaticLaw, bounds: Bounds | None) -> tuple[Mixture, float, float]:
    """The true optimum in the bounds, its mean loss, and the mean loss of the uniform mixture."""
    best = minimize_law(law, bounds)
    region = Region.of(law.sources, bounds)
    uniform = region.project(np.full((1, len(law.sources)), 1 / len(law.sources)))
    return best, mean_loss(law, best), float(law.predict(uniform).mean())


def mean_loss(law: StaticLaw, mixture: Mixture) -> float:
    """The mean predicted loss of a mixture over the law's groups, nats per token."""
    return float(law.predict(np.array([[mixture.get(source, 0.0) for source in law.sources]])).mean())
