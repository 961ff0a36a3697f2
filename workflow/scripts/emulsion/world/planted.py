"""Made-up laws with a known optimum: what fits and optimisers are judged on.

A planted law looks like what small runs show: every source teaches itself most and others somewhat, at rates
that differ; one source may hurt (training on it raises the other losses) and one may saturate (a little of it is
enough). Power laws are there because reality need not be of the family that is fitted. Losses of a run carry
noise, part of it shared by all groups, as a seed moves all losses together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from emulsion.laws.law import Law
from emulsion.laws.minimize import minimize_law
from emulsion.laws.region import Bounds, Region
from emulsion.laws.static import StaticLaw
from emulsion.laws.table import Floats, as_rows
from emulsion.mixture import Mixture

KINDS = ("plain", "hurts", "saturates", "both")


@dataclass(frozen=True)
class PowerLaw:
    """L_i(p) = c_i + f_i (sum_j T[i, j] p_j)^-alpha_i, as BiMix (2405.14908) with transfer between sources; convex."""

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    T: Floats
    f: Floats
    alpha: Floats
    c: Floats

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m]."""
        return np.asarray(self.c + self.f * (as_rows(mixtures, self.sources) @ self.T.T) ** -self.alpha)


def planted_law(m: int, seed: int, kind: str = "plain") -> StaticLaw:
    """A log-linear law over m sources and as many groups: 2 to 4 nats at the uniform mixture."""
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


def planted_power_law(m: int, seed: int) -> PowerLaw:
    """A power law over m sources and as many groups; a third of the transfers between sources are large."""
    random = np.random.default_rng([seed, m, len(KINDS)])
    t = random.uniform(0.02, 0.1, (m, m)) + 0.4 * (random.random((m, m)) < 1 / 3)
    t[np.diag_indices(m)] = 1.0
    names = tuple(f"s{j}" for j in range(m))
    return PowerLaw(names, names, t, random.uniform(0.2, 0.8, m), random.uniform(0.1, 0.5, m), np.full(m, 2.0))


@dataclass(frozen=True)
class RepeatingLaw:
    """A power law of what repeated tokens are worth: L_i(p) = 2 + f_i (1 + 50 sum_j T[i, j] D_j)^-alpha_i.

    D_j are the tokens of source j in runs, those repeated worth less each time: of `rates` [m] epochs at a share of 1,
    the first whole and all others together no more than `worth` (Muennighoff et al., 2305.16264). hurts [m]: what
    a source's own loss gains, in nats, when its epochs double beyond that.
    """

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    T: Floats
    f: Floats
    alpha: Floats
    rates: Floats
    worth: float
    hurts: Floats

    def epochs(self, mixtures: Any) -> Floats:
        """Epochs [k, m] of mixtures [k, m]."""
        return np.asarray(as_rows(mixtures, self.sources) * self.rates)

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m]."""
        epochs = self.epochs(mixtures)
        again = self.worth * -np.expm1(-np.maximum(epochs - 1, 0) / self.worth)
        read = (np.minimum(epochs, 1) + again) / self.rates
        late = self.hurts * np.log2(np.maximum(epochs / self.worth, 1))
        return np.asarray(2 + self.f * (1 + 50 * read @ self.T.T) ** -self.alpha + late)


def planted_repeating_law(m: int, seed: int) -> RepeatingLaw:
    """A repeating law over m sources and as many groups: a run reads the least source up to 32 to 64 times."""
    random = np.random.default_rng([seed, m, len(KINDS) + 1])
    t = random.uniform(0.1, 0.6, (m, m)) * random.uniform(0.3, 1.0, m)
    t[np.diag_indices(m)] = random.uniform(0.8, 1.6, m)
    rates = np.exp(random.uniform(np.log(0.5), np.log(64), m))
    rates[random.integers(m)] = random.uniform(32, 64)
    names = tuple(f"s{j}" for j in range(m))
    shape = random.uniform(3.0, 5.0, m), random.uniform(0.2, 0.45, m)
    return RepeatingLaw(names, names, t, *shape, rates, random.uniform(4, 15), np.full(m, random.uniform(0, 0.04)))


def noisy(losses: Floats, sd: float, random: np.random.Generator, shared: float = 0.5) -> Floats:
    """Losses [n, g] with Gaussian noise of `sd` nats, the part `shared` of its variance common to a run's groups."""
    common = random.normal(0, np.sqrt(shared), (len(losses), 1))
    return np.asarray(losses + sd * (common + random.normal(0, np.sqrt(1 - shared), losses.shape)))


def best_and_uniform(law: StaticLaw | PowerLaw, bounds: Bounds | None) -> tuple[Mixture, float, float]:
    """The true optimum in the bounds, its mean loss, and the mean loss of the uniform mixture."""
    region = Region.of(law.sources, bounds)
    uniform = region.even()[None, :]
    if isinstance(law, StaticLaw):
        best = minimize_law(law, bounds)
    else:
        found = scipy.optimize.minimize(
            lambda p: law.predict(p / p.sum()).mean(),
            uniform[0],
            bounds=list(zip(region.low, region.high, strict=True)),
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
            options={"ftol": 1e-12},
        )
        best = region.mixture(region.project(found.x))
    return best, mean_loss(law, best), float(law.predict(uniform).mean())


def mean_loss(law: Law, mixture: Mixture | dict[str, float]) -> float:
    """The mean predicted loss of a mixture over the law's groups, nats per token."""
    return float(law.predict(np.array([[mixture.get(source, 0.0) for source in law.sources]])).mean())
