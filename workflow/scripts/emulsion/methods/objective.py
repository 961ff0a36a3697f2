"""What is to be made large: a weighted mean of capability scores and of losses with their sign turned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.fields import WEIGHT
from emulsion.laws.table import Floats

KINDS = ("mean_capability", "mean_loss")
# What a run's result calls each kind of component, and the sign that makes larger better.
_SIGNS = {"capabilities": 1.0, "losses": -1.0}


@dataclass(frozen=True)
class Objective:
    """Weights of capabilities and of sources' losses, 0 or more and together 1; larger scores are better.

    Capabilities count as they are, losses with their sign turned. Nats and scores are added as they come: who
    weighs both decides by the weights what a nat is worth.
    """

    capabilities: Mapping[str, float]
    losses: Mapping[str, float]

    @classmethod
    def of(cls, spec: str | Mapping[str, Mapping[str, float]], results: Sequence[Mapping[str, Any]]) -> Objective:
        """From the configuration: "mean_capability", "mean_loss", or {"capabilities": {..}, "losses": {..}}.

        results  [{"run": name, "capabilities": {name: score}, "losses": {source: nats per token}}]; the means
                 are over what the first one has, and `table` refuses results that lack any of it
        """
        require_objective(spec, "objective")
        if isinstance(spec, str):
            kind = "capabilities" if spec == "mean_capability" else "losses"
            names = list(results[0].get(kind) or {}) if results else []
            if not names:
                raise UserError(f"objective: '{spec}' needs results with {kind}; there are none.")
            spec = {kind: dict.fromkeys(names, 1.0)}
        return cls(*_normalised(spec.get("capabilities") or {}, spec.get("losses") or {}))

    @property
    def components(self) -> list[tuple[str, str, float]]:
        """(kind, name, weight) of everything that weighs something, in order."""
        parts = (("capabilities", self.capabilities), ("losses", self.losses))
        return [(kind, name, weight) for kind, weights in parts for name, weight in weights.items() if weight > 0]

    @property
    def of_losses(self) -> bool:
        """Whether it is a mean of losses alone, so that less is better where its sign is not turned."""
        return of_losses(self.to_json())

    def score(self, result: Mapping[str, Any]) -> float:
        """The score of one run's result."""
        costs, weights = self.table([result])
        return float(-(costs @ weights)[0])

    def table(self, results: Sequence[Mapping[str, Any]]) -> tuple[Floats, Floats]:
        """Costs [n, g] of the components, smaller is better, and their weights [g]: the score is -costs @ weights."""
        costs = [[self._cost(result, kind, name) for kind, name, _ in self.components] for result in results]
        return np.array(costs, dtype=np.float64), np.array([weight for _, _, weight in self.components])

    def to_json(self) -> dict[str, dict[str, float]]:
        return {"capabilities": dict(self.capabilities), "losses": dict(self.losses)}

    @staticmethod
    def _cost(result: Mapping[str, Any], kind: str, name: str) -> float:
        found = result.get(kind) or {}
        if name not in found:
            raise unknown(kind, name, found, f"objective: results of run '{result.get('run', '?')}'")
        value = found[name]
        if not isinstance(value, (int, float)) or not np.isfinite(value):
            raise UserError(
                f"objective: run '{result.get('run', '?')}': {kind}.{name} is {value!r}, not a finite number."
            )
        return -_SIGNS[kind] * float(value)


def of_losses(objective: str | Mapping[str, Mapping[str, float]]) -> bool:
    """Whether an objective, as the configuration or a record has it, is a mean of losses alone."""
    if isinstance(objective, str):
        return objective == "mean_loss"
    return not any(weight > 0 for weight in (objective.get("capabilities") or {}).values())


def require_objective(spec: Any, where: str) -> None:
    """Raise UserError unless this is the name of an objective, or weights of capabilities and losses by name."""
    if isinstance(spec, str):
        if spec not in KINDS:
            raise unknown("objective", spec, KINDS, where)
        return
    if not isinstance(spec, Mapping):
        raise UserError(
            f"{where}: should be {' or '.join(KINDS)}, or {{capabilities: {{name: weight}}, "
            f"losses: {{source: weight}}}}, but is {spec!r}."
        )
    for kind, weights in spec.items():
        if kind not in _SIGNS:
            raise unknown("group", str(kind), _SIGNS, where)
        if not isinstance(weights, Mapping | None):
            raise UserError(f"{where}.{kind}: should be {{name: weight}}, but is {weights!r}.")
        for name, weight in (weights or {}).items():
            if not WEIGHT[1](weight):
                raise UserError(
                    f"{where}.{kind}.{name}: should be {WEIGHT[0]}, but is {weight!r} (less of a loss counts as better "
                    "as it is)."
                )


def _normalised(
    capabilities: Mapping[str, float], losses: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float]]:
    total = sum(capabilities.values()) + sum(losses.values())
    if total <= 0:
        raise UserError("objective: all weights are 0; at least one capability or loss must weigh something.")
    return {k: w / total for k, w in capabilities.items()}, {k: w / total for k, w in losses.items()}
