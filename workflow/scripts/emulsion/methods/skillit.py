"""Skill-It: weights grow with the losses that a source helps to lower (Chen et al., arXiv 2307.14430).

Algorithm 1:  p_j^{t+1} ∝ prior_j exp(eta sum_{tau in the last w rounds} sum_i A[i, j] L_i^tau), and
              p_j^1 ∝ prior_j exp(eta sum_i A[i, j]).
Every round starts from the prior again: the window forgets, nothing accumulates. The paper's first formula has the
sign of A turned; here as everywhere, positive means that training on j lowers i's loss. The authors' matrix is
[train, evaluated]; ours is keyed by name and read the other way round.

Defaults: eta .2 and 10 rounds (Aioli, 2411.05735, which swept eta from .1 to .8), a window of 3 (the authors' code,
where it counts evaluations; here it counts updates).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emulsion.errors import UserError
from emulsion.fields import WHOLE, Form, checked
from emulsion.laws.table import Floats
from emulsion.methods.interface import Effects, Evidence, Needs, Observation, Observes
from emulsion.methods.online import MAPPING, NUMBER, POSITIVE, Online, OnlineSettings
from emulsion.mixture import Mixture


@dataclass(frozen=True, kw_only=True)
class SkillItSettings(OnlineSettings):
    """graph   {evaluated: {trained: relative fall of the loss}}, as of `skill_graph`; known before training starts
    eta     step size
    window  updates whose losses are summed
    """

    graph: Effects | None = None
    eta: float = 0.2
    window: int = 3
    rounds: int = 10

    forms: ClassVar[Mapping[str, Form]] = {"graph": MAPPING, "eta": POSITIVE, "window": WHOLE}


def skill_graph(alone: Mapping[str, Mapping[str, Mapping[str, float]]]) -> dict[str, dict[str, float]]:
    """{evaluated: {trained: relative fall of the loss}} from a run on each source alone.

    alone  {trained: {"before": {evaluated: loss}, "after": {evaluated: loss}}}; Aioli's (2411.05735) estimate of A
    """
    graph: dict[str, dict[str, float]] = {}
    for trained, run in alone.items():
        for evaluated, before in run["before"].items():
            after = run["after"][evaluated]
            if not (np.isfinite([before, after]).all() and before > 0):
                raise UserError(
                    f"skillit.graph: the loss of '{evaluated}' goes from {before} to {after} by training on "
                    f"'{trained}'; both must be finite, and the first above 0."
                )
            graph.setdefault(evaluated, {})[trained] = (before - after) / before
    return graph


class SkillIt(Online):
    kind = "skillit"
    needs = Needs(single_source_runs=True)
    observes: Observes = "losses"
    averaged_over = "last"
    reads = SkillItSettings

    def _set(self, settings: SkillItSettings) -> None:
        self.settings = settings
        self.needs = Needs(single_source_runs=settings.graph is None)
        self._window: list[list[float]] = []
        self._graph = None if settings.graph is None else self._read_graph(settings.graph)

    def _read_graph(self, graph: Effects) -> Floats:
        forms = dict.fromkeys(self.names, NUMBER)
        rows = {source: checked(row, forms, (), f"{self.kind}.graph.{source}") for source, row in graph.items()}
        found = self.matrix(rows, "graph")
        if np.isnan(found).any():
            evaluated, trained = np.argwhere(np.isnan(found))[0]
            raise UserError(f"{self.kind}.graph.{self.names[evaluated]}.{self.names[trained]}: is missing.")
        return found

    def prepare(self, evidence: Evidence) -> None:
        """Learn the graph from the runs on one source each, where the settings do not give it."""
        if self._graph is not None:
            return
        alone: dict[str, list[str]] = {source: [] for source in self.names}
        for run, mixture in evidence.mixtures.items():
            if len(mixture.support) == 1:
                alone[mixture.support[0]].append(run)
        for source, runs in alone.items():
            if not runs:
                raise UserError(f"{self.kind}: needs a run on '{source}' alone, and there is none.")
        ends = [(source, run) for source, runs in alone.items() for run in runs]
        columns = [
            skill_graph({source: {"before": evidence.initial[run], "after": evidence.losses[run]}})
            for source, run in ends
        ]
        # Each has one source's column; the mean where several seeds were trained on it.
        self._graph = np.asarray(np.nanmean([self.matrix(column, "graph") for column in columns], axis=0))

    @property
    def graph(self) -> Floats:
        """A [m, m]. Settings can be checked before it is known; training cannot start."""
        if self._graph is None:
            raise UserError(f"{self.kind}.graph: is missing; it comes from one run per source.")
        return self._graph

    def start(self) -> Mixture:
        self.log_weights = np.log(self.prior) + self.settings.eta * self.graph.sum(axis=0)
        return self.mixture

    def _decide(self, seen: Observation) -> Floats:
        losses, graph = self.complete(seen.losses, "losses"), self.graph
        self._window = [*self._window, losses.tolist()][-self.settings.window :]
        # The graph has relative falls: what a round lowers is that share of the loss there is now.
        self.effects = self.named(losses[:, None] * graph)
        return np.asarray(np.log(self.prior) + self.settings.eta * np.sum(self._window, axis=0) @ graph)

    def _memory(self) -> dict[str, Any]:
        return {"window": self._window}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._window = [list(losses) for losses in memory["window"]]


METHODS = {SkillIt.kind: SkillIt}
