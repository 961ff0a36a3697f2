"""What the trunks and branches of a sweep draw: follows from their plans, before anything is trained."""

from __future__ import annotations

from collections.abc import Mapping

from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan, excess_epochs
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training.branching import branch_plan
from emulsion.training.inputs import RunInputs

Shares = dict[str, float]


class Draws:
    """Realised shares of trunks and branches, by the names of their mixtures.

    Seeds only decide the order within a source, so what is asked for again, of another seed, is known.
    """

    def __init__(self, spec: RunSpec, inputs: RunInputs, mixtures: Mapping[str, Mixture], max_epochs: float) -> None:
        """max_epochs: how often a source may be repeated, 0 for any number."""
        self.spec, self.inputs, self.mixtures, self.max_epochs = spec, inputs, mixtures, max_epochs
        self._plans: dict[str, SequencePlan] = {}
        self._trunks: dict[tuple[str, int], Shares] = {}
        self._branches: dict[tuple[str, int, str, int], Shares] = {}

    def of_trunk(self, trunk: str, end: int) -> Shares:
        """{source: share of the sequences that a trunk draws up to step `end`}.

        Raises UserError where a source has no sequences, or would be repeated too often.
        """
        key = (trunk, end)
        if key not in self._trunks:
            self._trunks[key] = self._shares(self._plan(trunk), 0, end)
        return self._trunks[key]

    def epochs_of_trunk(self, trunk: str, end: int) -> dict[str, float]:
        """{source: how often a trunk reads it up to step `end`}."""
        plan = self._plan(trunk)
        counts = plan.counts(end * self.spec.batch_sequences).tolist()
        return {source: count / max(size, 1) for (source, size), count in zip(plan.sizes.items(), counts, strict=True)}

    def of_branch(self, trunk: str, start: int, branch: str, end: int) -> Shares:
        """The same of a branch from step `start` to step `end`; what the trunk drew counts towards its epochs."""
        key = (trunk, start, branch, end)
        if key not in self._branches:
            plan = branch_plan(self._plan(trunk), start * self.spec.batch_sequences, self.mixtures[branch])
            self._branches[key] = self._shares(plan, start, end)
        return self._branches[key]

    def _plan(self, trunk: str) -> SequencePlan:
        if trunk not in self._plans:
            self._plans[trunk] = self.inputs.plan(self.spec, Schedule.constant(self.mixtures[trunk]))
        return self._plans[trunk]

    def _shares(self, plan: SequencePlan, start: int, end: int) -> Shares:
        first, last = (step * self.spec.batch_sequences for step in (start, end))
        if self.max_epochs and (problems := excess_epochs(plan, last, self.spec.context, self.max_epochs)):
            part = f" They read {self.spec.part:.3g} of each source (match_epochs_of)." if self.spec.part < 1 else ""
            raise UserError(" ".join(problems) + part)
        shares = (plan.counts(last) - plan.counts(first)) / (last - first)
        return dict(zip(plan.sizes, shares.tolist(), strict=True))
