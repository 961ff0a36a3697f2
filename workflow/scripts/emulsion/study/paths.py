"""Where the files of an experiment lie, and which of them a rule needs."""

from __future__ import annotations

from pathlib import Path

from emulsion.data.cleaning.settings import Cleaning
from emulsion.data.sources.local import local_files
from emulsion.data.tokens import SPLITS
from emulsion.files import found
from emulsion.study import sweeps
from emulsion.study.catalogue import Config, cleaning_spec, preceding, sharing_experiments
from emulsion.study.experiments import mixture_of, run_model, strategies


def tokenizer_definition(config: Config, experiment: str) -> str:
    return f"data/tokenizers/{config['experiments'][experiment]['tokenizer']}/tokenizer.json"


def local_inputs(config: Config, source: str) -> list[str]:
    """The files a local source is made of, so that an edit of one is noticed; none for other kinds."""
    entry = config["sources"][source]
    return [str(file) for file in local_files(source, entry["local"])] if entry["kind"] == "local" else []


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
    return shards(config, source, "signatures.parquet") if looked_for else []


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
    return [file for each in guarded for file in shards(config, each, "held_out.parquet")]


def _guards_held_out(config: Config, source: str) -> bool:
    rules = Cleaning.from_json(cleaning_spec(config, source)).decontaminate
    return rules is not None and rules.held_out


def suites_to_keep_out(config: Config, source: str) -> list[str]:
    """The suites that the models trained on a source are tested on, where it must not overlap with them."""
    rules = Cleaning.from_json(cleaning_spec(config, source)).decontaminate
    if rules is None or not rules.suites:
        return []
    users = [name for name, chosen in config["experiments"].items() if source in chosen["sources"]]
    return list(dict.fromkeys(file for name in users for file in suite_files(config, name)))


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
    """The normalised sources a tokenizer is trained on; none for a pretrained one."""
    entry = config["tokenizers"][tokenizer]
    chosen = entry["bpe"]["sources"] if entry["kind"] == "bpe" else []
    return [f"data/normalized/{source}.parquet" for source in chosen]


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
    readers = [chosen["tokenizer"] for chosen in config["experiments"].values() if source in chosen["sources"]]
    return [f"data/tokens/{tokenizer}/{source}/header.json" for tokenizer in dict.fromkeys(readers)]


def suite_file(config: Config, suite: str) -> str:
    """Where a suite lies: generated ones are made by the workflow."""
    entry = config["suites"][suite]
    return found(entry["file"]) if entry["kind"] == "file" else f"data/suites/{suite}.json"


def suite_files(config: Config, experiment: str) -> list[str]:
    return [suite_file(config, suite) for suite in config["experiments"][experiment]["suites"]]


def downstream_files(config: Config, experiment: str) -> list[str]:
    """The items and definitions of published tasks that lie in files, so that an edit of one is noticed."""
    folder = config["experiments"][experiment]["downstream"].get("task_files")
    return sorted(str(file) for file in Path(folder).rglob("*") if file.is_file()) if folder else []


def mixture_file(config: Config, experiment: str, run: str) -> str:
    return f"mixtures/{experiment}/{mixture_of(run)}.json"


def initial_weights(config: Config, experiment: str, run: str) -> list[str]:
    """The weights that a run starts from; none where they are random."""
    model = run_model(config, experiment, run)
    weights = config["models"][model].get("weights")
    if not weights:
        return []
    folder = Path(weights.get("folder", f"data/weights/{model}"))
    return [str(folder / "model.safetensors")]


def weights_on_the_hub(config: Config) -> list[str]:
    """The models whose weights are fetched."""
    return [name for name, model in config["models"].items() if "id" in model.get("weights", {})]


def sweep(config: Config, experiment: str) -> list[str]:
    """What each job of a sweep trained."""
    return [f"law_results/{experiment}/sweep/{number}.json" for number in sweeps.batches(config, experiment)]


def sweep_mixtures(config: Config, experiment: str, number: str) -> list[str]:
    """The mixtures that one job of a sweep draws from."""
    return [f"mixtures/{experiment}/{name}.json" for name in sweeps.mixtures_of_batch(config, experiment, number)]


def matrix(config: Config, experiment: str, method: str) -> list[str]:
    """The file of a method's own matrix; none where it follows from the laws."""
    chosen = sweeps.methods(config, experiment)[method]
    return [chosen["matrix"]] if chosen["kind"] == "given" else []


def method_parameters(config: Config, experiment: str) -> list[str]:
    return [f"law_results/{experiment}/{method}_parameters.json" for method in sweeps.methods(config, experiment)]


def laws(config: Config, experiment: str) -> dict[str, list[str]]:
    """{what: its files} of all that is found about the laws of an experiment."""
    folder, branched = f"law_results/{experiment}", bool(sweeps.branched(config, experiment))
    there = {
        "static": True,
        "dynamic": branched,
        "greedy": experiment in sweeps.to_the_end(config),
        "similarity": bool(sweeps.methods(config, experiment)),
    }
    names = {"static": "static_law", "dynamic": "dynamic_law", "greedy": "greedy", "similarity": "similarity"}
    return {what: [f"{folder}/{names[what]}.json"] if found else [] for what, found in there.items()}


def laws_of_study(config: Config, study: str, what: str) -> list[str]:
    """The files of this kind of every setting of a study, each once."""
    tables = config["law_studies"][study]["tables"]
    settings = dict.fromkeys(name for table in tables for name in table["settings"].values())
    return [file for name in settings for file in laws(config, name)[what]]


def replayed_tables(config: Config, replay: str) -> list[str]:
    """The files of the tables that laws are judged on: mixtures and losses of the first, then of the next."""
    return [file for pair in config["replays"][replay]["tests"].values() for file in pair]


def all_laws(config: Config) -> list[str]:
    """All that can be said of laws: of every sweep its laws and figures, of every study its tables and figure."""
    found = [file for name in sweeps.swept(config) for files in laws(config, name).values() for file in files]
    found += [file for name in sweeps.swept(config) for file in law_figures(config, name)]
    for study in config["law_studies"]:
        found += [f"law_results/{study}/tables.md", f"figures/{study}_law_fits.png"]
    return found


def law_figures(config: Config, experiment: str) -> list[str]:
    """The figures of an experiment's laws."""
    if not sweeps.settings(config, experiment):
        return []
    figures = ["static_law", *(["dynamic_law", "effects"] if sweeps.branched(config, experiment) else [])]
    return [f"figures/{experiment}_{figure}.png" for figure in figures]


def strategy_infos(config: Config, experiment: str) -> list[str]:
    return [f"data/{experiment}_{mixture}_info.json" for mixture in strategies(config, experiment)]


def contributions(config: Config, experiment: str) -> list[str]:
    """What the ablations found; nothing where there are none."""
    return [f"results/{experiment}/contributions.json"] if config["experiments"][experiment]["ablations"] else []


def optimum(config: Config, experiment: str) -> list[str]:
    """What the optimiser found; nothing where it is turned off."""
    return [f"results/{experiment}/optimal_mix.json"] if config["experiments"][experiment]["optimize"] else []


def published_results(config: Config, experiment: str) -> list[str]:
    """The published results that an experiment's runs are shown beside; none where it names no file."""
    file = config["experiments"][experiment]["metrics"].get("published")
    return [found(file)] if file else []
