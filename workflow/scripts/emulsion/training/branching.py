"""Branches: runs that continue from the state of another one, the trunk, on another mixture.

A branch keeps the seed, the learning rate schedule and the order within each source that the trunk would have gone on
with; only the shares of the sources change. It is, weight for weight, the run that a `SequencePlan` whose mixture
changes at that step (`SequencePlan.change`) trains from the start.
"""

from __future__ import annotations

import copy
import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from emulsion.files import fingerprint, remove_folder
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training.checkpoint import Origin
from emulsion.training.inputs import RunInputs
from emulsion.training.journal import Journal, packed
from emulsion.training.judge import Judge
from emulsion.training.loop import Training
from emulsion.training.owner import Owner, is_free
from emulsion.training.runtime import Runtime


class Trunk:
    """A run on one mixture, trained as far as is asked for and is not in the journal yet."""

    def __init__(
        self, spec: Mapping[str, Any], mixture: Mixture, inputs: RunInputs, journal: Journal, runtime: Runtime
    ) -> None:
        """mixture: over all sources, in the order of the stores."""
        self.spec = RunSpec.from_json(spec)
        self.inputs, self.journal, self.runtime = inputs, journal, runtime
        self.identity = inputs.identity(spec, {"schedule": [{"until": 1.0, "weights": dict(mixture)}]})
        self.folder = journal.folder / self.identity
        self.plan = inputs.plan(self.spec, Schedule.constant(mixture))
        # One model and optimiser in turn for the trunk and its branches: memory is that of one run.
        self.training: Training | None = None
        self.reached = -1
        self.known, self.measured = 0, 0
        self.own: dict[int, float] = {}
        self.owner: Owner | None = None

    @property
    def seconds(self) -> float:
        """What the trunk took without its branches, as far as it was measured."""
        return sum(self.own.values())

    def measure(self, step: int) -> dict[str, Any]:
        """What `_here` says of this step, and "seconds". Steps are asked for in order of time."""
        what = {"trunk": self.identity, "step": step}
        row = self._once(what, lambda: self._here(step))
        self.own[step] = row["seconds"]
        return row

    def measure_capabilities(self, step: int, judge: Judge) -> dict[str, float]:
        """{capability: score} at this step, which is the one that was measured last."""
        what = {"trunk": self.identity, "step": step, "judge": judge.identity}
        row = self._once(what, lambda: {"capabilities": judge.scores(self._reach(step).model)})
        self.own[step] += row["seconds"]
        return dict(row["capabilities"])

    def measure_sequences(self, step: int) -> dict[str, list[float]]:
        """{source: losses of its validation sequences, in order} at this step, which was measured last."""
        what = {"trunk": self.identity, "step": step, "sequences": "validation"}
        row = self._once(what, lambda: {"losses": _sequence_losses(self._reach(step))})
        self.own[step] += row["seconds"]
        return dict(row["losses"])

    def measure_tokens(self, step: int) -> dict[str, Any]:
        """{source: losses of the tokens of its validation sequences, `packed`} likewise."""
        what = {"trunk": self.identity, "step": step, "tokens": "validation"}
        row = self._once(what, lambda: {"losses": _token_losses(self._reach(step))})
        self.own[step] += row["seconds"]
        return dict(row["losses"])

    def measure_branch(self, start: int, mixture: Mixture, end: int) -> dict[str, Any]:
        """What `_measured` says of step `end` of the branch that leaves after step `start`, and "seconds"."""
        what = {"trunk": self.identity, "step": start, "mixture": dict(mixture), "end": end}
        folder = self.folder / "branches" / fingerprint(what)
        row = self._once(what, lambda: self._measured(self._branch(folder, start, mixture, end), start))
        if self.owner is not None:
            remove_folder(folder)
        return row

    def _here(self, step: int) -> dict[str, Any]:
        """What is kept of the trunk at this step."""
        return losses(self._reach(step))

    def _measured(self, branch: Training, start: int) -> dict[str, Any]:
        """What is kept of a branch that left after step `start` and has ended."""
        return losses(branch)

    def _once(self, what: Mapping[str, Any], measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The row of the journal, or what is measured now.

        "seconds" are all that was done for it, the way of the trunk to a branch point included; where a job was cut
        off, those of the job that ended it.
        """
        found = self.journal.find(what)
        if found is None and self._take():
            found = self.journal.find(what)  # the process that was waited for may have measured it
        if found is None:
            started = time.monotonic()
            found = self.journal.keep(what, {**measure(), "seconds": time.monotonic() - started})
            self.measured += 1
        else:
            self.known += 1
        return found

    def _take(self) -> bool:
        """Be the only process that trains this trunk; returns whether another one was waited for."""
        if self.owner is not None:
            return False
        self.owner = Owner(self.folder)
        return self.owner.take(self.runtime.job)

    def tokens(self, steps: int) -> int:
        """Tokens of `steps` steps."""
        return steps * self.spec.batch_sequences * self.spec.context

    def _branch(self, folder: Path, start: int, mixture: Mixture, end: int) -> Training:
        training = self.training if self.training and self.reached == start else self._reach(start)
        plan = branch_plan(self.plan, start * self.spec.batch_sequences, mixture)
        self._check(plan, end)
        training.turn_to(plan, folder, folder.name, Origin(self.folder, self.identity, start))
        training.run(end, save=False)
        return training

    def _check(self, plan: SequencePlan, end: int) -> None:
        """Refuse a branch that may not be trained by this plan to step `end`."""

    def _reach(self, step: int) -> Training:
        """The trunk's training, at this step, of which there is a checkpoint then."""
        if self.training is None:
            inputs = (self.inputs.stores, lambda: self.inputs.model(self.spec.model), self.folder, self.identity)
            self.training = Training(self.spec, self.plan, *inputs, self.runtime)
            self.training.owner = self.owner
        elif self.training.identity != self.identity:
            here = Origin(self.folder, self.identity, self.reached)
            self.training.turn_to(self.plan, self.folder, self.identity, here)
        self.training.run(step)
        self.reached = step
        return self.training

    def close(self) -> None:
        """Let go of the model, and of the states that a job cut off would have gone on from."""
        if self.owner is None and is_free(self.folder):
            self._take()
        if self.owner is not None:
            self.owner.remove()
        if self.training is not None:
            self.training = None
            # In mixed precision accelerate makes a model refer to itself, so that it would stay in memory.
            gc.collect()

    def release(self) -> None:
        """Let others train this trunk; what has been saved of it stays."""
        if self.owner is not None:
            self.owner.release()


def branch_plan(trunk: SequencePlan, start: int, mixture: Mixture) -> SequencePlan:
    """A trunk's plan that draws by another mixture from sequence `start` on."""
    plan = copy.deepcopy(trunk)
    plan.change(start, mixture)
    return plan


def _sequence_losses(training: Training) -> dict[str, list[float]]:
    return {source: each.tolist() for source, each in training.sequence_losses("validation").items()}


def _token_losses(training: Training) -> dict[str, Any]:
    return {source: packed(each) for source, each in training.token_losses("validation").items()}


def losses(training: Training) -> dict[str, Any]:
    """{"validation", "test": {source: nats}} where a training is; `test` is null before the run's end."""
    ended = training.step == training.spec.steps
    test = training.validate("test") if ended else None
    return {"validation": training.validate(), "test": test}
