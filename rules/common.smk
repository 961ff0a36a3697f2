"""From wildcards and configuration to paths and parameters. Functions only."""

import re

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


def experiment_of(wildcards):
    return config["experiments"][wildcards.experiment]


def token_stores(wildcards):
    """The headers of the token stores of an experiment."""
    tokenizer = experiment_of(wildcards)["tokenizer"]
    return [f"data/tokens/{tokenizer}/{source}/header.json" for source in experiment_of(wildcards)["sources"]]


def token_stores_of_source(wildcards):
    """The headers of a source's token stores, one for each tokenizer that an experiment reads it with."""
    tokenizers = [e["tokenizer"] for e in config["experiments"].values() if wildcards.source in e["sources"]]
    return [f"data/tokens/{tokenizer}/{wildcards.source}/header.json" for tokenizer in dict.fromkeys(tokenizers)]


def tokenizer_of_experiment(wildcards):
    return f"data/tokenizers/{experiment_of(wildcards)['tokenizer']}/tokenizer.json"


def tokenizer_documents(wildcards):
    """The normalised sources a tokenizer is trained on; none for a pretrained one."""
    tokenizer = config["tokenizers"][wildcards.tokenizer]
    chosen = tokenizer["bpe"]["sources"] if tokenizer["kind"] == "bpe" else []
    return [f"data/normalized/{source}.parquet" for source in chosen]


def tokenizer_spec(wildcards):
    tokenizer = config["tokenizers"][wildcards.tokenizer]
    return canonical_json({"kind": tokenizer["kind"], "block": experiments.kind_block(tokenizer)})


def source_spec(wildcards):
    return canonical_json(experiments.source_spec(config, wildcards.source))


def schema_options(wildcards):
    """The options by which the configuration settles how a source is read."""
    source = config["sources"][wildcards.source]
    chosen = {"--schema": source.get("schema"), "--text-field": source.get("text_field")}
    return [part for option, value in chosen.items() if value for part in (option, value)]


def mixture_stages(wildcards):
    return canonical_json(experiments.mixture_stages(config, wildcards.experiment, wildcards.fixed))


def mixture_of_run(wildcards):
    return f"mixtures/{wildcards.experiment}/{experiments.mixture_of(wildcards.run)}.json"


def spec_of_run(wildcards):
    return canonical_json(experiments.run_spec(config, wildcards.experiment, wildcards.run))


def spec_of_mixture(wildcards):
    """The spec of the first run on a mixture; its other runs differ in their seed alone."""
    return canonical_json(experiments.run_spec(config, wildcards.experiment, wildcards.mix))


def spec_of_proxies(wildcards):
    return canonical_json(experiments.run_spec(config, wildcards.experiment, "proxy_000"))


def evaluation_settings(wildcards):
    return canonical_json(experiment_of(wildcards)["evaluation"])


def micro_batch_of_proxies(wildcards):
    return config["training"][experiment_of(wildcards)["optimize"]["training"]]["micro_batch"]


def micro_batch(wildcards):
    training = experiments.training_name(config, wildcards.experiment, wildcards.run)
    return config["training"][training]["micro_batch"]


def most_epochs(wildcards):
    """How often a run may repeat a source before it is refused; 0 where it is only warned of."""
    allowed = experiment_of(wildcards)["max_epochs"]
    return allowed["limit"] if allowed["on_excess"] == "refuse" else 0


def suite_files(wildcards):
    return [experiments.suite_file(config, suite) for suite in experiment_of(wildcards)["suites"]]


def experiments_optimised_by(method):
    """The experiments whose optimum is searched by a method."""
    chosen = config["experiments"].items()
    return [name for name, experiment in chosen if (experiment["optimize"] or {}).get("method") == method]


def optimizer_settings(wildcards):
    return canonical_json(experiment_of(wildcards)["optimize"])


def contributions_of(wildcards):
    return [f"results/{wildcards.experiment}/contributions.json"] if experiment_of(wildcards)["ablations"] else []


def optimum_of(wildcards):
    return [f"results/{wildcards.experiment}/optimal_mix.json"] if experiment_of(wildcards)["optimize"] else []


def groups_of(wildcards):
    groups = {"candidates": experiments.candidates, "singles": experiments.singles}
    return canonical_json({name: group(config, wildcards.experiment) for name, group in groups.items()})


def plan_of(wildcards):
    from emulsion import budget

    return canonical_json(budget.plan_of(config, wildcards.experiment))


def stages_of(wildcards):
    from emulsion import budget

    return canonical_json(budget.runs_of_stages(config, wildcards.experiment))


def token_stores_there_are(wildcards):
    """The headers of token stores, once they are made: without them the plan cannot say what is repeated."""
    headers = token_stores(wildcards)
    return headers if all(Path(header).exists() for header in headers) else []


def infos_of_strategies(wildcards):
    mixtures = experiments.strategies(config, wildcards.experiment)
    return collect("data/{experiment}_{mix}_info.json", experiment=wildcards.experiment, mix=mixtures)


def of_each_run(pattern, mixtures):
    """An input function: the pattern filled in for every run of the mixtures that `mixtures` gives, in their order."""

    def files(wildcards):
        runs = experiments.runs(config, wildcards.experiment, mixtures)
        return collect(pattern, experiment=wildcards.experiment, run=runs)

    return files


def runs_of(mixtures):
    """A parameter function: the runs of these mixtures, in the order of `of_each_run`."""

    def names(wildcards):
        return experiments.runs(config, wildcards.experiment, mixtures)

    return names


def first_seed(wildcards):
    return experiment_of(wildcards)["seeds"][0]


def mixtures_of_runs(mixtures):
    """A parameter function: for every run of these mixtures the mixture it belongs to, in the order of `of_each_run`."""

    def names(wildcards):
        return [experiments.mixture_of(run) for run in experiments.runs(config, wildcards.experiment, mixtures)]

    return names
