"""Methods that learn from finished runs: fit a law to a swarm, and take the mixture that it says is best.

optimum        the surrogate that predicts runs best, of several, within bounds; capabilities or losses
grid_search    the best run of the swarm
dml            the exponential law of each source's loss (Ye et al., 2403.16952), on the whole simplex
law_optimum    any law by name
regmix         boosted trees, and the mean of the best draws (Liu et al., 2407.01492)
olmix          the log-linear law with a pull towards the sizes and a cap on epochs (2602.12237)
direct_search  differential evolution with a training at every evaluation
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.fields import WEIGHT, WHOLE, checked
from emulsion.laws.region import Bounds, Region
from emulsion.laws.table import Floats
from emulsion.methods.designs import epoch_caps
from emulsion.methods.interface import Evidence, Needs, Stages
from emulsion.methods.objective import Objective
from emulsion.methods.optimum import Choose, optimise, optimise_directly, predict, refit
from emulsion.methods.optimum_settings import NULL_SAYS, Settings
from emulsion.methods.propose import propose
from emulsion.methods.search import Pull
from emulsion.methods.surrogate_map import surface
from emulsion.methods.surrogates import LAWS, LEAST_RUNS, Surrogate
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed

# RegMix draws 100,000 mixtures around the sizes and takes the mean of the best 128 (the paper says 100).
_DRAWS, _BEST = 100_000, 128
_MOST_DRAWS = 10_000_000  # which are 8 bytes a source each
# Of the pull towards the sizes, in nats of mean loss per nat of divergence.
_OLMIX_STRENGTH = 0.05


_SEARCH = ("objective", "bounds", "kl", "seed", "generations", "population")


class Optimum:
    """The best mixture of a fitted surrogate.

    takes     settings that may be given, of those of `methods.optimum_settings.Settings`
    defaults  of these, where they differ
    own       settings of the method's own, and their defaults
    """

    kind: ClassVar[str] = "optimum"
    takes: ClassVar[Sequence[str]] = (*_SEARCH, "surrogate", "surrogates", "resamples")
    defaults: ClassVar[Mapping[str, Any]] = {}
    own: ClassVar[Mapping[str, Any]] = {}
    needs = Needs(sizes=True, swarm=True, least_runs=LEAST_RUNS, others=True)

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        """Raises UserError where a setting is unknown or not allowed."""
        self.sources = list(sources)
        # What is fitted and searched is in this order, so that the order of sources changes nothing.
        self.names = sorted(self.sources)
        self.record: dict[str, Any] | None = None
        allowed = (*self.takes, *self.own)
        for name in settings:
            if name not in allowed:
                raise unknown("setting", name, allowed, self.kind)
        settings = {name: value for name, value in settings.items() if value is not None or name in NULL_SAYS}
        self.chosen = {**self.own, **{name: value for name, value in settings.items() if name in self.own}}
        rest = {name: value for name, value in settings.items() if name not in self.own}
        self.settings = {**self.defaults, **rest, **self._fixed()}
        known = Settings.of(self.settings, self.kind)
        try:
            Region.of(self.sources, known.bounds)
        except UserError as error:
            if "bounds" in settings:
                raise
            raise UserError(f"{error} They are the default of '{self.kind}', as `bounds` is left out.") from None
        known.pull(self.sources)

    def propose(self, evidence: Evidence) -> Stages:
        mixtures, results = self._runs(evidence)
        settings = self._with(evidence)
        return self._proposal(
            optimise(mixtures, results, self.names, settings, self._chooser(evidence), evidence.sizes)
        )

    def predict(self, evidence: Evidence, candidates: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
        """What `methods.optimum.predict` says of other mixtures, from what the proposal was made from."""
        if self.record is None or not self.record.get("surrogate"):
            raise UserError(
                f"{self.kind}: predicts nothing; a method that fits a surrogate does, once it has proposed."
            )
        mixtures, results = self._runs(evidence)
        return predict(mixtures, results, self.names, self._with(evidence), self.record["surrogate"], candidates)

    def surface(self, evidence: Evidence) -> dict[str, Any]:
        """What `methods.surrogate_map.surface` says of the surrogate that the proposal was found on."""
        if self.record is None or not self.record.get("surrogate"):
            raise UserError(f"{self.kind}: has no surface; a method that fits a surrogate has, once it has proposed.")
        mixtures, results = self._runs(evidence)
        settings = self._with(evidence)
        fitted, lower = refit(mixtures, results, self.names, settings, self.record["surrogate"])
        seed = derive_seed(settings.seed, "surface")
        return surface(
            fitted,
            self.record["ratios"],
            self.sources,
            lower=lower,
            resamples=settings.resamples,
            seed=seed,
            caps=settings.caps,
        )

    def _proposal(self, record: dict[str, Any]) -> Stages:
        mixture = Mixture(record["ratios"]).over(self.sources)
        self.record = {**record, "method": self.kind, "ratios": dict(mixture)}
        return [(1.0, mixture)]

    def _fixed(self) -> Mapping[str, Any]:
        """What of `Settings` makes the method."""
        return {}

    @property
    def bounds(self) -> Bounds | None:
        """Of every source's share, or of some."""
        return Settings.of(self.settings, self.kind).bounds

    def _with(self, evidence: Evidence) -> Settings:
        # Epochs of a whole share; a source without tokens is not drawn.
        rates = {name: evidence.tokens / max(size, 1.0) for name, size in evidence.sizes.items()}
        known = {"rates": rates} if evidence.tokens and evidence.epochs else {}
        caps = epoch_caps(evidence, self.sources, self.bounds)
        return Settings.of({**self.settings, "caps": caps, **known}, self.kind)

    def _chooser(self, evidence: Evidence) -> Choose:
        return propose

    def _runs(self, evidence: Evidence) -> tuple[list[Mixture], list[dict[str, Any]]]:
        if not evidence.mixtures:
            raise UserError(f"{self.kind}: learns from the runs of a swarm, and there are none.")
        results = [
            {
                "run": run,
                "capabilities": dict(evidence.capabilities.get(run, {})),
                "losses": dict(sorted(evidence.losses[run].items())),
                "epochs": dict(evidence.epochs.get(run, {})),
            }
            for run in evidence.mixtures
        ]
        return [mixture.over(self.names) for mixture in evidence.mixtures.values()], results


class GridSearch(Optimum):
    """The mixture of the best run; runs of one mixture are averaged."""

    kind = "grid_search"
    needs = Needs(sizes=True, swarm=True)
    takes = ("objective",)
    defaults: ClassVar[Mapping[str, Any]] = {"objective": "mean_loss", "bounds": None}

    def propose(self, evidence: Evidence) -> Stages:
        mixtures, results = self._runs(evidence)
        objective = Objective.of(self.settings["objective"], results)
        scores: dict[Mixture, list[float]] = {}
        names: dict[Mixture, list[str]] = {}
        for mixture, result in zip(mixtures, results, strict=True):
            scores.setdefault(mixture, []).append(objective.score(result))
            names.setdefault(mixture, []).append(result["run"])
        best = max(scores, key=lambda mixture: float(np.mean(scores[mixture])))
        observed = float(np.mean(scores[best])) * (-1 if objective.of_losses else 1)
        self.record = {
            "method": self.kind,
            "ratios": dict(best.over(self.sources)),
            "objective": objective.to_json(),
            "best_sampled": {
                "run": ", ".join(names[best]),
                "ratios": dict(best),
                "observed": observed,
                "predicted": None,
            },
            "warnings": ["The best of several noisy runs looks too good on average; only another seed tells."],
        }
        return [(1.0, best.over(self.sources))]


class LawOptimum(Optimum):
    """law  any law by name, see `emulsion.laws.fit_law`"""

    kind = "law_optimum"
    needs = Needs(sizes=True, swarm=True, least_runs=LEAST_RUNS)
    takes = (*_SEARCH, "resamples")
    defaults: ClassVar[Mapping[str, Any]] = {"objective": "mean_loss", "bounds": None}
    own: ClassVar[Mapping[str, Any]] = {"law": "best"}

    def _fixed(self) -> Mapping[str, Any]:
        law = self.chosen["law"]
        if not isinstance(law, str) or law not in LAWS:
            raise unknown("law", str(law), LAWS, f"{self.kind}.law")
        return {"surrogate": law, "surrogates": (law,)}


class DML(Optimum):
    """Data Mixing Laws: an exponential law of each source's loss."""

    kind = "dml"
    needs = Needs(sizes=True, swarm=True, least_runs=LEAST_RUNS)
    takes = (*_SEARCH, "resamples")
    defaults: ClassVar[Mapping[str, Any]] = {"objective": "mean_loss", "bounds": None}

    def _fixed(self) -> Mapping[str, Any]:
        return {"surrogate": "log_linear", "surrogates": ("log_linear",)}


class RegMix(Optimum):
    """draws, best  how many mixtures are drawn around the sizes, and of how many of the best the mean is taken"""

    kind = "regmix"
    needs = Needs(sizes=True, swarm=True, least_runs=LEAST_RUNS)
    takes = ("objective", "bounds", "seed", "resamples")
    defaults: ClassVar[Mapping[str, Any]] = {"objective": "mean_loss", "bounds": None}
    own: ClassVar[Mapping[str, Any]] = {"draws": _DRAWS, "best": _BEST}

    def _fixed(self) -> Mapping[str, Any]:
        self.chosen |= checked(
            {name: self.chosen[name] for name in self.own}, dict.fromkeys(self.own, WHOLE), (), self.kind
        )
        if self.chosen["draws"] > _MOST_DRAWS:
            raise UserError(f"{self.kind}.draws: should be {_MOST_DRAWS:,} at most, but is {self.chosen['draws']:,}.")
        if self.chosen["best"] > self.chosen["draws"]:
            raise UserError(f"{self.kind}.best: {self.chosen['best']} of {self.chosen['draws']} draws cannot be taken.")
        return {"surrogate": "lightgbm", "surrogates": ("lightgbm",)}

    def _chooser(self, evidence: Evidence) -> Choose:
        def choose(
            surrogate: Surrogate, region: Region, settings: Settings, pull: Pull | None
        ) -> tuple[Floats, list[Floats]]:
            random = np.random.default_rng(derive_seed(settings.seed, "regmix"))
            share = np.array([evidence.sizes[name] for name in region.sources], dtype=float)
            drawn = random.dirichlet(np.maximum(share / share.sum(), 1e-3), self.chosen["draws"])
            # RegMix does not apply its caps again; a mean of draws that keep them keeps them too.
            rows = region.project(drawn)
            scores = surrogate.predict(rows)
            best = rows[np.argsort(-scores, kind="stable")[: self.chosen["best"]]].mean(axis=0)
            return np.asarray(region.settle(best[None, :])[0]), [best]

        return choose


class Olmix(Optimum):
    """strength  of the pull towards the sizes, in nats of mean loss per nat of divergence"""

    kind = "olmix"
    needs = Needs(sizes=True, swarm=True, least_runs=LEAST_RUNS)
    takes = ("objective", "bounds", "seed", "resamples")
    defaults: ClassVar[Mapping[str, Any]] = {"objective": "mean_loss", "bounds": None}
    own: ClassVar[Mapping[str, Any]] = {"strength": _OLMIX_STRENGTH}

    def _fixed(self) -> Mapping[str, Any]:
        strength = self.chosen["strength"]
        if not WEIGHT[1](strength):
            raise UserError(f"{self.kind}.strength: should be {WEIGHT[0]}, but is {strength!r}.")
        return {"surrogate": "log_linear", "surrogates": ("log_linear",)}

    def _with(self, evidence: Evidence) -> Settings:
        pull = {"strength": self.chosen["strength"], "prior": dict(Mixture(evidence.sizes))}
        return Settings.of(
            {**self.settings, "kl": pull, "caps": epoch_caps(evidence, self.sources, self.bounds)}, self.kind
        )


class DirectSearch(Optimum):
    """Differential evolution. evaluations: how many different mixtures it may train"""

    kind = "direct_search"
    takes = (*_SEARCH, "evaluations")
    defaults: ClassVar[Mapping[str, Any]] = {"evaluations": 24}
    needs = Needs(sizes=True, trainer=True)

    @property
    def evaluations(self) -> int:
        return int(self.settings["evaluations"])

    def search(self, score: Callable[[Mixture], float], evidence: Evidence) -> Stages:
        """As `propose`, but `score` trains a run of the mixture and says how good it is."""
        return self._proposal(optimise_directly(score, self.names, self._with(evidence)))

    def propose(self, evidence: Evidence) -> Stages:
        raise UserError(f"{self.kind}: trains while it searches; call `search`.")


METHODS = {method.kind: method for method in (Optimum, GridSearch, LawOptimum, DML, RegMix, Olmix, DirectSearch)}
