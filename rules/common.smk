"""From wildcards and the study to inputs and parameters. Functions only."""

import inspect
import json
import os
import shlex
from pathlib import Path

from emulsion.files import canonical_json

WILDCARDS = inspect.Signature([inspect.Parameter("wildcards", inspect.Parameter.POSITIONAL_OR_KEYWORD)])


def house(file):
    """A file of the workflow, wherever it lies; never in the storage that results are kept in."""
    return local(os.path.normpath(f"{HOUSE}/{file}"))


def script(name):
    """A script's path as a word of a shell command; with it, no rule needs to know where the workflow lies."""
    return shlex.quote(f"{SCRIPTS}/{name}.py")


def script_file(name):
    """An input: a script."""
    return local(f"{SCRIPTS}/{name}.py")


def imports_of(name):
    """An input: the modules of the library that a script is made of; a cheap result is made again when one changes."""
    modules = imports.imports_of(Path(f"{SCRIPTS}/{name}.py").absolute())
    return [local(os.path.relpath(module)) for module in modules]


def imports_of_method(kind):
    """An input: the module of a kind of method and those it is made of, which a script finds by the kind's name alone."""
    own = registry.module_of(kind)
    return [local(os.path.relpath(file)) for file in (own, *imports.imports_of(own))]


def imports_of_entrant(wildcards):
    """An input: the same of a method that takes part in the proving ground; none of an unknown one, which is refused."""
    from emulsion.analysis.proving_ground import ENTRANTS

    return imports_of_method(ENTRANTS[wildcards.method].kind) if wildcards.method in ENTRANTS else []


def of_wildcards(function):
    """A function of wildcards that says so: Snakemake asks for it at every use, and reading code for it takes longer."""
    function.__signature__ = WILDCARDS
    return function


def from_config(function, *names):
    """An input, parameter or resource: `function` of the configuration and of the wildcards of these names."""
    return of_wildcards(lambda wildcards: function(config, *(getattr(wildcards, name) for name in names)))


def json_from_config(function, *names):
    """The same as canonical JSON, so that only a change of value is a change."""
    value = from_config(function, *names)
    return of_wildcards(lambda wildcards: canonical_json(value(wildcards)))


def of_experiment(function, *names):
    """An input, parameter or resource: `function` of the wildcards' experiment and of the wildcards of these names."""
    return of_wildcards(
        lambda wildcards: function(study[wildcards.experiment], *(getattr(wildcards, name) for name in names))
    )


def json_of_experiment(function, *names):
    """The same as canonical JSON."""
    value = of_experiment(function, *names)
    return of_wildcards(lambda wildcards: canonical_json(value(wildcards)))


def safe_in_report(text):
    """JSON without `<`: the report puts parameters into a script of its page, which `</script>` would end."""
    return text.replace("<", "\\u003c")


def experiment_setting(key):
    """A parameter: one setting of the wildcards' experiment, as canonical JSON."""
    return of_wildcards(lambda wildcards: safe_in_report(canonical_json(study[wildcards.experiment].settings[key])))


def micro_batch_of(size, name):
    """A resource: how many sequences a device takes at once. No parameter, for it may change without training again."""
    return of_experiment(lambda experiment, value: experiment.micro_batch(size(experiment, value)), name)


def sharding_of(size, name):
    """A resource, likewise: what each of several devices holds of the model."""
    return of_experiment(lambda experiment, value: experiment.sharding(size(experiment, value)), name)


def memory_of_training(size, name):
    """A resource: main memory of a job that trains a model of this size, in MB; more at each try."""
    return lambda wildcards, attempt: job_memory.of_training(
        study[wildcards.experiment], size(study[wildcards.experiment], getattr(wildcards, name)), attempt
    )


def memory_of_evaluation(wildcards):
    """A resource: main memory of a job that asks the wildcards' run, in MB."""
    experiment = study[wildcards.experiment]
    return job_memory.of_evaluation(experiment, experiment.size_of_run(wildcards.run))


def spec_of(size, name):
    """A parameter: the spec of a run of this size."""
    return json_of_experiment(lambda experiment, value: experiment.spec_of(size(experiment, value)), name)


def made_or_given(function):
    """An input: files that a rule makes, or that a user has, which never lie in the storage of results."""
    made = ("data/suites/", "data/weights/", "models/")
    return of_wildcards(
        lambda wildcards: [file if file.startswith(made) else local(file) for file in function(wildcards)]
    )


def weights_of(size, name):
    """An input: the weights that runs of this size start from; none where they are random."""
    return made_or_given(
        of_experiment(lambda experiment, value: files.initial_weights(experiment, size(experiment, value)), name)
    )


def of_each_run(pattern, mixtures):
    """An input: the pattern filled in for every run of the mixtures that `mixtures` gives, in their order."""
    names = runs_of(mixtures)
    return lambda wildcards: collect(pattern, experiment=wildcards.experiment, run=names(wildcards))


def of_each_run_with_downstream(pattern, mixtures):
    """The same where the experiment asks its models published tasks; else nothing."""
    found = of_each_run(pattern, mixtures)
    return lambda wildcards: found(wildcards) if wildcards.experiment in study.with_setting("downstream") else []


def of_each_run_judged_by(kind, pattern, mixtures):
    """The same where the experiment's mixtures are judged by losses or by capabilities, as `kind` says; else nothing."""
    found = of_each_run(pattern, mixtures)
    return lambda wildcards: found(wildcards) if kind in study[wildcards.experiment].judged_by() else []


def runs_of(mixtures):
    """A parameter: the runs of these mixtures, in the order of `of_each_run`."""
    return of_experiment(lambda experiment: experiment.names(mixtures(experiment)))


def mixtures_of_runs(mixtures):
    """A parameter: for every run of these mixtures the one it belongs to, in the order of `of_each_run`."""
    return of_experiment(lambda experiment: [run.entry.name for run in experiment.runs(mixtures(experiment))])


def seeds_of_runs(mixtures):
    """A parameter: the seed of every run of these mixtures, in the order of `of_each_run`."""
    return of_experiment(lambda experiment: [run.seed for run in experiment.runs(mixtures(experiment))])


def laws_of_study(what):
    """An input: the files of this kind of every setting of the wildcards' study of laws."""
    return lambda wildcards: files.laws_of_study(study, wildcards.study, what)


def study_setting(key):
    """A parameter: a setting of the wildcards' study as JSON, in the order of the configuration, as in its tables."""
    return lambda wildcards: safe_in_report(json.dumps(config["law_studies"][wildcards.study][key], ensure_ascii=False))


def comparison_setting(key):
    """A parameter: a setting of the wildcards' comparison of methods as JSON, in the order of the configuration."""
    return lambda wildcards: safe_in_report(
        json.dumps(config["method_studies"][wildcards.comparison][key], ensure_ascii=False)
    )


def boards_of_comparison(wildcards):
    """An input: the leaderboard of every setting of the wildcards' comparison of methods."""
    settings = config["method_studies"][wildcards.comparison]["settings"]
    return collect("results/{experiment}/methods.json", experiment=list(settings.values()))


def labels_of_study(wildcards):
    """A parameter: what every setting of the wildcards' study is called, as JSON, in the order to draw."""
    return safe_in_report(json.dumps(study.labels_of_laws(wildcards.study), ensure_ascii=False))


def replayed_tests(wildcards):
    """The options that name the tables which a replay judges laws on."""
    tests = config["replays"][wildcards.replay]["tests"]
    return [part for name, pair in tests.items() for part in ("--test", name, *pair)]


def token_stores_there_are(wildcards):
    """The headers of token stores, once they are made: without them the plan cannot say what is repeated."""
    headers = files.token_stores(study[wildcards.experiment])
    return headers if all(Path(header).exists() for header in headers) else []


def ledgers_there_are(wildcards):
    """The accounts of the rows of an experiment's sources, as far as they are made: the plan says what was lost."""
    return [ledger for ledger in files.ledgers(study[wildcards.experiment]) if Path(ledger).exists()]
