"""Sweeps: from an experiment's `laws` to its points, trunks and branches, and to the jobs that train them.

A point is a mixture of the sweep, `sweep_{number}`. A trunk is a run on a point, or on the uniform mixture,
`stratified`, that is only there to branch from. A branch goes on from the state of a trunk on another mixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulsion.spec import RunSpec
from emulsion.study import experiments
from emulsion.study.catalogue import Config

STRATIFIED = "stratified"


def settings(config: Config, experiment: str) -> dict[str, Any]:
    """What the experiment says of its laws; empty where it says nothing."""
    return dict(config["experiments"][experiment]["laws"] or {})


def swept(config: Config) -> list[str]:
    """The experiments that have a sweep."""
    return [name for name in config["experiments"] if settings(config, name)]


def with_branches(config: Config) -> list[str]:
    """The experiments whose sweep has branches."""
    return [name for name in swept(config) if branched(config, name)]


def with_methods(config: Config) -> list[str]:
    """The experiments that compare methods' matrices with the fitted one."""
    return [name for name in swept(config) if methods(config, name)]


def points(config: Config, experiment: str) -> list[str]:
    """The mixtures of the sweep, in order."""
    count = settings(config, experiment).get("points", {"count": 0})["count"]
    return [f"sweep_{number:02d}" for number in range(count)]


def point_spec(config: Config, experiment: str) -> dict[str, Any]:
    """What decides where the points lie: a grid needs no more than their number."""
    chosen = dict(settings(config, experiment)["points"])
    return {key: chosen[key] for key in ("kind", "count")} if chosen["kind"] == "grid" else chosen


def fixed(config: Config, experiment: str) -> list[str]:
    """The mixtures beside the points that follow from the names of the sources alone: uniform, and one source."""
    branches = settings(config, experiment).get("branches", {}).values()
    uniform = [STRATIFIED] if any(each["parents"] == STRATIFIED for each in branches) else []
    return uniform + (_corners(config, experiment) if any(each["corners"] for each in branches) else [])


def mixtures(config: Config, experiment: str) -> list[str]:
    """Every mixture of the sweep."""
    return [*points(config, experiment), *fixed(config, experiment)]


def runs(config: Config, experiment: str) -> list[str]:
    """Every trunk as a run, which may be trained whole, its model kept, where it is asked for."""
    return [trunk["run"] for trunk in trunks(config, experiment)]


def branched(config: Config, experiment: str) -> dict[str, dict[str, Any]]:
    """{name: {"after", "tokens", "mixtures", "corners"}} of the branches, in order of time."""
    chosen = settings(config, experiment).get("branches", {})
    return {
        name: {
            "after": each["after"],
            "tokens": each["tokens"],
            "mixtures": points(config, experiment),
            "corners": _corners(config, experiment) if each["corners"] else [],
        }
        for name, each in sorted(chosen.items(), key=lambda item: item[1]["after"])
    }


def trunks(config: Config, experiment: str) -> list[dict[str, Any]]:
    """{"run", "mixture", "seed", "finish", "branches"} of every trunk: all of the first seed, then of the next."""
    seeds = config["experiments"][experiment]["seeds"]
    found = []
    for seed in seeds:
        suffix = "" if seed == seeds[0] else f"-seed{seed}"
        for number, mixture in enumerate([*points(config, experiment), STRATIFIED]):
            names = list(_branches_of(config, experiment, mixture, number, first=seed == seeds[0]))
            if mixture == STRATIFIED and not names:
                continue
            run = {"run": mixture + suffix, "mixture": mixture, "seed": seed}
            found.append({**run, "finish": mixture != STRATIFIED, "branches": names})
    return found


def batches(config: Config, experiment: str) -> dict[str, list[dict[str, Any]]]:
    """{number of the job: the trunks it trains}, in order."""
    all_trunks, size = trunks(config, experiment), settings(config, experiment).get("batch", 1)
    parts = [all_trunks[start : start + size] for start in range(0, len(all_trunks), size)]
    return {f"{number:03d}": part for number, part in enumerate(parts)}


def batch(config: Config, experiment: str, number: str) -> list[dict[str, Any]]:
    """The trunks of one job; none where there is no such job."""
    return batches(config, experiment).get(number, [])


def branches_of_batch(config: Config, experiment: str, number: str) -> dict[str, dict[str, Any]]:
    """The branches of the trunks of one job."""
    used = {name for trunk in batch(config, experiment, number) for name in trunk["branches"]}
    return {name: each for name, each in branched(config, experiment).items() if name in used}


def mixtures_of_batch(config: Config, experiment: str, number: str) -> list[str]:
    """The mixtures that a job draws from, each once."""
    branches = branches_of_batch(config, experiment, number).values()
    ends = [mixture for each in branches for mixture in (*each["mixtures"], *each["corners"])]
    return list(dict.fromkeys([*(trunk["mixture"] for trunk in batch(config, experiment, number)), *ends]))


def sweep_spec(config: Config, experiment: str) -> dict[str, Any]:
    """The run spec of every trunk, with the first seed."""
    return experiments.run_spec(config, experiment, points(config, experiment)[0])


def to_the_end(config: Config) -> list[str]:
    """The experiments with branches from points to the end of the run: of two rounds, they show if greed pays."""
    return [
        name
        for name in swept(config)
        if any(settings(config, name)["branches"][each]["parents"] == "points" for each in _with_the_run(config, name))
    ]


def methods(config: Config, experiment: str) -> dict[str, dict[str, Any]]:
    """{name: settings} of the matrices that are compared with the fitted one."""
    return dict(settings(config, experiment).get("methods", {}))


def labels_of_study(config: Config, study: str) -> dict[str, str]:
    """{experiment: its label} of a study's settings; those of further tables say which."""
    first, *others = config["law_studies"][study]["tables"]
    labels = {experiment: label for label, experiment in first["settings"].items()}
    for table in others:
        title = table["title"][:1].lower() + table["title"][1:]
        for label, experiment in table["settings"].items():
            labels.setdefault(experiment, f"{label}, {title}")
    return labels


def trained_tokens(config: Config, experiment: str) -> list[int]:
    """Tokens of every run of the sweep: of each trunk as far as it goes, then of its branches."""
    branches = branched(config, experiment)
    found = []
    for trunk in trunks(config, experiment):
        chosen = [branches[name] for name in trunk["branches"]]
        last = max((each["after"] for each in chosen), default=0)
        found.append(config["experiments"][experiment]["tokens"] if trunk["finish"] else last)
        found += [each["tokens"] for each in chosen for _ in (*each["mixtures"], *each["corners"])]
    return found


def measurements(config: Config, experiment: str) -> int:
    """How often held-out losses are taken: where branches start and end, and of two splits where runs end."""
    branches, ends_with_run = branched(config, experiment), _with_the_run(config, experiment)
    found = 0
    for trunk in trunks(config, experiment):
        found += len(trunk["branches"]) + 2 * trunk["finish"]
        for name in trunk["branches"]:
            ends = len(branches[name]["mixtures"]) + len(branches[name]["corners"])
            found += ends * (2 if name in ends_with_run else 1)
    return found


def _with_the_run(config: Config, experiment: str) -> list[str]:
    """The branches that end where the run does."""
    spec = RunSpec.from_json(sweep_spec(config, experiment))
    branches = branched(config, experiment).items()
    return [name for name, each in branches if spec.branch(each["after"], each["tokens"])[1] == spec.steps]


def _corners(config: Config, experiment: str) -> list[str]:
    return [f"only_{source}" for source in config["experiments"][experiment]["sources"]]


def _branches_of(config: Config, experiment: str, mixture: str, number: int, first: bool) -> Iterator[str]:
    chosen = settings(config, experiment).get("branches", {})
    for name in branched(config, experiment):
        parents = chosen[name]["parents"]
        is_parent = mixture == parents if mixture == STRATIFIED else _is_point(parents, number)
        if is_parent and (first or chosen[name]["seeds"] == "all"):
            yield name


def _is_point(parents: str | int, number: int) -> bool:
    return parents == "points" or (isinstance(parents, int) and number < parents)
