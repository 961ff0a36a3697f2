"""Sweeps: trunks on many mixtures and their branches, trained one after another in one process.

A trunk is trained once: at each branch point it is saved, its branches are trained from there, and it goes on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.files import read_json
from emulsion.mixture import Mixture
from emulsion.training.branching import Trunk
from emulsion.training.journal import Journal
from emulsion.training.parts import Parts
from emulsion.training.runtime import Runtime
from emulsion.training.spec import RunSpec

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
        """From {"after": tokens, "tokens": tokens, "mixtures", "corners"}: in whole steps, at least 1.

        Branches of so many tokens as are left end with the run. Raises UserError where none are left.
        """
        step_tokens = spec.batch_sequences * spec.context
        start, length = (max(1, round(values[key] / step_tokens)) for key in ("after", "tokens"))
        if start >= spec.steps:
            raise UserError(
                f"branches.{name}.after: {values['after']:,} tokens are step {start} of {spec.steps}; branches have to "
                "leave before the last step."
            )
        to_the_end = values["after"] + values["tokens"] >= spec.realised_tokens
        end = spec.steps if to_the_end else min(start + length, spec.steps)
        return cls(start=start, end=end, mixtures=values["mixtures"], corners=values["corners"])


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What all trunks of a sweep share.

    spec      a run spec, as JSON; its seed and its validations are not used
    mixtures  {name: over all sources, in the order of the stores}
    """

    spec: Mapping[str, Any]
    parts: Parts
    mixtures: Mapping[str, Mixture]
    branches: Mapping[str, BranchSet]
    journal: Journal
    runtime: Runtime

    def train(self, trunks: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """A row for each trunk {"run", "mixture", "seed", "finish", "branches": [names]}, as in `law_results/`.

        Raises UserError where the job is to stop; what was done is in the journal.
        """
        trunks = list(trunks)
        for trunk in trunks:
            self._check(trunk)
        rows = []
        for trunk in trunks:
            try:
                rows.append(self._train(trunk))
            except UserError as error:
                raise UserError(f"trunk {trunk['run']}: {error}") from error
        return rows

    def _check(self, told: Mapping[str, Any]) -> None:
        for name in told["branches"]:
            if name not in self.branches:
                raise unknown("branches", name, self.branches, f"trunk {told['run']}")
        if not told["finish"] and not told["branches"]:
            raise UserError(f"trunk {told['run']}: is neither to be finished nor to be branched from.")
        ends = [name for chosen in told["branches"] for name in self._ends(self.branches[chosen])]
        for name in (told["mixture"], *ends):
            if name not in self.mixtures:
                raise unknown("mixture", name, self.mixtures, f"trunk {told['run']}")

    @staticmethod
    def _ends(chosen: BranchSet) -> dict[str, bool]:
        """{mixture: whether it is a corner}."""
        return {**dict.fromkeys(chosen.mixtures, False), **dict.fromkeys(chosen.corners, True)}

    def _train(self, told: Mapping[str, Any]) -> dict[str, Any]:
        spec = {**self.spec, "seed": told["seed"], "validations": 0}
        mixture = self.mixtures[told["mixture"]]
        trunk = Trunk(spec, mixture, self.parts, self.journal, self.runtime)
        chosen = sorted((self.branches[name].start, name) for name in told["branches"])
        branches = {name: self._train_branches(trunk, self.branches[name]) for _, name in chosen}
        last = trunk.spec.steps if told["finish"] else chosen[-1][0]
        end = trunk.measure(last)
        trunk.close()
        counts = (trunk.measured, trunk.known, end["seconds"])
        log.info("%s: measured %d times, %d from the journal; %.1f s to its last step", told["run"], *counts)
        return {
            "run": told["run"],
            "mixture": told["mixture"],
            "seed": told["seed"],
            "weights": dict(mixture),
            "identity": trunk.identity,
            "tokens": trunk.tokens(last),
            "finished": told["finish"],
            "validation": end["validation"] if told["finish"] else None,
            "test": end["test"] if told["finish"] else None,
            "seconds": end["seconds"],
            "branches": branches,
        }

    def _train_branches(self, trunk: Trunk, chosen: BranchSet) -> dict[str, Any]:
        before = trunk.measure(chosen.start)["validation"]
        ends = []
        for name, corner in self._ends(chosen).items():
            mixture = self.mixtures[name]
            row = trunk.measure_branch(chosen.start, mixture, chosen.end)
            ends.append({"mixture": name, "weights": dict(mixture), "corner": corner, **row})
        tokens = {"after": trunk.tokens(chosen.start), "tokens": trunk.tokens(chosen.end - chosen.start)}
        return {**tokens, "before": before, "ends": ends}


def train_sweep(
    *,
    mixture_files: Sequence[Path],
    stores: Sequence[Path],
    tokenizer: Path,
    spec: Mapping[str, Any],
    trunks: Sequence[Mapping[str, Any]],
    branches: Mapping[str, Mapping[str, Any]],
    checkpoints: Path,
    runtime: Runtime,
    weights: Path | None = None,
) -> dict[str, Any]:
    """{"sources", "runs"}: what a batch of trunks and their branches reached.

    branches: {name: {"after": tokens, "tokens": tokens, "mixtures": [names], "corners": [names]}}
    checkpoints: the folder of the journal.
    Raises UserError where names, files or sizes do not fit, or the job is to stop; start again to go on.
    """
    checked = RunSpec.from_json(spec)
    parts = Parts.open(list(stores), tokenizer, checked.model, weights)
    sweep = Sweep(
        spec=spec,
        parts=parts,
        mixtures=read_mixtures(mixture_files, list(parts.stores)),
        branches={name: BranchSet.of(name, values, checked) for name, values in branches.items()},
        journal=Journal(checkpoints),
        runtime=replace(runtime, quiet=True),
    )
    return {"sources": list(parts.stores), "runs": sweep.train(trunks)}


def read_mixtures(files: Iterable[Path], sources: list[str]) -> dict[str, Mixture]:
    """{name: mixture over all sources} of mixture files.

    Raises UserError for a mixture that changes over the run, and for two of one name.
    """
    mixtures: dict[str, Mixture] = {}
    for file in files:
        content = read_json(file)
        if len(content["schedule"]) > 1:
            raise UserError(
                f"{file}: has {len(content['schedule'])} stages; a sweep needs mixtures that do not change."
            )
        if content["name"] in mixtures:
            raise UserError(f"{file}: another mixture file has the name '{content['name']}' too.")
        mixtures[content["name"]] = Mixture(content["schedule"][0]["weights"], str(file)).over(sources)
    return mixtures
