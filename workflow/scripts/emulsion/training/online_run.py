"""A run on an online method: what it is made from, and its training, for its model or again for its states."""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.data import tokenizers
from emulsion.files import fingerprint
from emulsion.methods import create
from emulsion.methods.interface import Evidence, OnlineMethod
from emulsion.methods.stretches import opening
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training.costs import Needed, run_cost
from emulsion.training.evidence import Reference
from emulsion.training.finish import check_validations, finish, is_there
from emulsion.training.inputs import RunInputs
from emulsion.training.loop import Training
from emulsion.training.owner import owned_by_first
from emulsion.training.rounds import Prelude, Rounds
from emulsion.training.runtime import Runtime

log = logging.getLogger(__name__)


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
        """The run's identity, of which the reference and the prelude are parts as the method's values are."""
        decided: dict[str, Any] = {"method": dict(self.values)}
        if self.reference is not None:
            decided["reference"] = dict(self.reference.losses)
        if self.prelude is not None:
            decided["prelude"] = {"mixture": dict(self.prelude.mixture), "share": self.prelude.share}
        return inputs.identity(self.spec, {"schedule": decided})

    def rounds(self, inputs: RunInputs, folder: Path, runtime: Runtime) -> Rounds:
        """The run, not yet started, with its checkpoints in this folder.

        Raises UserError where the method lacks evidence, or as `Rounds`.
        """
        method, spec = self.make(), RunSpec.from_json(self.spec)
        first = opening(method)
        plan = inputs.plan(spec, Schedule.constant(self.prelude.mixture if self.prelude else Mixture(first[0])))
        model = functools.partial(inputs.model, spec.model)
        training = Training(spec, plan, inputs.stores, model, folder, self.identity(inputs), runtime)
        return Rounds(
            training, method, first, max_epochs=self.max_epochs, reference=self.reference, prelude=self.prelude
        )

    def train(
        self,
        *,
        experiment: str,
        name: str,
        store_folders: list[Path],
        tokenizer: Path,
        output: Path,
        checkpoints: Path,
        runtime: Runtime,
        weights: Path | None = None,
    ) -> None:
        """Train, or resume training, as `train_run` does on a mixture file, and save the model with its record.

        name: of the run within its experiment, as a mixture's.
        weights: the model folder to start from, where the spec's model names `weights`.
        The record's `schedule` is what the method decided, and its `method` has the values, the rounds and their cost.
        Raises what `train_run` does, and UserError where the method's rounds do not fit into the run.
        """
        spec = RunSpec.from_json(self.spec)
        check_validations(spec)
        inputs = RunInputs.open(store_folders, tokenizer, spec, weights)
        with owned_by_first(checkpoints, runtime) as (owner, waited):
            rounds = self.rounds(inputs, checkpoints, runtime)
            training = rounds.training
            training.owner = owner
            if is_there(training, output, waited):
                return
            rounds.run()
            for notice in rounds.notices():
                log.warning("%s: %s", name, notice)
            names = {"experiment": experiment, "mixture": name, "identity": training.identity}
            used = {"spec": dict(self.spec), "schedule": rounds.schedule()}
            head = {**names, **used, "tokenizer": tokenizers.fingerprint(tokenizer)}
            finish(training, inputs, {**head, **self._taken(rounds)}, tokenizer, output)

    def _taken(self, rounds: Rounds) -> dict[str, Any]:
        """{"method", "cost"} of the record of a run that has ended."""
        method, taken = rounds.method, rounds.cost()
        average = dict(method.average) if method.averages else None
        kind = {"values": self.values, "rounds": method.rounds, "observes": method.observes, "average": average}
        cost = run_cost(
            rounds.training.spec.realised_tokens,
            self.needed,
            probe_tokens=taken["probe_tokens"],
            evaluations=taken["validations"],
            evaluation_tokens=taken["evaluation_tokens"],
        )
        return {"method": {**kind, **taken, "notices": rounds.notices()}, "cost": cost}
