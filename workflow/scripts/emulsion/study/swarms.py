"""A swarm, asked: its points, the runs on them, their branches, and the jobs that train them.

A trunk is a run on a point, or on the uniform mixture, `stratified`, that is only there to branch from. A branch goes
on from the state of a trunk on another mixture.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from emulsion.methods.designs import SETTINGS, count_of, names_of
from emulsion.methods.interface import CURVE
from emulsion.spec import RunSpec
from emulsion.study.paths import run_name

STRATIFIED = "stratified"
# What may be measured of a run besides its mean losses: losses of single sequences, and of single tokens.
_FINE = ("sequence_losses", "token_losses")


def design_of(points: Mapping[str, Any], sources: Sequence[str]) -> dict[str, Any]:
    """The settings of a design of mixtures that its kind reads, with how many there are."""
    chosen = {**points, "count": count_of(points, sources)}
    return {key: chosen[key] for key in ("kind", *SETTINGS[chosen["kind"]])}


class Swarm:
    """Many small runs over the simplex, trained in few jobs, that whoever needs them shares."""

    def __init__(self, name: str, settings: Mapping[str, Any], sources: Sequence[str], seeds: Sequence[int]) -> None:
        """settings: the entry of the configuration, with its defaults; sources, seeds: of the experiment."""
        self.name, self.settings, self.sources = name, settings, list(sources)
        self.seeds = tuple(seeds) if settings["seeds"] == "all" else tuple(seeds[:1])

    @cached_property
    def points(self) -> list[str]:
        """The names of its points, in order."""
        return names_of(self.name, self.settings["points"], self.sources)

    @property
    def design(self) -> dict[str, Any]:
        """What decides where the points lie, and no setting of another kind of design."""
        return design_of(self.settings["points"], self.sources)

    @property
    def capabilities(self) -> bool:
        """Whether its runs are asked what they can do, and not for their losses alone."""
        return "capabilities" in self.settings["measure"]

    @property
    def curve(self) -> bool:
        """Whether its runs are evaluated on their way, and not at their ends alone."""
        return "curve" in self.settings["measure"]

    @cached_property
    def branches(self) -> dict[str, dict[str, Any]]:
        """{name: {"after", "tokens", "mixtures", "corners"}} of the branches, in order of time."""
        return {
            name: {
                "after": each["after"],
                "tokens": each["tokens"],
                "mixtures": self.points,
                "corners": [f"only_{source}" for source in self.sources] if each["corners"] else [],
            }
            for name, each in sorted(self.settings["branches"].items(), key=lambda item: item[1]["after"])
        }

    @cached_property
    def trunks(self) -> list[dict[str, Any]]:
        """{"run", "mixture", "seed", "finish", "branches"} of every trunk: all of the first seed, then of the next."""
        found = []
        for seed in self.seeds:
            for number, mixture in enumerate([*self.points, STRATIFIED]):
                names = list(self._branches_of(mixture, number, first=seed == self.seeds[0]))
                if mixture == STRATIFIED and not names:
                    continue
                run = {"run": run_name(mixture, seed, self.seeds), "mixture": mixture, "seed": seed}
                finish = mixture != STRATIFIED
                # Named only where it is asked for: what other swarms are asked stays as it is.
                more = {key: True for key in _FINE if finish and key in self.settings["measure"]}
                more |= {"curve": True} if finish and self.curve else {}
                found.append({**run, "finish": finish, "branches": names, **more})
        return found

    @cached_property
    def batches(self) -> dict[str, list[dict[str, Any]]]:
        """{number of the job: the trunks it trains}, in order."""
        size = self.settings["batch"]
        parts = [self.trunks[start : start + size] for start in range(0, len(self.trunks), size)]
        return {f"{number:03d}": part for number, part in enumerate(parts)}

    def batch(self, number: str) -> list[dict[str, Any]]:
        """The trunks of one job."""
        return self.batches[number]

    def branches_of_batch(self, number: str) -> dict[str, dict[str, Any]]:
        """The branches of the trunks of one job."""
        used = {name for trunk in self.batches[number] for name in trunk["branches"]}
        return {name: each for name, each in self.branches.items() if name in used}

    def has_full_length_branches(self, spec: RunSpec) -> bool:
        """Whether branches leave points and end with the run: of two rounds, they show if greed pays."""
        return any(self.settings["branches"][name]["parents"] == "points" for name in self._with_the_run(spec))

    def trained_tokens(self, tokens: int) -> list[int]:
        """Tokens of every run, `tokens` being those of a whole one: each trunk as far as it goes, then its branches."""
        found = []
        for trunk in self.trunks:
            chosen = [self.branches[name] for name in trunk["branches"]]
            last = max((each["after"] for each in chosen), default=0)
            found.append(tokens if trunk["finish"] else last)
            found += [each["tokens"] for each in chosen for _ in (*each["mixtures"], *each["corners"])]
        return found

    def measurements(self, spec: RunSpec) -> int:
        """How often held-out losses are taken: where branches start and end, and of two splits where runs end.

        Those of single sequences are taken once more, and so are those of tokens; those on the way as often as it says.
        Runs on one source begin with them, and with those on the way there are ones before the first step, too.
        """
        initial = {0} if self.settings["points"]["kind"] == "corners" else set()
        way = {round(share * spec.steps) for share in CURVE} if self.curve else set()
        ends_with_run, fine = self._with_the_run(spec), sum(key in self.settings["measure"] for key in _FINE)
        found = 0
        for trunk in self.trunks:
            asked = (self.branches[name] for name in trunk["branches"])
            starts = {spec.branch(each["after"], each["tokens"])[0] for each in asked}
            # Of a step that several things ask for, losses are taken once.
            found += len(initial | starts | (way if trunk["finish"] else set())) + (2 + fine) * trunk["finish"]
            for name in trunk["branches"]:
                ends = len(self.branches[name]["mixtures"]) + len(self.branches[name]["corners"])
                found += ends * (2 if name in ends_with_run else 1)
        return found

    def _with_the_run(self, spec: RunSpec) -> list[str]:
        """The branches that end where the run does."""
        branches = self.branches.items()
        return [name for name, each in branches if spec.branch(each["after"], each["tokens"])[1] == spec.steps]

    def _branches_of(self, mixture: str, number: int, first: bool) -> Iterator[str]:
        for name in self.branches:
            chosen = self.settings["branches"][name]
            parents = chosen["parents"]
            is_parent = mixture == parents if mixture == STRATIFIED else _is_point(parents, number)
            if is_parent and (first or chosen["seeds"] == "all"):
                yield name


def _is_point(parents: str | int, number: int) -> bool:
    return parents == "points" or (isinstance(parents, int) and number < parents)
