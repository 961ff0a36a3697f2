"""The optimiser's settings, as the configuration has them, checked and with their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.fields import TEXT, TEXTS, WEIGHT, WHOLE, Form
from emulsion.laws.region import Bounds
from emulsion.methods.objective import require_objective
from emulsion.methods.search import Pull
from emulsion.methods.surrogates import LAWS, SURROGATES
from emulsion.mixture import Mixture

_FORMS: Mapping[str, Form] = {
    "surrogate": TEXT,
    "surrogates": TEXTS,
    "kl": ("{strength: score per nat, prior: {source: weight}}", lambda value: isinstance(value, Mapping)),
    "generations": WHOLE,
    "population": WHOLE,
    "evaluations": WHOLE,
    "resamples": WHOLE,
    "seed": ("a whole number, 0 or more", lambda value: type(value) is int and value >= 0),
}
# Of which null says something; of the others it stands for the default.
NULL_SAYS = ("bounds",)


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
    resamples    of the bootstrap
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

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str = "optimiser") -> Settings:
        """From the configuration; UserError where a key or a name is unknown, or a value is not of its form."""
        names = [entry.name for entry in fields(cls)]
        for key in values:
            if key not in names:
                raise unknown("setting", key, names, where)
        values = {key: value for key, value in values.items() if value is not None or key in NULL_SAYS}
        for key, (form, holds) in _FORMS.items():
            if key in values and not holds(list(values[key]) if isinstance(values[key], tuple) else values[key]):
                raise UserError(f"{where}.{key}: should be {form}, but is {values[key]!r}.")
        whole = {key: int(value) for key, value in values.items() if _FORMS.get(key) is WHOLE}
        settings = cls(**{**values, **whole})
        settings._check(where)
        return settings

    def pull(self, sources: Sequence[str]) -> Pull | None:
        """The pull towards the prior, or None where it has no strength."""
        strength = float(self.kl.get("strength", 0.0))
        prior = self.kl.get("prior")
        for source in prior or {}:
            if source not in sources:
                raise unknown("source", source, sources, "kl.prior")
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
        if not WEIGHT[1](strength):
            raise UserError(f"{where}.kl.strength: should be {WEIGHT[0]}, but is {strength!r}.")
        prior = self.kl.get("prior")
        if not (prior is None or isinstance(prior, Mapping)):
            raise UserError(f"{where}.kl.prior: should be {{source: weight}}, but is {prior!r}.")
        require_objective(self.objective, f"{where}.objective")
        for name in self.surrogates:
            if name not in LAWS:
                raise unknown("surrogate", name, LAWS, f"{where}.surrogates")
        if self.surrogate not in ("auto", *self.surrogates):
            raise unknown("surrogate", self.surrogate, ("auto", *self.surrogates), f"{where}.surrogate")
