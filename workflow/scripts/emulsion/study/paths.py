"""Where the files of sources, tokenizers and suites lie, and which of them a rule needs."""

from __future__ import annotations

from collections.abc import Sequence

from emulsion.data.cleaning.policy import Cleaning
from emulsion.data.sources.local import local_files
from emulsion.data.tokens import SPLITS
from emulsion.files import found
from emulsion.study.catalogue import Config, cleaning_spec, preceding, sharing_experiments, users


def local_inputs(config: Config, source: str) -> list[str]:
    """The files a local source is made of, so that an edit of one is noticed; none for other kinds."""
    entry = config["sources"][source]
    return [str(file) for file in local_files(source, entry["local"])] if entry["kind"] == "local" else []


def run_name(mixture: str, seed: int, seeds: Sequence[int]) -> str:
    """What a run is called: as its mixture where its seed is the first of `seeds`, else with the seed behind it."""
    return mixture if seed == seeds[0] else f"{mixture}-seed{seed}"


def mixture_and_seed(run: str) -> tuple[str, int | None]:
    """The mixture of a run and its seed, from its name; None for the first seed, which names do not say."""
    mixture, mark, seed = run.rpartition("-seed")
    return (mixture, int(seed)) if mark and seed.isdecimal() else (run, None)


def groups_of_source(config: Config, source: str) -> list[str]:
    """Where the groups lie that a source is one of; none for other kinds."""
    entry = config["sources"][source]
    return [f"data/groups/{entry['group']['of']}/manifest.json"] if entry["kind"] == "group" else []


def shards(config: Config, source: str, file: str, folder: str = "data/shards") -> list[str]:
    """This file of each shard of a source, in order."""
    count = config["sources"][source]["shards"]
    return [f"{folder}/{source}/{shard}-of-{count}/{file}" for shard in range(count)]


def signatures(config: Config, source: str) -> list[str]:
    """The signatures of a source's documents, where duplicates are looked for."""
    looked_for = cleaning_spec(config, source).get("deduplicate") is not None
    return [f"data/shards/{source}/signatures.parquet"] if looked_for else []


def earlier_signatures(config: Config, source: str) -> list[str]:
    """The signatures of the sources whose documents a source must not repeat."""
    if not signatures(config, source):
        return []
    return [file for earlier in preceding(config, source) for file in signatures(config, earlier)]


def held_out_ngrams(config: Config, source: str) -> list[str]:
    """What is held out of the sources that a source shares an experiment with, where it must not overlap with it."""
    if not _guards_held_out(config, source):
        return []
    guarded = [each for each in sharing_experiments(config, source) if _guards_held_out(config, each)]
    return [f"data/shards/{each}/held_out.parquet" for each in guarded]


def _guards_held_out(config: Config, source: str) -> bool:
    rules = Cleaning.from_json(cleaning_spec(config, source)).decontaminate
    return rules is not None and rules.held_out


def suites_to_keep_out(config: Config, source: str) -> list[str]:
    """The suites that the models trained on a source are tested on, where it must not overlap with them."""
    rules = Cleaning.from_json(cleaning_spec(config, source)).decontaminate
    if rules is None or not rules.suites:
        return []
    return list(dict.fromkeys(file for name in users(config, source) for file in suite_files(config, name)))


def steps(config: Config, source: str) -> list[str]:
    """The rules that a shard of a source goes through, in order."""
    cleaning = cleaning_spec(config, source)
    decontaminates = cleaning.get("decontaminate") is not None
    deduplicates = cleaning.get("deduplicate") is not None
    # What is held out is known once duplicates are gone, so the second step needs the first.
    further = {"deduplicate": deduplicates or decontaminates, "decontaminate": decontaminates}
    return ["normalize", *(step for step, taken in further.items() if taken)]


def clean_documents(config: Config, source: str) -> list[str]:
    """What is left of each shard of a source after the last step."""
    return shards(config, source, f"{steps(config, source)[-1]}.parquet")


def quarantines(config: Config, source: str) -> list[str]:
    """What each step set aside of each shard, step by step."""
    return [file for step in steps(config, source) for file in shards(config, source, f"{step}.jsonl")]


def ledgers(config: Config, source: str) -> list[str]:
    """The accounts of each step and shard, step by step."""
    return [file for step in steps(config, source) for file in shards(config, source, f"{step}.json")]


def tokenizer_documents(config: Config, tokenizer: str) -> list[str]:
    """The normalised sources a tokenizer is trained on."""
    return [f"data/normalized/{source}.parquet" for source in config["tokenizers"][tokenizer]["bpe"]["sources"]]


def token_shards(config: Config, tokenizer: str, source: str) -> list[str]:
    """The headers of the tokenised shards of a source, in order."""
    return shards(config, source, "header.json", f"data/token_shards/{tokenizer}")


def token_shard_contents(config: Config, tokenizer: str, source: str) -> list[str]:
    """The files beside those headers, which are temporary and so must be named by the rule that reads them."""
    files = ("documents.parquet", *(f"{split}.bin" for split in SPLITS))
    return [path for file in files for path in shards(config, source, file, f"data/token_shards/{tokenizer}")]


def token_stores(config: Config, experiment: str) -> list[str]:
    """The headers of the token stores of an experiment, in the order of its sources."""
    chosen = config["experiments"][experiment]
    return [f"data/tokens/{chosen['tokenizer']}/{source}/header.json" for source in chosen["sources"]]


def token_stores_of_source(config: Config, source: str) -> list[str]:
    """The headers of a source's token stores, one for each tokenizer that an experiment reads it with."""
    readers = [config["experiments"][name]["tokenizer"] for name in users(config, source)]
    return [f"data/tokens/{tokenizer}/{source}/header.json" for tokenizer in dict.fromkeys(readers)]


def suite_file(config: Config, suite: str) -> str:
    """Where a suite lies: generated ones are made by the workflow."""
    entry = config["suites"][suite]
    return found(entry["file"]) if entry["kind"] == "file" else f"data/suites/{suite}.json"


def suite_files(config: Config, experiment: str) -> list[str]:
    return [suite_file(config, suite) for suite in config["experiments"][experiment]["suites"]]


def weights_on_the_hub(config: Config) -> list[str]:
    """The models whose weights are fetched."""
    return [name for name, model in config["models"].items() if "id" in model.get("weights", {})]


def replayed_tables(config: Config, replay: str) -> list[str]:
    """The files of the tables that laws are judged on: mixtures and losses of the first, then of the next."""
    return [file for pair in config["replays"][replay]["tests"].values() for file in pair]
