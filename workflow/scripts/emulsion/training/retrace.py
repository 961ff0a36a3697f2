"""Branches of an online method's own run: it is trained again up to the states in which the method decides.

From each of these states short runs continue, each on one mixture: what they do to the losses is what the method's
matrix of effects should say (Aioli, 2411.05735, section 4.3). A run that is trained again has the same identity, data
and decisions, so its states are those of the finished run.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.methods.stretches import update_before
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan, excess_epochs
from emulsion.spec import RunSpec
from emulsion.training.branching import Trunk
from emulsion.training.inputs import RunInputs
from emulsion.training.journal import Journal
from emulsion.training.loop import Training
from emulsion.training.measurements import peak_memory_bytes
from emulsion.training.online_run import OnlineRun
from emulsion.training.rounds import Rounds
from emulsion.training.runtime import Runtime
from emulsion.training.swarm import BranchSet

log = logging.getLogger(__name__)


class OnlineTrunk(Trunk):
    """A run on an online method that branches leave from."""

    def __init__(self, run: OnlineRun, inputs: RunInputs, journal: Journal, runtime: Runtime) -> None:
        super().__init__(run.spec, Mixture.uniform(list(inputs.stores)), inputs, journal, runtime)
        self.run = run
        self.rounds: Rounds | None = None
        self.identity = run.identity(inputs)
        self.folder = journal.folder / self.identity

    def _here(self, step: int) -> dict[str, Any]:
        """What `losses` says of this step, and "decided": the mixtures of the run so far."""
        found = super()._here(step)
        return {**found, "decided": [dict(weights) for weights in self.rounds.decided] if self.rounds else []}

    def _measured(self, branch: Training, start: int) -> dict[str, Any]:
        """What `losses` says of it, and "realised": what it drew, as shares by source."""
        first, last = (step * self.spec.batch_sequences for step in (start, branch.step))
        drawn = (branch.plan.counts(last) - branch.plan.counts(first)) / (last - first)
        realised = dict(zip(branch.plan.sizes, drawn.tolist(), strict=True))
        return {**super()._measured(branch, start), "realised": realised}

    def _check(self, plan: SequencePlan, end: int) -> None:
        limit = self.run.max_epochs
        problems = excess_epochs(plan, end * self.spec.batch_sequences, self.spec.context, limit) if limit else []
        if problems:
            raise UserError(" ".join(problems))

    def _reach(self, step: int) -> Training:
        """The run at this step; after branches it is taken up from its checkpoint, by a method restored with it."""
        if self.rounds is None or self.training is None or self.training.identity != self.identity:
            self.rounds = self.training = None
            gc.collect()  # one model at a time
            self.rounds = self.run.rounds(self.inputs, self.folder, self.runtime)
            self.training = self.rounds.training
            self.training.owner = self.owner
        self.rounds.run(step)
        self.plan, self.reached = self.training.plan, step
        return self.training

    def close(self) -> None:
        self.rounds = None
        super().close()


def branch_run(
    *,
    name: str,
    mixture: str,
    run: OnlineRun,
    record: Mapping[str, Any],
    shares: Sequence[float],
    tokens: int,
    mixtures: Sequence[Mixture],
    stores: Sequence[Path],
    tokenizer: Path,
    journal: Path,
    runtime: Runtime,
    weights: Path | None = None,
) -> dict[str, Any]:
    """{"sources", "peak_memory_bytes", "runs"}: a row for each state, as a swarm's job has one for each trunk.

    name, mixture  of the finished run; record: its run.json
    shares    of the run: states are those of the last updates by then; the branches of one are the set "step{n}"
    tokens    of a branch
    mixtures  of the branches

    Raises UserError where the record is of another run, two shares are of one update, or as `train_swarm`.
    """
    inputs = RunInputs.open(list(stores), tokenizer, RunSpec.from_json(run.spec), weights)
    trunk = OnlineTrunk(run, inputs, Journal(journal), replace(runtime, quiet=True))
    if trunk.identity != record["identity"]:
        raise UserError(
            f"run '{name}': was trained on other data or settings (identity {record['identity']}) than it would be now "
            f"({trunk.identity}); train it again."
        )
    before = run.prelude.steps(trunk.spec.steps) if run.prelude else 0
    steps = [update_before(run.make(), trunk.spec.steps, share, before) for share in sorted(shares)]
    if len(set(steps)) < len(steps):
        raise UserError(f"run '{name}': two of the shares {list(shares)} are of one update (after steps {steps}).")
    named = {f"branch_{number:02d}": each.over(list(inputs.stores)) for number, each in enumerate(mixtures)}
    try:
        pairs = zip([0, *steps], steps, strict=False)
        rows = [_row(trunk, name, mixture, last, step, tokens, named) for last, step in pairs]
        trunk.close()
    finally:
        trunk.release()
    for row in rows:
        _compare(name, row.pop("decided"), record["schedule"])
    return {"sources": list(inputs.stores), "peak_memory_bytes": peak_memory_bytes(), "runs": rows}


def _row(
    trunk: OnlineTrunk, name: str, mixture: str, last: int, step: int, tokens: int, mixtures: Mapping[str, Mixture]
) -> dict[str, Any]:
    """last: the state before this one, up to which the trunk's tokens are counted there."""
    values = {"after": trunk.tokens(step), "tokens": tokens, "mixtures": list(mixtures), "corners": []}
    chosen = BranchSet.of(f"step{step}", values, trunk.spec)
    here = trunk.measure(step)
    ends = []
    for branch in chosen.ends:
        row = trunk.measure_branch(step, mixtures[branch], chosen.end)
        ends.append({"mixture": branch, "weights": dict(mixtures[branch]), "corner": False, **row})
    counted = {"after": trunk.tokens(step), "tokens": trunk.tokens(chosen.end - step)}
    return {
        "run": f"{name}-step{step}",
        "mixture": mixture,
        "seed": trunk.spec.seed,
        "step": step,
        "weights": here["decided"][-1],
        "identity": trunk.identity,
        "tokens": trunk.tokens(step - last),
        "finished": False,
        "validation": None,
        "test": None,
        "seconds": here["seconds"],
        "decided": here["decided"],
        "branches": {f"step{step}": {**counted, "before": here["validation"], "ends": ends}},
    }


def _compare(name: str, decided: Sequence[Mapping[str, float]], schedule: Sequence[Mapping[str, Any]]) -> None:
    """Warn where the run did not decide again what it had decided: on another machine roundings differ."""
    pairs = zip(decided, (stage["weights"] for stage in schedule), strict=False)
    apart = max(abs(weight - old[source]) for new, old in pairs for source, weight in new.items())
    if apart > 1e-9:
        log.warning(
            "run '%s': trained again it decides otherwise, by %.2g in a share; was it trained elsewhere?", name, apart
        )
