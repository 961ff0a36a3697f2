"""What a run on an online method is made from, whoever trains it: for its model, or again for its states."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.files import fingerprint
from emulsion.methods import create
from emulsion.methods.interface import Evidence, OnlineMethod
from emulsion.training.costs import Needed
from emulsion.training.evidence import Reference
from emulsion.training.inputs import RunInputs
from emulsion.training.rounds import Prelude, Rounds
from emulsion.training.run import identity_of_rounds, prepare_rounds
from emulsion.training.runtime import Runtime


@dataclass(frozen=True, kw_only=True)
class OnlineRun:
    """A run on an online method.

    method     its kind and settings; evidence: what it is prepared from
    sources    in the experiment's order
    reference  what the reference run reached, for a method that observes excess losses
    prelude    the mixture of another method that the run begins with
    max_epochs  how often a source may be repeated, 0 for any number
    needed     what was trained and read before it (`training.costs`)
    """

    method: Mapping[str, Any]
    evidence: Evidence
    sources: list[str]
    spec: Mapping[str, Any]
    reference: Reference | None = None
    prelude: Prelude | None = None
    max_epochs: float = 0
    needed: Sequence[Needed] = ()

    def make(self) -> OnlineMethod:
        """The method before its first round. Raises UserError where it lacks evidence."""
        made = create(**self.method, sources=self.sources)
        if not isinstance(made, OnlineMethod):
            raise TypeError(f"{self.method['kind']} decides before the run")
        made.prepare(self.evidence)
        return made

    @property
    def values(self) -> dict[str, Any]:
        """All that the method was made from, as plain JSON; of what runs showed on their way, the fingerprint."""
        seen = self.evidence
        values = {**self.method, "evidence": dict(seen.losses)}
        if create(**self.method, sources=self.sources).needs.sizes:
            # Its caps follow from the epochs allowed, and what it learns from the way that runs took to their losses.
            most = seen.max_epochs if math.isfinite(seen.max_epochs) else None
            values |= {"curves": fingerprint(seen.curves), "max_epochs": most}
        return values

    def identity(self, inputs: RunInputs) -> str:
        return identity_of_rounds(inputs, self.spec, self.values, self.reference, self.prelude)

    def rounds(self, inputs: RunInputs, folder: Path, runtime: Runtime) -> Rounds:
        """The run, not yet started, with its checkpoints in this folder; raises as `prepare_rounds`."""
        return prepare_rounds(
            self.make(),
            self.values,
            inputs,
            dict(self.spec),
            folder,
            runtime,
            max_epochs=self.max_epochs,
            reference=self.reference,
            prelude=self.prelude,
        )
