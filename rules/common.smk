"""From wildcards and the configuration to inputs and parameters. Functions only."""

import json
import os
import re
import shlex
from pathlib import Path

from emulsion.files import canonical_json


def one_of(names):
    """A pattern that matches these names alone, so that a target with a typo has no rule."""
    return "|".join(map(re.escape, names)) or "(?!)"


def in_any_experiment(names):
    """The names that a function of `experiments` gives for any experiment, each once."""
    return list(dict.fromkeys(name for experiment in config["experiments"] for name in names(config, experiment)))


def sources_in_use():
    """The sources of all experiments, in order, each once."""
    used = [source for experiment in config["experiments"].values() for source in experiment["sources"]]
    return list(dict.fromkeys(used))


def from_config(function, *names):
    """An input, parameter or resource: `function` of the configuration and of the wildcards of these names."""

    def value(wildcards):
        return function(config, *(getattr(wildcards, name) for name in names))

    return value


def json_from_config(function, *names):
    """The same as canonical JSON, so that only a change of value is a change."""
    value = from_config(function, *names)
    return lambda wildcards: canonical_json(value(wildcards))


def script(name):
    """A script's path as a word of a shell command; with it, no rule needs to know where the workflow lies."""
    return shlex.quote(f"{SCRIPTS}/{name}.py").replace("{", "{{").replace("}", "}}")


def imports_of(name):
    """An input: the modules of the library that a script is made of; a cheap result is made again when one changes."""
    return [os.path.relpath(module) for module in imports.imports_of(Path(f"{SCRIPTS}/{name}.py").absolute())]


def laws_of_study(what):
    """An input: the files of this kind of every setting of the wildcards' study."""
    return lambda wildcards: paths.laws_of_study(config, wildcards.study, what)


def study_setting(key):
    """A parameter: a setting of the wildcards' study as JSON, in the order of the configuration, as in its tables."""
    return lambda wildcards: json.dumps(config["law_studies"][wildcards.study][key], ensure_ascii=False)


def labels_of_study(wildcards):
    return json.dumps(sweeps.labels_of_study(config, wildcards.study), ensure_ascii=False)


def replayed_tests(wildcards):
    """The options that name the tables which a replay judges laws on."""
    tests = config["replays"][wildcards.replay]["tests"]
    return [part for name, pair in tests.items() for part in ("--test", name, *pair)]


def experiment_setting(*keys):
    """A parameter: one setting of the wildcards' experiment, as canonical JSON."""

    def value(wildcards):
        setting = config["experiments"][wildcards.experiment]
        for key in keys:
            setting = setting[key]
        return canonical_json(setting)

    return value


def of_each_run(pattern, mixtures):
    """An input: the pattern filled in for every run of the mixtures that `mixtures` gives, in their order."""

    def files(wildcards):
        runs = experiments.runs(config, wildcards.experiment, mixtures)
        return collect(pattern, experiment=wildcards.experiment, run=runs)

    return files


def of_each_run_asked(pattern, mixtures):
    """The same where the experiment asks its models published tasks; else nothing."""
    files = of_each_run(pattern, mixtures)
    return lambda wildcards: files(wildcards) if wildcards.experiment in experiments.asked_downstream(config) else []


def runs_of(mixtures):
    """A parameter: the runs of these mixtures, in the order of `of_each_run`."""
    return lambda wildcards: experiments.runs(config, wildcards.experiment, mixtures)


def mixtures_of_runs(mixtures):
    """A parameter: for every run of these mixtures the one it belongs to, in the order of `of_each_run`."""
    names = runs_of(mixtures)
    return lambda wildcards: [experiments.mixture_of(run) for run in names(wildcards)]


def token_stores_there_are(wildcards):
    """The headers of token stores, once they are made: without them the plan cannot say what is repeated."""
    headers = paths.token_stores(config, wildcards.experiment)
    return headers if all(Path(header).exists() for header in headers) else []


def ledgers_there_are(wildcards):
    """The accounts of the rows of an experiment's sources, as far as they are made: the plan says what was lost."""
    ledgers = [f"data/ledgers/{source}.json" for source in config["experiments"][wildcards.experiment]["sources"]]
    return [ledger for ledger in ledgers if Path(ledger).exists()]


def plan_of(wildcards):
    # Imported here, for only the plan needs the statistics behind it, and every job reads this file.
    from emulsion.study import budget

    return canonical_json(budget.plan_of(config, wildcards.experiment))


def stages_of(wildcards):
    from emulsion.study import budget

    return canonical_json(budget.runs_of_stages(config, wildcards.experiment))
