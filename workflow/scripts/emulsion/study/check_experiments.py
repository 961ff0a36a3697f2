"""Checks on strategies and experiments."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from emulsion.analysis.published import load_published
from emulsion.analysis.scores import MEAN
from emulsion.files import found
from emulsion.mixture import Mixture, stages_of
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.study.catalogue import Config, kind_block
from emulsion.study.check_common import error_of, included, known
from emulsion.study.experiment import Experiment
from emulsion.study.mixture_table import Size
from emulsion.study.paths import weights_on_the_hub
from emulsion.study.strategies import strategy_stages
from emulsion.study.study import Study

_FEW_STEPS = 5
# What whole sequences and whole steps may leave out of the tokens that were asked for before it is said.
NEARLY = 0.99
# Names that Snakemake refuses in paths, as a rule that feeds itself would make them.
_RECURRENT = re.compile(r"(.+)\1{19}$")
# Sections whose entries have files of their names.
_OF_FILES = (
    "experiments",
    "sources",
    "tokenizers",
    "suites",
    "law_studies",
    "method_studies",
    "replays",
    "finished_runs",
)
# How many sources of a strategy are said one by one; a published recipe has up to 60.
_SINGLY = 3


def strategies(config: Config) -> Iterator[str]:
    for name, strategy in config["strategies"].items():
        if "model" in strategy:
            yield from known("model", strategy["model"], config["models"], f"strategies.{name}.model")
        unreadable = list(error_of(strategy_stages, strategy))
        yield from (f"strategies.{name}: {text}" for text in unreadable)
        stages = [] if unreadable else strategy_stages(strategy)
        unknown = [each for each in _mixed(stages) if each not in config["sources"]]
        if len(unknown) > _SINGLY:
            yield f"strategies.{name}: {len(unknown)} of its sources are not under `sources`: {', '.join(unknown)}."
        else:
            for source in unknown:
                yield from known("source", source, config["sources"], f"strategies.{name}")
        problems = [
            text for stage in stages for text in error_of(Mixture, stage["weights"], where=f"strategies.{name}")
        ]
        yield from problems
        if stages and not problems:
            staged = error_of(Schedule.staged, stages_of(stages), 10**9)
            yield from (f"strategies.{name}: {text}" for text in staged)


def only(config: Config) -> Iterator[str]:
    for name in config["only"] or ():
        yield from known("experiment", name, config["experiments"], "only")


def reserved(config: Config) -> Iterator[str]:
    """Names that files and tables have for something else."""
    taken = {"proving_ground": "the simulated worlds", "finished_runs": "runs that were trained elsewhere"}
    for name, what in taken.items():
        if name in config["experiments"]:
            yield f"experiments.{name}: results/{name}/ is for {what}; choose another name."
    if MEAN in config["sources"]:
        yield f"sources.{MEAN}: tables call the mean of all sources so; choose another name."
    for section, entries in config.items():
        for name in entries if isinstance(entries, Mapping) else ():
            if _RECURRENT.search(name):
                yield f"{section}.{name}: it ends in 20 repetitions, which Snakemake takes for an endless rule."


def files(config: Config) -> Iterator[str]:
    """Files that experiments and replays name are there."""
    for name, experiment in config["experiments"].items():
        published = (experiment.get("metrics") or {}).get("published")
        if published and not Path(found(published)).is_file():
            yield f"experiments.{name}.metrics.published: {published}: no such file."
        elif published:
            yield from error_of(load_published, found(published))
        folder = (experiment.get("downstream") or {}).get("task_files")
        if folder and not Path(folder).is_dir():
            yield f"experiments.{name}.downstream.task_files: {folder}: no such folder."
    for name, replay in config["replays"].items():
        tables = dict.fromkeys([*replay["train"], *(table for pair in replay["tests"].values() for table in pair)])
        if missing := [table for table in tables if not Path(table).is_file()]:
            origin = f" They come from {replay['origin']}." if replay.get("origin") else ""
            shown = ", ".join(missing)
            yield f"replays.{name}: {len(missing)} of {len(tables)} tables are not there: {shown}.{origin}"
        for table in replay["tests"]:
            if table == "train" or table.startswith("-"):
                rule = "'train' is the table that laws are fitted to, and no name begins with a dash"
                yield f"replays.{name}.tests: a table to judge on is called '{table}'; choose another name, for {rule}."


def names(config: Config, name: str) -> Iterator[str]:
    """Everything that an experiment names is there."""
    experiment, where = config["experiments"][name], f"experiments.{name}"
    for key, section in (("tokenizer", "tokenizers"), ("model", "models"), ("training", "training")):
        if key in experiment:  # one that is left out is not set where a source or the device is unknown
            yield from known(key, experiment[key], config[section], f"{where}.{key}")
    for key, what in (("sources", "source"), ("strategies", "strategy"), ("methods", "method"), ("suites", "suite")):
        for chosen in experiment[key]:
            yield from _other_list(config, key, chosen, where) or known(what, chosen, config[key], f"{where}.{key}")
    yield from known("device", experiment["budget"]["device"], config["devices"], f"{where}.budget.device")
    if experiment["ablations"]:
        base, listed = experiment["ablations"]["base"], experiment["strategies"]
        if base in config["methods"] and base not in config["strategies"]:
            yield f"{where}.ablations.base: '{base}' stands under `methods`; sources are left out of a strategy."
        else:
            yield from included("strategy", base, listed, config["strategies"], f"{where}.ablations.base")
    if experiment["laws"]:
        yield from known("swarm", experiment["laws"]["swarm"], config["swarms"], f"{where}.laws.swarm")
    for method in (experiment["parameters"] or {}).get("methods", ()):
        yield from included("method", method, experiment["methods"], config["methods"], f"{where}.parameters.methods")
    for strategy in experiment["strategies"]:
        yield from _sources(config, strategy, experiment["sources"], f"{where}: strategy '{strategy}'")
    yield from _purpose(experiment, where)


def _other_list(config: Config, key: str, name: str, where: str) -> list[str]:
    """A strategy that is listed among the methods, or a method among the strategies."""
    other = {"strategies": "methods", "methods": "strategies"}.get(key)
    if other is None or name in config[key] or name not in config[other]:
        return []
    return [f"{where}.{key}: '{name}' stands under `{other}`; list it in {where}.{other}."]


def _sources(config: Config, strategy: str, sources: Collection[str], where: str) -> Iterator[str]:
    """A strategy mixes no source that the experiment has not; what is wrong with itself is said elsewhere."""
    entry = config["strategies"].get(strategy)
    if entry and not list(error_of(strategy_stages, entry)):
        lacking = [each for each in _mixed(strategy_stages(entry)) if each in config["sources"] and each not in sources]
        if len(lacking) > _SINGLY:
            names = ", ".join(lacking)
            yield f"{where}: {len(lacking)} of its sources are not the experiment's. Add them there: {names}."
        else:
            for source in lacking:
                yield from included("source", source, sources, config["sources"], where)


def _mixed(stages: Iterable[Mapping[str, Any]]) -> list[str]:
    """The sources of all stages, each once."""
    return list(dict.fromkeys(source for stage in stages for source in stage["weights"]))


def runs(experiment: Experiment) -> Iterator[str]:
    """A run of every size has a step at least, and its model a row for every token; swarms stand for longer runs."""
    for name in experiment.swarms:
        size = experiment.size_of_swarm(name)
        if size.stands_for is not None and size.stands_for < size.tokens:
            yield (
                f"swarms.{name}.match_epochs_of.tokens (of experiments.{experiment.name}): {size.stands_for:,}, but "
                f"the swarm's runs have {size.tokens:,}; they stand for runs as long as themselves or longer."
            )
            return
    for size, place in _sizes(experiment):
        for problem in error_of(RunSpec.from_json, experiment.spec_of(size)):
            yield f"{place}: {problem}"
        yield from _vocabulary(experiment.config, experiment.settings["tokenizer"], size.model, place)


def experiment(experiment: Experiment) -> Iterator[str]:
    """What an experiment says, once its methods can be made and its runs trained."""
    where = f"experiments.{experiment.name}"
    for name in experiment.twice():
        yield f"{where}: '{name}' is the name of two of its mixtures or runs; choose another name for one of them."
    yield from _stages(experiment)
    evaluation = experiment.settings["evaluation"]
    if evaluation["samples"] > 1 and not evaluation["temperature"]:
        yield (
            f"{where}.evaluation.samples: {evaluation['samples']} replies to a prompt are one and the same at "
            "temperature 0; set a temperature, or samples: 1."
        )
    if experiment.settings["repeat"] and not experiment.repeated_pair():
        yield (
            f"{where}.repeat: its methods all decide while they train, and only a run on a mixture that is there "
            "before it can be trained again; add a strategy or `singles: true`, or leave repeat out."
        )
    if experiment.settings["ablations"]:
        yield from _ablations(experiment)


def _stages(experiment: Experiment) -> Iterator[str]:
    """Every stage of a strategy is as long as one sequence of the run at least."""
    for name in experiment.strategies():
        stages = strategy_stages(experiment.config["strategies"][name])
        spec = experiment.spec_of(experiment.size_of_run(name))
        if len(stages) > 1:
            problems = error_of(Schedule.staged, stages_of(stages), RunSpec.from_json(spec).sequences)
            yield from (f"experiments.{experiment.name}: strategy '{name}': {text}" for text in problems)


def shared_files(study: Study) -> Iterator[str]:
    """No two experiments write to one file, and no file name can be read as that of two."""
    owners: dict[str, str] = {}
    tails = study.each(lambda experiment: [*experiment.entries, *experiment.all_runs(), *experiment.swarms])
    for sign, what in (("-", "models/{experiment}-{run}"), ("_", "data/{experiment}_{mixture}_info.json")):
        for name in study:
            for tail in tails:
                other = owners.setdefault(file := f"{name}{sign}{tail}", name)
                if other != name:
                    yield (
                        f"experiments: '{other}' and '{name}' are not told apart in {what}, where '{file}' could be of "
                        "either; rename one of them."
                    )
                    return
    for section in _OF_FILES:
        yield from _capitals(study.config[section], section)
    yield from _capitals(weights_on_the_hub(study.config), "models")
    for name, experiment in study.items():
        yield from _capitals(experiment.entries, f"experiments.{name}")
        yield from _capitals(experiment.swarms, f"experiments.{name}: swarms")


def _capitals(names: Iterable[str], where: str) -> Iterator[str]:
    seen: dict[str, str] = {}
    for name in names:
        if (other := seen.setdefault(name.lower(), name)) != name:
            yield f"{where}: '{other}' and '{name}' differ in capitals alone, which some file systems ignore."


def _purpose(settings: Mapping[str, Any], where: str) -> Iterator[str]:
    """What is for mixtures that are compared; an experiment without any fits laws."""
    if not (settings["strategies"] or settings["methods"] or settings["singles"]):
        for key in ("ablations", "repeat", "smoke", "metrics", "downstream"):
            if settings.get(key):
                yield f"{where}.{key}: it is for mixtures that are compared, and the experiment has none."
    elif settings.get("metrics") and not settings["strategies"]:
        yield f"{where}.metrics: limits are for the runs of strategies, and the experiment has none; name one."


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


def rounded_runs(study: Study) -> Iterator[str]:
    """What a user should know: runs of so few steps that they learn nothing, and what whole steps leave out."""
    steps: set[tuple[int, int]] = set()
    for experiment in study.values():
        for size, place in _sizes(experiment):
            spec = RunSpec.from_json(experiment.spec_of(size))
            step = spec.batch_sequences * spec.context
            if step < spec.batch_tokens * NEARLY and (spec.batch_tokens, step) not in steps:
                steps.add((spec.batch_tokens, step))
                yield (
                    f"{place}: a step of {spec.batch_tokens:,} tokens holds {spec.batch_sequences} sequence(s) of "
                    f"{spec.context}, so that it is one of {step:,}."
                )
            if spec.steps < _FEW_STEPS:
                run = f"a run of {spec.tokens:,} tokens ends after {spec.steps} step(s) of {step:,}"
                yield f"{place}: {run} and has learnt next to nothing."
            elif spec.realised_tokens < spec.tokens * NEARLY:
                yield (
                    f"{place}: a run of {spec.tokens:,} tokens ends after {spec.steps} whole steps of {step:,}, at "
                    f"{spec.realised_tokens:,}."
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
