"""Checks on swarms: their points, their branches, and the sources of those who share them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulsion.errors import UserError
from emulsion.laws.region import Bounds, Region
from emulsion.methods.designs import SAME, SETTINGS, count_of, design
from emulsion.methods.designs import points as design_points
from emulsion.methods.interface import Evidence
from emulsion.spec import RunSpec
from emulsion.study.catalogue import Config
from emulsion.study.check_common import error_of, known
from emulsion.study.check_experiments import NEARLY
from emulsion.study.experiment import Experiment
from emulsion.study.study import Study
from emulsion.study.swarms import Swarm, design_of


def swarms(config: Config) -> Iterator[str]:
    """What swarms say, whichever experiment they are for."""
    for name, swarm in config["swarms"].items():
        where, points = f"swarms.{name}", swarm["points"]
        low, high = points["bounds"]
        if points["kind"] == "spread" and low >= high:
            yield f"{where}.points.bounds: {low} to {high} leave room for no more than one mixture."
        for key, section in (("model", "models"), ("training", "training")):
            if key in swarm:
                yield from known(key, swarm[key], config[section], f"{where}.{key}")


def unread_settings_of_points(written: Config) -> Iterator[str]:
    """Settings of points that their kind has not; written: the configuration before its defaults, of right form."""
    designs = {f"swarms.{name}": swarm["points"] for name, swarm in (written.get("swarms") or {}).items()}
    for name, experiment in written["experiments"].items():
        if parameters := experiment.get("parameters"):
            designs[f"experiments.{name}.parameters"] = parameters.get("points") or {}
    for where, points in designs.items():
        settings = SETTINGS.get(points.get("kind"), points)
        for key in points:
            if key != "kind" and key not in settings:
                has = f"has {', '.join(settings)}" if settings else "has no settings"
                yield f"{where}.points.{key}: points of kind '{points['kind']}' have no such setting; this kind {has}."


def swarms_of(experiment: Experiment) -> Iterator[str]:
    """The swarms of an experiment suit its sources, and their branches its runs."""
    for name, swarm in experiment.swarms.items():
        points = swarm.settings["points"]
        yield from points_of(experiment, points, f"swarms.{name}.points (of experiments.{experiment.name})")
        for branches, each in swarm.settings["branches"].items():
            yield from _branches(experiment, swarm, each, f"swarms.{name}.branches.{branches}")


def points_of(experiment: Experiment, points: Mapping[str, Any], where: str) -> Iterator[str]:
    """A design of mixtures suits the sources of an experiment, and has room for all that are asked for."""
    sources = experiment.sources
    if len(sources) < 2:
        yield f"{where}: mixtures are of 2 sources or more; the experiment has one alone, '{sources[0]}'."
    elif points["kind"] == "grid" and len(sources) != 2:
        yield f"{where}.kind: a grid is for 2 sources and the experiment has {len(sources)}; use `dirichlet`."
    elif points["kind"] == "spread":
        low, high = points["bounds"]
        if not low * len(sources) <= 1 <= high * len(sources):
            yield f"{where}.bounds: no mixture of {len(sources)} sources has every share in [{low}, {high}]."
        else:
            yield from list(room(sources, (low, high), where)) or _enough(sources, points, where)
    elif points["kind"] == "dirichlet" and (points["concentration"] < 1 or points["oversampling"] == 1):
        # Of draws away from the corners, the closest merged, no two are the same, and to draw them takes a while.
        problems = error_of(design_points, design_of(points, sources), sources, Evidence())
        yield from (f"{where}: {problem}" for problem in problems)


def _enough(sources: Sequence[str], points: Mapping[str, Any], where: str) -> Iterator[str]:
    """As many different mixtures as are asked for; drawn only where there may be fewer, since that takes a while.

    Mixtures of which none can be added are less than twice `SAME` apart along any line, that of the greatest width too.
    """
    count, bounds = count_of(points, sources), tuple(points["bounds"])
    region = Region.of(sources, bounds)
    if count * 2 * SAME > (region.high - region.low).max():
        problems = error_of(design, count, sorted(sources), bounds, seed=points["seed"])
        yield from (f"{where}: {problem}" for problem in problems)


def _branches(experiment: Experiment, swarm: Swarm, branches: Mapping[str, Any], where: str) -> Iterator[str]:
    spec = RunSpec.from_json(experiment.spec_of(experiment.size_of_swarm(swarm.name)))
    step = spec.batch_sequences * spec.context
    for key in ("after", "tokens"):
        if branches[key] < step:
            yield f"{where}.{key}: {branches[key]:,} tokens are less than one step of {step:,}."
    if branches["after"] + branches["tokens"] > spec.tokens:
        end = branches["after"] + branches["tokens"]
        yield f"{where}: they end at {end:,} tokens, but the swarm's runs have {spec.tokens:,}."
    else:
        yield from (f"{where}.{problem}" for problem in error_of(spec.branch, branches["after"], branches["tokens"]))
    count = len(swarm.points)
    if isinstance(branches["parents"], int) and branches["parents"] > count:
        yield f"{where}.parents: {branches['parents']} of the swarm's points were asked for; there are {count}."


def rounded_branches(study: Study) -> Iterator[str]:
    """What a user should know: branches that leave or end elsewhere than was asked, for steps are whole."""
    for experiment in study.values():
        for name, swarm in experiment.swarms.items():
            spec = RunSpec.from_json(experiment.spec_of(experiment.size_of_swarm(name)))
            step = spec.batch_sequences * spec.context
            for branches, each in swarm.settings["branches"].items():
                start, end = spec.branch(each["after"], each["tokens"])
                for key, steps in (("after", start), ("tokens", end - start)):
                    if abs(steps * step - each[key]) > (1 - NEARLY) * each[key]:
                        yield (
                            f"swarms.{name}.branches.{branches}.{key} (of experiments.{experiment.name}): "
                            f"{each[key]:,} tokens come to {steps} whole step(s) of {step:,}, {steps * step:,}."
                        )


def room(sources: Sequence[str], bounds: Bounds | None, where: str) -> Iterator[str]:
    """Bounds that more than one mixture keeps."""
    try:
        region = Region.of(sources, bounds)
    except UserError as error:
        yield f"{where}.{error}"
        return
    if len(sources) > 1 and (region.high - region.low).max() < SAME:
        yield f"{where}.bounds: {bounds} leave room for one mixture of {len(sources)} sources alone; widen them."
