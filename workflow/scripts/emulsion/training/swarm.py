"""Swarms: runs on many mixtures and their branches, trained one after another in one warm process.

A trunk is trained once: at each branch point it is saved, its branches are trained from there, and it continues.
"""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.methods.interface import CURVE
from emulsion.mixture import Mixture
from emulsion.spec import RunSpec
from emulsion.training.branching import Trunk
from emulsion.training.costs import tokens_measured
from emulsion.training.inputs import RunInputs
from emulsion.training.journal import Journal
from emulsion.training.judge import Judge
from emulsion.training.measurements import peak_memory_bytes
from emulsion.training.runtime import Runtime
from emulsion.training.sweep_draws import Draws

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class BranchSet:
    """Branches that leave a trunk after step `start` and end with step `end`, on each of these mixtures.

    corners: mixtures of one source that are trained alike and marked, for they are not to be fitted.
    """

    start: int
    end: int
    mixtures: Sequence[str]
    corners: Sequence[str]

    @classmethod
    def of(cls, name: str, values: Mapping[str, Any], spec: RunSpec) -> BranchSet:
        """From {"after": tokens, "tokens": tokens, "mixtures", "corners"}; raises UserError as `RunSpec.branch`."""
        try:
            start, end = spec.branch(values["after"], values["tokens"])
        except UserError as error:
            raise UserError(f"branches.{name}.{error}") from error
        return cls(start=start, end=end, mixtures=values["mixtures"], corners=values["corners"])

    @property
    def ends(self) -> dict[str, bool]:
        """{mixture: whether it is a corner}."""
        return {**dict.fromkeys(self.mixtures, False), **dict.fromkeys(self.corners, True)}


@dataclass(frozen=True, kw_only=True)
class Swarm:
    """What all trunks of a swarm share.

    spec      a run spec, as JSON; its seed and its validations are not used
    mixtures  {name: over all sources, in the order of the stores}
    draws     of the same mixtures
    judge     measures the capabilities of finished trunks; None where losses are enough
    initial   whether losses before the first step are measured
    """

    spec: Mapping[str, Any]
    inputs: RunInputs
    mixtures: Mapping[str, Mixture]
    branches: Mapping[str, BranchSet]
    draws: Draws
    journal: Journal
    runtime: Runtime
    judge: Judge | None
    initial: bool

    def train(self, trunks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A row for each trunk {"run", "mixture", "seed", "finish", "branches": [names]}, as in `law_results/`.

        With "sequence_losses": true the row has the losses of single validation sequences too, with "token_losses":
        true those of their tokens, and with "curve": true validation losses before its end, [{"tokens", "validation"}].

        Raises UserError before anything is trained where names are unknown or a source is too small, later where a
        loss is not finite or the job is to stop; what was done is in the journal.
        """
        trunks = list(trunks)
        for trunk in trunks:
            self._check(trunk)
        for trunk in trunks:
            with _within(f"trunk {trunk['run']}"):
                self._check_draws(trunk)
        rows = []
        for trunk in trunks:
            with _within(f"trunk {trunk['run']}"):
                rows.append(self._train(trunk))
        return rows

    def _check(self, asked: Mapping[str, Any]) -> None:
        for name in asked["branches"]:
            if name not in self.branches:
                raise unknown("branches", name, self.branches, f"trunk {asked['run']}")
        if not asked["finish"] and not asked["branches"]:
            raise UserError(f"trunk {asked['run']}: is neither to be finished nor to be branched from.")
        ends = [name for chosen in asked["branches"] for name in self.branches[chosen].ends]
        for name in (asked["mixture"], *ends):
            if name not in self.mixtures:
                raise unknown("mixture", name, self.mixtures, f"trunk {asked['run']}")

    def _check_draws(self, asked: Mapping[str, Any]) -> None:
        with _within(f"mixture {asked['mixture']}"):
            self.draws.of_trunk(asked["mixture"], self._last(asked))
        for name in asked["branches"]:
            chosen = self.branches[name]
            for mixture in chosen.ends:
                with _within(f"branches {name}, mixture {mixture}"):
                    self.draws.of_branch(asked["mixture"], chosen.start, mixture, chosen.end)

    def _last(self, asked: Mapping[str, Any]) -> int:
        """The step that a trunk is trained to: the run's last, or its last branch point."""
        steps = RunSpec.from_json(self.spec).steps
        return steps if asked["finish"] else max(self.branches[name].start for name in asked["branches"])

    def _train(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        spec = {**self.spec, "seed": asked["seed"], "validations": 0}
        mixture = self.mixtures[asked["mixture"]]
        trunk = Trunk(spec, mixture, self.inputs, self.journal, self.runtime)
        try:
            return self._measure(asked, trunk, mixture)
        finally:
            trunk.release()

    def _measure(self, asked: Mapping[str, Any], trunk: Trunk, mixture: Mixture) -> dict[str, Any]:
        start = trunk.measure(0)["validation"] if self.initial else None
        last = self._last(asked)
        stops = [(self.branches[name].start, name) for name in asked["branches"]]
        if asked.get("curve"):
            stops += [(step, "") for step in sorted({round(share * last) for share in CURVE})]
        curve, branches = [], {}
        for step, name in sorted(stops):
            if name:
                branches[name] = self._train_branches(trunk, asked["mixture"], name)
            else:
                curve.append({"tokens": trunk.tokens(step), "validation": trunk.measure(step)["validation"]})
        end = trunk.measure(last)
        scores = trunk.measure_capabilities(last, self.judge) if self.judge and asked["finish"] else None
        # Only where they are asked for: they are as many numbers as there are sequences, or tokens.
        sequences: dict[str, Any] = {}
        if asked.get("sequence_losses"):
            sequences["sequence_losses"] = trunk.measure_sequences(last)
        if asked.get("token_losses"):
            sequences["token_losses"] = trunk.measure_tokens(last)
        killed = trunk.owner.killed if trunk.owner is not None else {"tries": 0}
        trunk.close()
        counts = (trunk.measured, trunk.known, trunk.seconds)
        log.info("%s: measured %d times, %d from the journal; %.1f s without its branches", asked["run"], *counts)
        return {
            "run": asked["run"],
            "mixture": asked["mixture"],
            "seed": asked["seed"],
            "weights": dict(mixture),
            "realised": self.draws.of_trunk(asked["mixture"], last),
            "epochs": self.draws.epochs_of_trunk(asked["mixture"], last),
            "identity": trunk.identity,
            "tokens": trunk.tokens(last),
            "finished": asked["finish"],
            "initial": start,
            "validation": end["validation"] if asked["finish"] else None,
            "test": end["test"] if asked["finish"] else None,
            "capabilities": scores,
            **sequences,
            **({"curve": curve} if curve else {}),
            "seconds": trunk.seconds,
            **({"killed": killed} if killed["tries"] else {}),
            "branches": branches,
        }

    def _train_branches(self, trunk: Trunk, parent: str, branches: str) -> dict[str, Any]:
        chosen = self.branches[branches]
        before = trunk.measure(chosen.start)["validation"]
        ends = []
        for name, corner in chosen.ends.items():
            mixture = self.mixtures[name]
            with _within(f"branches {branches}, mixture {name}"):
                row = trunk.measure_branch(chosen.start, mixture, chosen.end)
            realised = self.draws.of_branch(parent, chosen.start, name, chosen.end)
            ends.append({"mixture": name, "weights": dict(mixture), "realised": realised, "corner": corner, **row})
        tokens = {"after": trunk.tokens(chosen.start), "tokens": trunk.tokens(chosen.end - chosen.start)}
        return {**tokens, "before": before, "ends": ends}


@contextmanager
def _within(where: str) -> Iterator[None]:
    """Errors of the user's say where they are from."""
    try:
        yield
    except UserError as error:
        raise type(error)(f"{where}: {error}") from error


def train_swarm(
    *,
    mixtures: Mapping[str, Mixture],
    stores: Sequence[Path],
    tokenizer: Path,
    spec: Mapping[str, Any],
    trunks: Sequence[Mapping[str, Any]],
    branches: Mapping[str, Mapping[str, Any]],
    checkpoints: Path,
    runtime: Runtime,
    judge: Judge | None = None,
    initial: bool = False,
    weights: Path | None = None,
    max_epochs: float = 0,
) -> dict[str, Any]:
    """{"sources", "peak_memory_bytes", "evaluation_tokens", "runs"}: what a batch of trunks and branches reached.

    evaluation_tokens: read to measure them, losses alone

    mixtures: {name: of trunks and branches}
    branches: {name: {"after": tokens, "tokens": tokens, "mixtures": [names], "corners": [names]}}
    checkpoints: the folder of the journal, which all swarms share.
    max_epochs: how often a trunk or a branch may repeat a source, 0 for any number.
    Raises UserError where names, files or sizes do not fit, or a source would be repeated too often, a loss is not
    finite, or the job is to stop; start again to go on.
    """
    checked = RunSpec.from_json(spec)
    inputs = RunInputs.open(list(stores), tokenizer, checked, weights)
    # What is loaded stays: the search for garbage after each trunk looks at nothing but what the trunk made.
    gc.freeze()
    if judge:
        judge.check(checked.context)
    whole = {name: mixture.over(list(inputs.stores)) for name, mixture in mixtures.items()}
    swarm = Swarm(
        spec=spec,
        inputs=inputs,
        mixtures=whole,
        draws=Draws(checked, inputs, whole, max_epochs),
        branches={name: BranchSet.of(name, values, checked) for name, values in branches.items()},
        journal=Journal(checkpoints),
        runtime=replace(runtime, quiet=True),
        judge=judge,
        initial=initial,
    )
    runs = swarm.train(trunks)
    return {
        "sources": list(inputs.stores),
        "peak_memory_bytes": peak_memory_bytes(),
        "evaluation_tokens": tokens_measured(runs, checked, inputs.stores),
        "runs": runs,
    }
