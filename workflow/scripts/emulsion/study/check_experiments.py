"""What is said of strategies and experiments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from emulsion.evaluation.suites import load_suite
from emulsion.files import found
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.study import sweeps
from emulsion.study.catalogue import Config, kind_block
from emulsion.study.experiments import RESERVED, run_spec
from emulsion.study.strategies import strategy_stages
from emulsion.study.told import known, told
from emulsion.synthetic import CAPABILITIES

FIGURES = {
    "capability_heatmap": "strategies",
    "capability_radar": "strategies",
    "training_curves": "strategies",
    "mixtures": "strategies",
    "schedule": "strategies",
    "pareto": "strategies",
    "contributions": "ablations",
    "optimizer": "optimize",
    "static_law": "laws",
    "dynamic_law": "laws",
    "effects": "laws",
}  # and the setting that each needs
OF_BRANCHES = ("dynamic_law", "effects")


def strategies(config: Config) -> Iterator[str]:
    for name, strategy in config["strategies"].items():
        if "model" in strategy:
            yield from known("model", strategy["model"], config["models"], f"strategies.{name}.model")
        unreadable = list(told(strategy_stages, strategy))
        yield from (f"strategies.{name}: {text}" for text in unreadable)
        stages = [] if unreadable else strategy_stages(strategy)
        for stage in stages:
            for source in stage["weights"]:
                yield from known("source", source, config["sources"], f"strategies.{name}")
        problems = [text for stage in stages for text in told(Mixture, stage["weights"], where=f"strategies.{name}")]
        yield from problems
        if stages and not problems:
            pairs = [(stage["until"], Mixture(stage["weights"])) for stage in stages]
            yield from (f"strategies.{name}: {text}" for text in told(Schedule.staged, pairs, 10**9))


def figures(config: Config) -> Iterator[str]:
    drawn = [f"{study}_law_fits" for study in config["law_studies"]]
    for name, experiment in config["experiments"].items():
        there = [figure for figure, needed in FIGURES.items() if experiment[needed]]
        drawn += [f"{name}_{each}" for each in there if each not in OF_BRANCHES or sweeps.branched(config, name)]
    for figure in config["figures"]:
        yield from known("figure", figure, drawn, "figures")


def names(config: Config, name: str) -> Iterator[str]:
    experiment, where = config["experiments"][name], f"experiments.{name}"
    yield from _purpose(config, name)
    for key, section in (("tokenizer", "tokenizers"), ("model", "models"), ("training", "training")):
        yield from known(key, experiment[key], config[section], f"{where}.{key}")
    for key, what in (("sources", "source"), ("strategies", "strategy"), ("suites", "suite")):
        for chosen in experiment[key]:
            yield from known(what, chosen, config[key], f"{where}.{key}")
    yield from known("device", experiment["budget"]["device"], config["devices"], f"{where}.budget.device")
    for strategy in experiment["strategies"]:
        if re.fullmatch(RESERVED, strategy):
            yield f"{where}.strategies: '{strategy}' is the name of a mixture that the workflow makes; choose another."
    if experiment["ablations"]:
        yield from known(
            "strategy", experiment["ablations"]["base"], experiment["strategies"], f"{where}.ablations.base"
        )
    if experiment["optimize"]:
        for key, section in (("model", "models"), ("training", "training")):
            yield from known(key, experiment["optimize"][key], config[section], f"{where}.optimize.{key}")


def experiment(config: Config, name: str) -> Iterator[str]:
    experiment, where = config["experiments"][name], f"experiments.{name}"
    for run, model, place in _sizes(config, name):
        for problem in told(RunSpec.from_json, run_spec(config, name, run)):
            yield f"{place}: {problem}"
        yield from _vocabulary(config, experiment["tokenizer"], model, place)
    for strategy in experiment["strategies"]:
        for stage in strategy_stages(config["strategies"][strategy]):
            for source in stage["weights"]:
                yield from known("source", source, experiment["sources"], f"{where}: strategy '{strategy}'")
    if experiment["ablations"]:
        yield from _ablations(config, name)
    if experiment["optimize"]:
        yield from _optimizer(config, name)


def _purpose(config: Config, name: str) -> Iterator[str]:
    """Strategies to compare, by suites, or laws to fit."""
    experiment, where = config["experiments"][name], f"experiments.{name}"
    if not experiment["strategies"]:
        if not experiment["laws"]:
            yield f"{where}: it has neither strategies to compare nor laws to fit."
        for key in ("ablations", "optimize", "repeat", "smoke", "metrics", "downstream"):
            if experiment.get(key):
                yield f"{where}.{key}: it is for strategies, and the experiment has none."
    elif not experiment["suites"]:
        yield f"{where}.suites: strategies are compared by their capabilities; name at least one suite."


def _ablations(config: Config, name: str) -> Iterator[str]:
    """A base that stays a mixture whichever source is left out, at every stage."""
    experiment = config["experiments"][name]
    base = experiment["ablations"]["base"]
    for number, stage in enumerate(strategy_stages(config["strategies"][base]), start=1):
        support = Mixture(stage["weights"]).support
        if len(support) == 1:
            yield (
                f"experiments.{name}.ablations.base: stage {number} of '{base}' draws from '{support[0]}' alone, "
                "so it cannot be left out; name a strategy with two sources or more at every stage."
            )


def _optimizer(config: Config, name: str) -> Iterator[str]:
    experiment, where = config["experiments"][name], f"experiments.{name}.optimize"
    settings, sources = experiment["optimize"], experiment["sources"]
    low, high = settings["bounds"]
    if not low * len(sources) <= 1 <= high * len(sources):
        yield f"{where}.bounds: no mixture of {len(sources)} sources has every share in [{low}, {high}]."
    for source in settings["kl"]["prior"] or {}:
        yield from known("source", source, sources, f"{where}.kl.prior")
    if _sees_capabilities(settings["objective"]) and not experiment["evaluation"]["selection"]:
        yield (
            f"{where}.objective: it weighs capabilities, but experiments.{name}.evaluation.selection is false, so "
            "that no items are left to choose mixtures by; set it to true, or weigh losses alone."
        )
    if isinstance(settings["objective"], Mapping):
        for capability in settings["objective"].get("capabilities", {}):
            yield from known("capability", capability, _capabilities(config, name), f"{where}.objective.capabilities")
        for source in settings["objective"].get("losses", {}):
            yield from known("source", source, sources, f"{where}.objective.losses")


def _sees_capabilities(objective: str | Mapping[str, Mapping[str, float]]) -> bool:
    if isinstance(objective, str):
        return objective == "mean_capability"
    return any(objective.get("capabilities", {}).values())


def _capabilities(config: Config, name: str) -> set[str]:
    """The capabilities that the suites of an experiment test."""
    tested: set[str] = set()
    for suite in config["experiments"][name]["suites"]:
        entry = config["suites"][suite]
        items = load_suite(found(entry["file"])).items if entry["kind"] == "file" else ()
        tested |= {item.capability for item in items} or set(CAPABILITIES)
    return tested


def _sizes(config: Config, name: str) -> Iterator[tuple[str, str, str]]:
    """(a run, its model, where that stands) for each size of run in an experiment."""
    experiment = config["experiments"][name]
    yield "proportional", experiment["model"], f"experiments.{name}"
    for strategy in experiment["strategies"]:
        if own := config["strategies"][strategy].get("model"):
            yield strategy, own, f"experiments.{name}: strategy '{strategy}'"
    if experiment["optimize"]:
        yield "proxy_000", experiment["optimize"]["model"], f"experiments.{name}.optimize"


def _vocabulary(config: Config, tokenizer: str, model: str, where: str) -> Iterator[str]:
    tokens = kind_block(config["tokenizers"][tokenizer])["vocab_size"]
    rows = config["models"][model].get("vocab_size", tokens)
    if rows < tokens:
        yield f"{where}: model '{model}' has a vocabulary of {rows}, but tokenizer '{tokenizer}' has {tokens} tokens."
