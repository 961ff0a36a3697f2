"""Checks on methods and on what they need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulsion.methods import create, names
from emulsion.methods.interface import AnyMethod, OnlineMethod
from emulsion.methods.registry import takes
from emulsion.methods.stretches import stretches
from emulsion.spec import RunSpec
from emulsion.study.catalogue import Config
from emulsion.study.check_common import apart, error_of, included, known
from emulsion.study.check_data import capabilities
from emulsion.study.check_swarms import room
from emulsion.study.experiment import Experiment
from emulsion.study.judges import objective_of
from emulsion.study.mixture_table import NOT_SETTINGS, predecessor
from emulsion.study.study import Study

# Kinds that the study makes itself, from what the configuration says elsewhere.
MADE = {
    "given": "strategies",
    "only": "experiments.X.singles",
    "without": "experiments.X.ablations",
    "point": "swarms",
}
# What a method may need of its swarm, and points that give it.
_POINTS = {
    "swarm": ("runs over the simplex", ("grid", "dirichlet", "spread", "regmix")),
    "reference_run": ("one reference run", ("uniform", "proportional")),
    "single_source_runs": ("one run per source", ("corners",)),
}


def methods(config: Config) -> Iterator[str]:
    """What methods say, whichever experiment they are for."""
    for name, method in config["methods"].items():
        where = f"methods.{name}"
        if method["kind"] in MADE:
            yield f"{where}.kind: '{method['kind']}' is no kind to choose; see `{MADE[method['kind']]}`."
        yield from known("kind of method", method["kind"], [each for each in names() if each not in MADE], where)
        if name in config["strategies"]:
            yield f"{where}: a strategy has this name too; choose another."
        for key, section in (("model", "models"), ("training", "training"), ("swarm", "swarms")):
            if method.get(key) is not None:
                yield from known(key, method[key], config[section], f"{where}.{key}")


def studies(config: Config) -> Iterator[str]:
    """Comparisons over settings are of experiments that compare methods, and have folders of their own."""
    for study, chosen in config["method_studies"].items():
        where = f"method_studies.{study}"
        yield from apart(study, config["experiments"], where)
        labels: dict[str, str] = {}
        for label, name in chosen["settings"].items():
            yield from known("experiment", name, config["experiments"], f"{where}: '{label}'")
            if (other := labels.setdefault(name, label)) != label:
                yield f"{where}: '{label}' is experiment '{name}', and so is '{other}'; it would count twice."
            if name in config["experiments"] and not config["experiments"][name]["methods"]:
                yield f"{where}: '{label}': experiment '{name}' has no `methods`."
        for name, prefix in chosen["prefixes"].items():
            yield from included("experiment", name, labels, config["experiments"], f"{where}.prefixes")
            yield from _called_alike(config["experiments"].get(name, {}), prefix, f"{where}.prefixes.{name}")


def _called_alike(experiment: Mapping[str, Any], prefix: str, where: str) -> Iterator[str]:
    """Without the prefix, which some of its methods have, no two mixtures of an experiment have one name."""
    mixtures = [*experiment.get("strategies", ()), *experiment.get("methods", ())]
    if mixtures and not any(name.startswith(prefix) for name in mixtures):
        yield f"{where}: no method of the experiment begins with '{prefix}'."
    for name in mixtures:
        if name.startswith(prefix) and prefix and name.removeprefix(prefix) in mixtures:
            yield f"{where}: '{name}' and '{name.removeprefix(prefix)}' would be called alike."


def methods_of(config: Config, name: str) -> Iterator[str]:
    """The methods of an experiment can be made, and have what they need."""
    chosen = config["experiments"][name]
    for method in chosen["methods"]:
        entry, where = config["methods"][method], f"methods.{method} (of experiments.{name})"
        problems = list(error_of(_make, config, method, chosen["sources"]))
        yield from (f"{where}: {problem}" for problem in problems)
        if not problems:
            made = _make(config, method, chosen["sources"])
            yield from _needs(config, made, entry, where)
            yield from room(chosen["sources"], entry.get("bounds"), where)
            yield from _after(config, name, method, made, where)
            yield from _objective(config, name, entry, where)


def _needs(config: Config, made: AnyMethod, entry: Mapping[str, Any], where: str) -> Iterator[str]:
    if not made.needs.trainer and not getattr(made, "averages", False):
        for key in ("model", "training", "tokens"):
            if entry.get(key) is not None:
                yield (
                    f"{where}.{key}: it is of what a method trains to decide, and kind '{entry['kind']}' trains "
                    "nothing but its own run; leave it out."
                )
    asked = [each for need, each in _POINTS.items() if getattr(made.needs, need)]
    if not asked:
        if entry.get("swarm"):
            yield f"{where}.swarm: kind '{entry['kind']}' learns from no runs with these settings; leave it out."
        return
    what, kinds = asked[0]
    if not entry.get("swarm"):
        yield f"{where}.swarm: is missing; kind '{entry['kind']}' needs {what}: a swarm of points {' or '.join(kinds)}."
    elif (kind := config["swarms"][entry["swarm"]]["points"]["kind"]) not in kinds:
        yield (
            f"{where}.swarm: kind '{entry['kind']}' needs {what}, and the points of '{entry['swarm']}' are '{kind}'; "
            f"name a swarm of points {' or '.join(kinds)}."
        )
    else:
        for key, what in (("sequence_losses", "sequences"), ("token_losses", "tokens")):
            if getattr(made.needs, key) and key not in config["swarms"][entry["swarm"]]["measure"]:
                yield (
                    f"{where}.swarm: kind '{entry['kind']}' needs the losses of single {what}; add `{key}` to "
                    f"swarms.{entry['swarm']}.measure."
                )


def runs(experiment: Experiment) -> Iterator[str]:
    """What methods fit to runs has enough of them, over all seeds that the swarm trains; a reference is one run.

    Where mixtures are counted, seeds add none.
    """
    for name in experiment.methods():
        entry, needs = experiment.entries[name], experiment.needs(name)
        if entry.swarm and needs.reference_run and len(seeds := experiment.swarms[entry.swarm].seeds) > 1:
            yield (
                f"methods.{name} (of experiments.{experiment.name}).swarm: kind '{entry.method['kind']}' measures "
                f"against one reference run, and '{entry.swarm}' has {len(seeds)}, one for each seed; "
                f"set swarms.{entry.swarm}.seeds: first."
            )
        if entry.swarm and (there := len(experiment.swarms[entry.swarm].points)) < needs.least_mixtures:
            yield (
                f"methods.{name} (of experiments.{experiment.name}).swarm: kind '{entry.method['kind']}' fits runs on "
                f"{needs.least_mixtures} different mixtures or more, and '{entry.swarm}' has {there}; three per source "
                "are advised."
            )
        least = needs.least_runs
        if not (entry.swarm and least):
            continue
        found = len(experiment.names(experiment.swarms[entry.swarm].points))
        others = len(experiment.names(experiment.further_runs(name)))
        if found + others < least:
            besides = f", besides {others} of its size on strategies" if others else ""
            yield (
                f"methods.{name} (of experiments.{experiment.name}).swarm: kind '{entry.method['kind']}' fits {least} "
                f"runs or more, and '{entry.swarm}' has {found}{besides}; three per source are advised."
            )


def without_curves(study: Study) -> Iterator[str]:
    """What a user should know: methods that learn from the course of runs, of which a swarm measures only the ends."""
    for experiment in study.values():
        for name in experiment.settings["methods"]:
            swarm = experiment.config["methods"][name].get("swarm")
            if experiment.needs(name).curves and "curve" not in experiment.config["swarms"][swarm]["measure"]:
                yield (
                    f"methods.{name}.swarm: '{swarm}' measures its runs at their ends alone, and the law of this "
                    f"method then leans on its priors; add `curve` to swarms.{swarm}.measure."
                )


def _after(config: Config, name: str, method: str, made: AnyMethod, where: str) -> Iterator[str]:
    """An online method takes over from a strategy or method of the experiment, and a replay is of an online one."""
    chosen, entry = config["experiments"][name], config["methods"][method]
    if entry.get("after"):
        if not isinstance(made, OnlineMethod):
            yield f"{where}.after: kind '{entry['kind']}' decides before the run; only online methods take over in it."
        elif not getattr(made, "takes_over", True):
            yield f"{where}.after: kind '{entry['kind']}' goes by all that its run has read, from the start on."
        there = [each for each in chosen["methods"] if each != method]
        yield from known("method", entry["after"]["method"], [*chosen["strategies"], *there], f"{where}.after.method")
    if made.needs.trajectory:
        online = [
            each
            for each in chosen["methods"]
            if not list(error_of(_make, config, each, chosen["sources"]))
            and isinstance(_make(config, each, chosen["sources"]), OnlineMethod)
        ]
        yield from known("online method", entry["method"], online, f"{where}.method")
    yield from _circle(config, method, where)


def _circle(config: Config, method: str, where: str) -> Iterator[str]:
    """No method rests on itself by way of those that it takes over from."""
    passed: list[str] = []
    name: str | None = method
    while name is not None and name in config["methods"] and name not in passed:
        passed.append(name)
        name = predecessor(config, name)
    if name == method:
        yield f"{where}: rests on itself: {' after '.join([*passed, method])}; let one of them begin by itself."


def _make(config: Config, method: str, sources: list[str]) -> AnyMethod:
    settings = {key: value for key, value in config["methods"][method].items() if key not in NOT_SETTINGS}
    return create(config["methods"][method]["kind"], sources=sources, **settings)


def _objective(config: Config, name: str, entry: Mapping[str, Any], where: str) -> Iterator[str]:
    """An objective is of what is there, and of what the swarm measures."""
    sources = config["experiments"][name]["sources"]
    objective = objective_of(config["experiments"][name], entry) if takes(entry["kind"], "objective") else None
    tested = capabilities(config, config["experiments"][name]["suites"])
    if isinstance(objective, str):
        yield from known("objective", objective, ("mean_capability", "mean_loss"), f"{where}.objective")
    if isinstance(objective, Mapping):
        for group in objective:
            yield from known("group", group, ("capabilities", "losses"), f"{where}.objective")
        for capability in objective.get("capabilities") or {}:
            yield from known("capability", capability, tested, f"{where}.objective.capabilities")
        for source in objective.get("losses") or {}:
            yield from known("source", source, sources, f"{where}.objective.losses")
        weights = [weight for group in objective.values() for weight in (group or {}).values()]
        if not sum(weights) > 0:
            yield f"{where}.objective: all weights are 0; at least one capability or loss must weigh something."
    judged = objective == "mean_capability" or (isinstance(objective, Mapping) and objective.get("capabilities"))
    if judged and not config["experiments"][name]["evaluation"]["selection"]:
        yield (
            f"{where}.objective: it weighs capabilities, but experiments.{name}.evaluation.selection is false, so that "
            "no items are left to choose mixtures by; set it to true, or weigh losses alone."
        )
    if judged and not config["experiments"][name]["suites"]:
        yield f"{where}.objective: it is of capabilities, and experiments.{name} has no suites; use mean_loss."
        return
    swarm = config["swarms"].get(entry.get("swarm"))
    if judged and swarm and "capabilities" not in swarm["measure"]:
        yield f"{where}.objective: it is of capabilities; add `capabilities` to swarms.{entry['swarm']}.measure."


def rounds(experiment: Experiment) -> Iterator[str]:
    """The rounds of online methods, and their probes, fit into the runs in which they decide."""
    for name in experiment.decided_online():
        entry = experiment.entries[experiment.entries[name].guide or name]
        where = f"methods.{name} (of experiments.{experiment.name})"
        steps = RunSpec.from_json(experiment.spec_of(entry.size)).steps
        before = entry.steps_before(steps)
        if entry.after and before < 1:
            yield f"{where}.after.share: {entry.after['share']} of a run of {steps} steps is less than one step."
        if entry.after and before >= steps:
            yield f"{where}.after.share: {entry.after['share']} of a run of {steps} steps leaves none to decide in."
            continue
        yield from (
            f"{where}.{problem}" for problem in error_of(stretches, experiment.method(entry.name), steps, before)
        )
