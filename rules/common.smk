"""From wildcards and configuration to paths and parameters. Functions only."""

import re

from emulsion.files import canonical_json


def one_of(names):
    """A pattern that matches these names alone, so that a target with a typo has no rule."""
    return "|".join(map(re.escape, names)) or "(?!)"


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


def strategy_stages(wildcards):
    return canonical_json(experiments.strategy_stages(config["strategies"][wildcards.mix]))


def run_spec(wildcards):
    return canonical_json(experiments.run_spec(config, wildcards.experiment))


def training_of(wildcards):
    return config["training"][experiment_of(wildcards)["training"]]


def most_epochs(wildcards):
    """How often a run may repeat a source before it is refused; 0 where it is only warned of."""
    allowed = experiment_of(wildcards)["max_epochs"]
    return allowed["limit"] if allowed["on_excess"] == "refuse" else 0


def suite_files(wildcards):
    return [experiments.suite_file(config, suite) for suite in experiment_of(wildcards)["suites"]]


def of_each_mixture(pattern):
    """An input function: the pattern filled in for every mixture of an experiment, in the order of its figures."""

    def files(wildcards):
        mixtures = experiments.mixture_names(config, wildcards.experiment)
        return collect(pattern, experiment=wildcards.experiment, mix=mixtures)

    return files


def mixtures_of(wildcards):
    return experiments.mixture_names(config, wildcards.experiment)
