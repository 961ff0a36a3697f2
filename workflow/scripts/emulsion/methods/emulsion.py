"""Emulsion: the law of trajectories, fitted to every evaluation of a few short runs, and what it can tell apart.

Other methods fit a law to where runs end. Here each evaluation of each run is a row of one law (`laws.trajectory`). Its
posterior, with what it misses of the ends of runs (`laws.misfit`), decides three things: the mixture, how far to go
towards it from the even one, and the set of mixtures that the evidence cannot tell from it. docs/method.md has the
derivation, and what each part is worth.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy

from emulsion import student
from emulsion.errors import UserError, unknown
from emulsion.fields import INTEGER, WEIGHT, Form, checked
from emulsion.laws.minimize import law_optimum
from emulsion.laws.misfit import CorrectedLaw, correct
from emulsion.laws.region import Bounds, Region, hull_distance
from emulsion.laws.table import Floats
from emulsion.laws.trajectory import TrajectoryLaw
from emulsion.laws.trajectory_fit import fit_trajectory_law
from emulsion.methods.designs import epoch_caps
from emulsion.methods.interface import Evidence, Needs, Stages
from emulsion.methods.online import MAPPING
from emulsion.methods.tied import TiedSet, mixtures_around
from emulsion.mixture import Mixture
from emulsion.student import LEVEL

_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way from the even mixture to the best one
_UNCERTAINTY = "Laplace posterior of the law, and a Gaussian process of what it misses"
CHOICES = ("best", "nearest_to_sizes")


class Emulsion:
    """bounds   of every source's share, one [low, high] or {source: [low, high]}
    weights  {source: weight} of sources in the mean loss; all alike where left out
    guard    how many SDs of the gain over the even mixture are taken off it when the way to the best one is cut short;
             1 by default; 0 is the most probable optimum, which gains more and is more often worse than even shares
    choose   "best", or "nearest_to_sizes": of the mixtures that cannot be told from it, the one nearest to the sizes
    seed     decides which mixtures the set is looked for among
    """

    kind: ClassVar[str] = "emulsion"
    forms: ClassVar[Mapping[str, Form]] = {
        "bounds": ("a pair, or a mapping by source", lambda value: isinstance(value, Sequence | Mapping)),
        "weights": MAPPING,
        "guard": WEIGHT,
        "choose": ("a name", lambda value: isinstance(value, str)),
        "seed": INTEGER,
    }

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        """Raises UserError where a setting is unknown or not allowed."""
        self.sources, self.names = list(sources), sorted(sources)
        # With no more mixtures than sources the law fits them all: nothing shows how wrong it is, and it is sure.
        self.needs = Needs(sizes=True, swarm=True, curves=True, least_mixtures=len(self.names) + 1)
        chosen = checked(settings, self.forms, (), self.kind)
        self.bounds: Bounds | None = chosen.get("bounds")
        self.guard = float(chosen.get("guard", 1.0))
        self.choose, self.seed = chosen.get("choose", "best"), int(chosen.get("seed", 0))
        if self.choose not in CHOICES:
            raise unknown("choice", self.choose, CHOICES, f"{self.kind}.choose")
        Region.of(self.names, self.bounds)
        for source in chosen.get("weights", {}):
            if source not in self.names:
                raise unknown("source", source, self.names, f"{self.kind}.weights")
        given = Mixture(chosen.get("weights") or dict.fromkeys(self.names, 1.0), f"{self.kind}.weights")
        self.weights: Floats = np.array(list(given.over(self.names).values()))
        self.record: dict[str, Any] | None = None

    def propose(self, evidence: Evidence) -> Stages:
        corrected = self.corrected(evidence)
        caps = epoch_caps(evidence, self.names, self.bounds)
        region = Region.of(self.names, self.bounds, caps)
        found = law_optimum(corrected, self.bounds, self.weights.tolist(), caps).mixture
        optimum = np.array([found[name] for name in self.names])
        even = region.even()
        best, share = self._guarded(corrected, even, optimum)
        rows = mixtures_around(region, best, evidence.sizes, self.seed)
        above, sd = corrected.compare(rows, best)
        members = np.asarray(rows[above <= float(scipy.special.ndtri(LEVEL)) * sd + 1e-12])
        tied = TiedSet.of(members, self.names, evidence.sizes)
        picked = tied.nearest if self.choose == "nearest_to_sizes" else best
        self.record = self._record(corrected, evidence, optimum, even, share, tied, picked)
        return [(1.0, self._mixture(picked))]

    def fit(self, evidence: Evidence) -> TrajectoryLaw:
        """The law of all evaluations of all runs. Raises UserError where these are of too few mixtures."""
        if not evidence.mixtures:
            raise UserError(f"{self.kind}: learns from the runs of a swarm, and there are none.")
        self.require_losses(evidence)
        lengths, unit = evidence.run_tokens, _unit(evidence)
        rows: list[tuple[Floats, list[float], Floats, float, str, float]] = []
        for run, mixture in evidence.mixtures.items():
            shares, epochs = self._row(mixture), self._row(evidence.epochs.get(run, {}))
            whole = float(lengths.get(run, unit))
            for tokens, losses in [*evidence.curves.get(run, ()), (whole, evidence.losses[run])]:
                seen = [losses[name] for name in self.names]
                rows.append((shares, seen, epochs * tokens / whole, tokens / unit, run, whole / unit))
        if len(rows) < 2:
            raise UserError(f"{self.kind}: {len(rows)} evaluation is not enough to fit a law to; add runs.")
        mixtures, losses_of, often, times, runs, planned = (list(column) for column in zip(*rows, strict=True))
        different = len(np.unique(np.round(mixtures, 6), axis=0))
        if different < self.needs.least_mixtures:
            raise UserError(
                f"{self.kind}: runs on {different} different mixture{'s' * (different != 1)} are not enough for "
                f"{len(self.names)} sources, which need {self.needs.least_mixtures} or more; add runs on others."
            )
        frames = (pd.DataFrame(np.array(part), columns=self.names) for part in (mixtures, losses_of, often))
        law = fit_trajectory_law(*frames, tokens=np.array(times), runs=runs, lengths=np.array(planned))
        return law.for_run(unit, evidence.sizes) if evidence.epochs and evidence.tokens else law

    def require_losses(self, evidence: Evidence) -> None:
        """The law's effects are of sources on sources; runs that were trained elsewhere may have other groups."""
        for run, losses in evidence.losses.items():
            if missing := [source for source in self.names if source not in losses]:
                raise UserError(
                    f"{self.kind}: run '{run}' has no loss of {', '.join(missing)}; it needs one of every source, and "
                    f"there are those of {', '.join(losses)}."
                )

    def corrected(self, evidence: Evidence) -> CorrectedLaw:
        """The law, and what it misses of the ends of runs. Raises UserError as `fit` does."""
        law, unit = self.fit(evidence), _unit(evidence)
        mixtures = np.array([self._row(mixture) for mixture in evidence.mixtures.values()])
        losses = np.array([self._row(evidence.losses[run]) for run in evidence.mixtures])
        epochs = np.array([self._row(evidence.epochs.get(run, {})) for run in evidence.mixtures])
        times = np.array([float(evidence.run_tokens.get(run, unit)) / unit for run in evidence.mixtures])
        return correct(law, mixtures, losses, epochs, times, self.weights)

    def _guarded(self, corrected: CorrectedLaw, even: Floats, optimum: Floats) -> tuple[Floats, float]:
        """The mixture on the way from the even one that is surest to gain, and which share of the way it is."""
        steps = np.array(_STEPS)
        rows = even + steps[:, None] * (optimum - even)
        above, sd = corrected.compare(rows, even)
        index = int((above + self.guard * sd).argmin())
        return np.asarray(rows[index]), float(steps[index])

    def _record(
        self,
        corrected: CorrectedLaw,
        evidence: Evidence,
        optimum: Floats,
        even: Floats,
        share: float,
        tied: TiedSet,
        picked: Floats,
    ) -> dict[str, Any]:
        law, both = corrected.law, np.stack([picked, even])
        mean, sd = corrected.predict(both) @ self.weights, corrected.mean_sd(both)
        # A run's own noise: a seed moves all sources together.
        half = student.quantile(math.inf) * float(np.hypot(sd[0], law.seed_sd))
        above, of_gain = corrected.compare(even, picked)
        of_parameters = law.compare(even, picked, self.weights)[1]
        return {
            "method": self.kind,
            "ratios": dict(self._mixture(picked)),
            "prediction": float(mean[0]),
            "interval": [float(mean[0]) - half, float(mean[0]) + half],
            "uncertainty": {"level": LEVEL, "sd": float(sd[0]), "method": _UNCERTAINTY},
            "uniform": {"ratios": dict(self._mixture(even)), "predicted": float(mean[1])},
            "gain": {"mean": float(above[0]), "sd": float(of_gain[0]), "sd_of_parameters": float(of_parameters[0])},
            "misfit": {"sd": corrected.sd, "left_out_error": corrected.left_out_error, "carried": corrected.carried},
            "optimum": dict(self._mixture(optimum)),
            "share_of_the_way": share,
            "set": tied.to_json(self._mixture, self.names),
            "hull_distance": hull_distance(picked, corrected.mixtures),
            "law": {"evaluations": law.evaluations, "runs": law.runs, "worth": vars(law.worth)},
            "warnings": self._warnings(evidence, float(above[0]), float(of_gain[0])),
        }

    def _warnings(self, evidence: Evidence, gain: float, sd: float) -> list[str]:
        found = []
        if not evidence.curves:
            found.append("Runs were evaluated at their ends alone: the law leans on its priors. Measure `curve`.")
        if gain <= sd:
            found.append("The law cannot tell its mixture from the even one: the gain is not above its SD.")
        return found

    def _row(self, named: Mapping[str, float]) -> Floats:
        return np.array([named.get(name, 0.0) for name in self.names])

    def _mixture(self, row: Floats) -> Mixture:
        shares = dict(zip(self.names, np.maximum(row, 0.0).tolist(), strict=True))
        return Mixture({source: shares[source] for source in self.sources})


def _unit(evidence: Evidence) -> float:
    """Tokens of the run that is predicted for."""
    return float(evidence.tokens or max(evidence.run_tokens.values(), default=1.0))


METHODS = {Emulsion.kind: Emulsion}
