"""MixMin: the mixture whose mixed predictions explain held-out text best (Thudi et al., arXiv 2502.10510).

With p_j(x) the probability of a held-out sequence x under a model trained on source j alone:

    p = argmin over the simplex of  - sum_i w_i mean_{x of i} log sum_j p_j p_j(x)

where i are the sources to do well on, with weights w_i. It is convex: training with cross entropy on a mixture of
sources comes, for a model that can represent it, to the same mixture of the models. So one run per source decides, and
no law is fitted to how loss depends on the mixture.

p_j(x) is exp(-mean loss per token), as in the authors' code, which divides a sequence's log-probability by its length:
the probabilities of whole sequences differ by hundreds of nats, so that each x would count for one source alone.
The authors take 100 steps of exponentiated gradient descent of rate 1; here a barrier method finds the same optimum,
within bounds and the cap on epochs too, and proves it by its gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.convex import duality_gap, solve
from emulsion.laws.region import Region
from emulsion.laws.table import Floats
from emulsion.methods.interface import Evidence, Needs, Stages
from emulsion.methods.objective import Objective, of_losses
from emulsion.methods.offline import Optimum

# Of probabilities: models that differ by no more than rounding are alike.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class MixedModels:
    """- sum_x share_x log sum_j p_j probability_xj, over the mixtures of a region: `laws.convex.Convex`.

    share [n], summing to 1; probability [n, m], each row up to a factor of its own
    """

    region: Region
    share: Floats
    probability: Floats

    def value(self, p: Floats) -> float:
        return float(-self.share @ np.log(np.maximum(self.probability @ p, 1e-300)))

    def gradient(self, p: Floats) -> Floats:
        return np.asarray(-self.share @ self._relative(p))

    def hessian(self, p: Floats) -> Floats:
        relative = self._relative(p)
        return np.asarray((relative.T * self.share) @ relative)

    def size(self, p: Floats) -> float:
        return float(np.maximum(np.ptp(self.gradient(p)), 1e-12))

    def _relative(self, p: Floats) -> Floats:
        """Each model's probability over that of the mixture, [n, m]."""
        return np.asarray(self.probability / np.maximum(self.probability @ p, 1e-300)[:, None])


class MixMin(Optimum):
    """objective  mean_loss, or {losses: {source: weight}}: the sources to do well on"""

    kind = "mixmin"
    needs = Needs(sizes=True, single_source_runs=True, sequence_losses=True)
    takes = ("objective", "bounds")
    defaults: ClassVar[Mapping[str, Any]] = {"objective": "mean_loss", "bounds": None}

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        super().__init__(sources, **settings)
        if not of_losses(self.settings["objective"]):
            raise UserError(f"{self.kind}.objective: it is of losses; capabilities have no probability to mix.")

    def propose(self, evidence: Evidence) -> Stages:
        _, results = self._runs(evidence)
        objective = Objective.of(self.settings["objective"], results)
        models = self._models(evidence)
        losses = {source: np.stack([models[trained][source] for trained in self.names]) for source in objective.losses}
        # Of a sequence that all models find unlikely only the ratios count, which exp(-loss) could lose.
        nearest = {source: each.min(axis=0) for source, each in losses.items()}
        rows = [np.exp(nearest[source] - each).T for source, each in losses.items()]
        share = [np.full(each.shape[1], objective.losses[source] / each.shape[1]) for source, each in losses.items()]
        settings = self._with(evidence)
        region = Region.of(self.names, settings.bounds, settings.caps)
        program = MixedModels(region, np.concatenate(share), np.concatenate(rows))
        # Where nothing but rounding tells the models apart, the central mixture.
        best = solve(program) if np.ptp(program.probability, axis=1).max() > _ROUNDING else region.even()
        mixed = {
            source: float(-np.log(row @ best).mean() + nearest[source].mean())
            for source, row in zip(losses, rows, strict=True)
        }
        return self._proposal(
            {
                "ratios": dict(region.mixture(best)),
                "objective": objective.to_json(),
                "mixed_losses": mixed,
                "gap": duality_gap(program, best),
                "sequences": {source: each.shape[1] for source, each in losses.items()},
                "warnings": [],
            }
        )

    def _models(self, evidence: Evidence) -> dict[str, dict[str, Floats]]:
        """{trained: {evaluated: losses of its held-out sequences [n]}}, the mean where runs are alike."""
        runs: dict[str, list[str]] = {source: [] for source in self.names}
        for run, mixture in evidence.mixtures.items():
            if len(mixture.support) == 1 and run in evidence.sequence_losses:
                runs[mixture.support[0]].append(run)
        found: dict[str, dict[str, Floats]] = {}
        for source, alone in runs.items():
            if not alone:
                raise UserError(
                    f"{self.kind}: needs the losses of single sequences of a run on '{source}' alone, and there are "
                    "none. Name a swarm of points {kind: corners} that measures `sequence_losses`."
                )
            found[source] = {
                name: np.mean([evidence.sequence_losses[run][name] for run in alone], axis=0) for name in self.names
            }
        return found


METHODS = {MixMin.kind: MixMin}
