"""Where the files of an experiment lie, and which of them a rule needs."""

from __future__ import annotations

from emulsion.experiments import Config, mixture_of, strategies
from emulsion.sources.local import local_files


def tokenizer_definition(config: Config, experiment: str) -> str:
    return f"data/tokenizers/{config['experiments'][experiment]['tokenizer']}/tokenizer.json"


def local_inputs(config: Config, source: str) -> list[str]:
    """The files a local source is made of, so that an edit of one is noticed; none for other kinds."""
    entry = config["sources"][source]
    return [str(file) for file in local_files(source, entry["local"])] if entry["kind"] == "local" else []


def tokenizer_documents(config: Config, tokenizer: str) -> list[str]:
    """The normalised sources a tokenizer is trained on; none for a pretrained one."""
    entry = config["tokenizers"][tokenizer]
    chosen = entry["bpe"]["sources"] if entry["kind"] == "bpe" else []
    return [f"data/normalized/{source}.parquet" for source in chosen]


def token_stores(config: Config, experiment: str) -> list[str]:
    """The headers of the token stores of an experiment, in the order of its sources."""
    chosen = config["experiments"][experiment]
    return [f"data/tokens/{chosen['tokenizer']}/{source}/header.json" for source in chosen["sources"]]


def token_stores_of_source(config: Config, source: str) -> list[str]:
    """The headers of a source's token stores, one for each tokenizer that an experiment reads it with."""
    readers = [chosen["tokenizer"] for chosen in config["experiments"].values() if source in chosen["sources"]]
    return [f"data/tokens/{tokenizer}/{source}/header.json" for tokenizer in dict.fromkeys(readers)]


def suite_file(config: Config, suite: str) -> str:
    """Where a suite lies: generated ones are made by the workflow."""
    entry = config["suites"][suite]
    return str(entry["file"]) if entry["kind"] == "file" else f"data/suites/{suite}.json"


def suite_files(config: Config, experiment: str) -> list[str]:
    return [suite_file(config, suite) for suite in config["experiments"][experiment]["suites"]]


def mixture_file(config: Config, experiment: str, run: str) -> str:
    return f"mixtures/{experiment}/{mixture_of(run)}.json"


def strategy_infos(config: Config, experiment: str) -> list[str]:
    return [f"data/{experiment}_{mixture}_info.json" for mixture in strategies(config, experiment)]


def contributions(config: Config, experiment: str) -> list[str]:
    """What the ablations found; nothing where there are none."""
    return [f"results/{experiment}/contributions.json"] if config["experiments"][experiment]["ablations"] else []


def optimum(config: Config, experiment: str) -> list[str]:
    """What the optimiser found; nothing where it is turned off."""
    return [f"results/{experiment}/optimal_mix.json"] if config["experiments"][experiment]["optimize"] else []
