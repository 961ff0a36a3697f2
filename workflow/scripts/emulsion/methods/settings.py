"""The optimiser's settings, as the configuration has them, checked and with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.laws.region import Bounds
from emulsion.methods.search import Pull
from emulsion.methods.surrogates import SURROGATES
from emulsion.mixture import Mixture


@dataclass(frozen=True)
class Settings:
    """bounds       one [low, high] for every source, or {source: [low, high]}, on the normalised weights
    caps         {source: greatest weight}, as from the epochs a source has
    rates        {source: epochs of a run on it alone}, of the run that is decided for: its tokens over the source's
    objective    "mean_capability", "mean_loss", or {"capabilities": {name: weight}, "losses": {source: weight}}
    surrogate    "auto" for the one with the least leave-one-out error (see `surrogates.choose`), or a name
    surrogates   those that are fitted and reported
    kl           {"strength": score per nat, "prior": {source: weight} or null for the uniform mixture}
    seed         decides the search and the bootstrap
    generations  and population: of the differential evolution over the surrogate
    evaluations  of a direct search at most, each a small training
    resamples    of the bootstrap; level: of the interval
    """

    bounds: Bounds | None = (0.1, 0.6)
    caps: Mapping[str, float] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    objective: str | Mapping[str, Mapping[str, float]] = "mean_capability"
    surrogate: str = "auto"
    surrogates: Sequence[str] = tuple(SURROGATES)
    kl: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    generations: int = 200
    population: int = 12
    evaluations: int | None = None
    resamples: int = 200
    level: float = 0.95

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str = "optimiser") -> Settings:
        """From the configuration; UserError where a key or a name is unknown."""
        names = [entry.name for entry in fields(cls)]
        for key in values:
            if key not in names:
                raise unknown("setting", key, names, where)
        settings = cls(**values)
        settings._check(where)
        return settings

    def pull(self, sources: Sequence[str]) -> Pull | None:
        """The pull towards the prior, or None where it has no strength."""
        strength = float(self.kl.get("strength", 0.0))
        prior = self.kl.get("prior")
        given = Mixture.uniform(list(sources)) if prior is None else Mixture(prior, "kl.prior").over(list(sources))
        for source, weight in given.items():
            if weight == 0:
                raise UserError(f"kl.prior.{source}: weighs 0; the prior must give every source a weight above 0.")
        return Pull(strength, given) if strength else None

    def _check(self, where: str) -> None:
        for key in self.kl:
            if key not in ("strength", "prior"):
                raise unknown("setting", key, ("strength", "prior"), f"{where}.kl")
        strength = self.kl.get("strength", 0.0)
        if not isinstance(strength, int | float) or isinstance(strength, bool) or not 0 <= strength < float("inf"):
            raise UserError(f"{where}.kl.strength: should be a number, 0 or more, but is {strength!r}.")
        if self.surrogate not in ("auto", *self.surrogates):
            raise unknown("surrogate", self.surrogate, ("auto", *self.surrogates), f"{where}.surrogate")
        if not 0 < self.level < 1:
            raise UserError(f"{where}.level: {self.level} must lie between 0 and 1.")
        for name in ("generations", "population", "resamples"):
            if getattr(self, name) < 1:
                raise UserError(f"{where}.{name}: {getattr(self, name)} must be at least 1.")
