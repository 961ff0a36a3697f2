"""What is said of strategies and experiments."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.study.catalogue import Config, kind_block
from emulsion.study.experiment import SEARCHES, Experiment, Size
from emulsion.study.strategies import strategy_stages
from emulsion.study.told import known, told

_OF_MIXTURES = ("capability_heatmap", "capability_radar", "training_curves", "mixtures", "schedule", "pareto")
_OF_BRANCHES = ("dynamic_law", "effects")


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
    drawn = [f"{name}_law_fits" for name in config["law_studies"]]
    drawn += [f"{name}_{figure}" for name in config["experiments"] for figure in _figures_of(config, name)]
    for figure in config["figures"]:
        yield from known("figure", figure, drawn, "figures")


def _figures_of(config: Config, name: str) -> Iterator[str]:
    """The figures that an experiment has something to draw in."""
    settings = config["experiments"][name]
    if settings["strategies"] or settings["methods"]:
        yield from _OF_MIXTURES
    if settings["ablations"]:
        yield "contributions"
    if any(config["methods"].get(each, {}).get("kind") in SEARCHES for each in settings["methods"]):
        yield "optimizer"
    if settings["laws"]:
        yield "static_law"
        yield from _OF_BRANCHES if config["swarms"].get(settings["laws"]["swarm"], {}).get("branches") else ()


def names(config: Config, name: str) -> Iterator[str]:
    """Everything that an experiment names is there."""
    experiment, where = config["experiments"][name], f"experiments.{name}"
    for key, section in (("tokenizer", "tokenizers"), ("model", "models"), ("training", "training")):
        yield from known(key, experiment[key], config[section], f"{where}.{key}")
    for key, what in (("sources", "source"), ("strategies", "strategy"), ("methods", "method"), ("suites", "suite")):
        for chosen in experiment[key]:
            yield from known(what, chosen, config[key], f"{where}.{key}")
    yield from known("device", experiment["budget"]["device"], config["devices"], f"{where}.budget.device")
    if experiment["ablations"]:
        yield from known(
            "strategy", experiment["ablations"]["base"], experiment["strategies"], f"{where}.ablations.base"
        )
    if experiment["laws"]:
        yield from known("swarm", experiment["laws"]["swarm"], config["swarms"], f"{where}.laws.swarm")
    for strategy in experiment["strategies"]:
        yield from _sources(config, strategy, experiment["sources"], f"{where}: strategy '{strategy}'")
    yield from _purpose(experiment, where)


def _sources(config: Config, strategy: str, sources: Collection[str], where: str) -> Iterator[str]:
    """A strategy mixes no source that the experiment has not; what is wrong with itself is said elsewhere."""
    entry = config["strategies"].get(strategy)
    if entry and not list(told(strategy_stages, entry)):
        for source in dict.fromkeys(source for stage in strategy_stages(entry) for source in stage["weights"]):
            if source in config["sources"]:
                yield from known("source", source, sources, where)


def experiment(experiment: Experiment) -> Iterator[str]:
    """What an experiment says, once its methods can be made."""
    config, where = experiment.config, f"experiments.{experiment.name}"
    for name in experiment.twice():
        yield f"{where}: '{name}' is the name of two of its mixtures or runs; choose another name for one of them."
    for size, place in _sizes(experiment):
        for problem in told(RunSpec.from_json, experiment.spec_of(size)):
            yield f"{place}: {problem}"
        yield from _vocabulary(config, experiment.settings["tokenizer"], size.model, place)
    if experiment.settings["ablations"]:
        yield from _ablations(experiment)


def _purpose(settings: Mapping[str, Any], where: str) -> Iterator[str]:
    """Mixtures to compare, by suites, or laws to fit."""
    if not (settings["strategies"] or settings["methods"] or settings["singles"]):
        if not settings["laws"]:
            yield f"{where}: it has neither strategies or methods to compare nor laws to fit."
        for key in ("ablations", "repeat", "smoke", "metrics", "downstream"):
            if settings.get(key):
                yield f"{where}.{key}: it is for mixtures that are compared, and the experiment has none."
    elif not settings["suites"]:
        yield f"{where}.suites: mixtures are compared by their capabilities; name at least one suite."


def _ablations(experiment: Experiment) -> Iterator[str]:
    """A base that stays a mixture whichever source is left out, at every stage."""
    base = experiment.settings["ablations"]["base"]
    for number, stage in enumerate(strategy_stages(experiment.config["strategies"][base]), start=1):
        support = Mixture(stage["weights"]).support
        if len(support) == 1:
            yield (
                f"experiments.{experiment.name}.ablations.base: stage {number} of '{base}' draws from '{support[0]}' "
                "alone, so it cannot be left out; name a strategy with two sources or more at every stage."
            )


def _sizes(experiment: Experiment) -> Iterator[tuple[Size, str]]:
    """(size of a run, where that stands) for each size of run in an experiment."""
    config, where = experiment.config, f"experiments.{experiment.name}"
    yield experiment.size, where
    for strategy in experiment.strategies():
        if config["strategies"][strategy].get("model"):
            yield experiment.size_of_run(strategy), f"{where}: strategy '{strategy}'"
    for name in experiment.swarms:
        yield experiment.size_of_swarm(name), f"{where}: swarm '{name}'"
    for method in [*experiment.guides(), *experiment.searched()]:
        entry = experiment.entries[method]
        size = entry.size if entry.role == "guide" else experiment.size_of_search(method)
        yield size, f"{where}: method '{method}'"


def _vocabulary(config: Config, tokenizer: str, model: str, where: str) -> Iterator[str]:
    tokens = kind_block(config["tokenizers"][tokenizer])["vocab_size"]
    rows = config["models"][model].get("vocab_size", tokens)
    if rows < tokens:
        yield f"{where}: model '{model}' has a vocabulary of {rows}, but tokenizer '{tokenizer}' has {tokens} tokens."
