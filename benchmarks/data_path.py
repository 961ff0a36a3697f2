"""The data path, from normalised text to training batches, beside the usual way; prints Markdown.

    python benchmarks/data_path.py [--megabytes 50] [--tokenizer FOLDER] [--context 1024] [--rounds 1]

The six strategies of config.yaml over four generated sources. Every measurement is a process of its own, so its peak
memory is its own; the ways take turns, and of several rounds the one with the least CPU time counts. CPU seconds are
those of all threads and children. Clocks start after the imports.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow/scripts"))

from emulsion.data.batches import read_batch, train_sizes
from emulsion.data.tokenizers import train_bpe
from emulsion.data.tokens import TokenStore, text_batches, write_store
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan

ROOT = Path(__file__).resolve().parents[1]
SOURCES, BATCH = ("openhermes", "cosmopedia", "magpie", "fineweb"), 32  # sequences
HELD_OUT = 0.025  # in validation and again in test; 5 % together
Result = dict[str, Any]


def fresh(task: Callable[..., Result], *arguments: Any) -> Result:
    """What `task` measures in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(task, *arguments).result()


def peak_megabytes() -> float:
    """The most memory this process had; unlike ru_maxrss it leaves out the process that started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def seconds(start: dict[str, float] | None = None) -> dict[str, float]:
    """Since `start`: seconds by the wall clock, and CPU seconds of this process, its threads and finished children."""
    cpu = time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    return {key: now - (start or {}).get(key, 0) for key, now in (("wall", time.perf_counter()), ("cpu", cpu))}


@functools.cache
def strategies() -> list[dict[str, float]]:
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return [strategy["ratios"] for strategy in config["strategies"].values()]


def most(sizes: dict[str, int]) -> int:
    """How many items a mix may have for no strategy to repeat a source."""
    return min(int(sizes[name] / share) for ratios in strategies() for name, share in ratios.items())


def texts(source: str, size: int) -> Iterator[str]:
    """Documents of about 2 kB, `size` bytes in all: made-up words, as frequent as Zipf's law says, in sentences."""
    rng = np.random.default_rng(7)
    syllables = [a + b + c for a in "bdfgklmnprstvz" for b in "aeiou" for c in ("", "n", "r", "s", "th", "ck")]
    lexicon = np.array(["".join(word[: rng.integers(1, 5)]) for word in rng.choice(syllables, (60_000, 4)).tolist()])
    rng = np.random.default_rng([*source.encode()])
    lexicon[100:] = rng.permutation(lexicon[100:])  # sources share their most frequent words only
    frequency, written = np.cumsum(1 / np.arange(1, len(lexicon) + 1)), 0
    while written < size:
        places = np.searchsorted(frequency, rng.random(max(60, int(rng.lognormal(5.2, 0.6)))) * frequency[-1])
        parts = np.split(lexicon[places], np.cumsum(rng.integers(4, 24, len(places))))
        text = " ".join(" ".join(words).capitalize() + "." for words in parts if len(words))
        written += len(text)
        yield text


def make(folder: Path, tokenizer: Path, megabytes: float) -> Result:
    """Write the sources as normalised Parquet, and train the tokenizer where it is not there."""
    documents = {source: list(texts(source, int(megabytes * 1e6 / len(SOURCES)))) for source in SOURCES}
    for name, rows in documents.items():
        table = pa.table({"id": [f"{name}{number}" for number in range(len(rows))], "text": rows})
        pq.write_table(table, folder / f"{name}.parquet", row_group_size=4096)
    if not tokenizer.exists():
        train_bpe((text for rows in documents.values() for text in rows[:1000]), 16_384, tokenizer)
    return {"documents": sum(map(len, documents.values()))}


def requirements_way(folder: Path, tokenizer_folder: Path, context: int) -> Result:
    """Experiment 3, steps 1 and 2: for each strategy take, normalise to a list, shuffle, from_list, tokenise, batch."""
    import datasets
    from torch.utils.data import DataLoader
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    datasets.disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder, trust_remote_code=False)
    tokenizer.pad_token = tokenizer.eos_token
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    total = most({name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in SOURCES})
    tokens, reading, start = 0, {"wall": 0.0, "cpu": 0.0}, seconds()
    for ratios in strategies():
        mixed: list[dict[str, str]] = []
        for name, share in ratios.items():
            file = str(folder / f"{name}.parquet")
            stream = datasets.load_dataset(
                "parquet", data_files=file, split="train", streaming=True, trust_remote_code=False
            )
            mixed += [{**row, "source": name, "type": "text"} for row in stream.take(int(share * total))]
        np.random.shuffle(mixed)  # type: ignore[arg-type]  # NumPy's types know no lists of rows
        split = datasets.Dataset.from_list(mixed).train_test_split(test_size=2 * HELD_OUT, seed=42)
        encode = functools.partial(tokenizer, truncation=True, max_length=context)
        encoded = split.map(encode, input_columns="text", batched=True, remove_columns=["id", "text", "source", "type"])
        batches = iter(DataLoader(encoded["train"], batch_size=BATCH, shuffle=True, collate_fn=collator))
        tokens += int(next(batches)["attention_mask"].sum())
        after = seconds()
        tokens += sum(int(batch["attention_mask"].sum()) for batch in batches)
        reading = {key: reading[key] + value for key, value in seconds(after).items()}
    every = seconds(start)
    first = {key: every[key] - reading[key] for key in every}
    return {"first": first, "every": every, "tokens": tokens, "peak": peak_megabytes()}


def our_way(folder: Path, tokenizer: Path, context: int, fast: bool) -> Result:
    """Tokenise each source once, then plan and read every strategy; not `fast`: as if gigatoken were not there."""
    sys.modules.update({} if fast else {"gigatoken": None})  # type: ignore[dict-item]
    [importlib.import_module(name) for name in ("awkward", "gigatoken") if fast]
    start = seconds()
    for name in SOURCES:
        documents = pq.ParquetFile(folder / f"{name}.parquet")
        write_store(folder / f"{name}.store", text_batches(documents), tokenizer, HELD_OUT, {"source": name})
    [next(mix(folder, context, number)) for number in range(len(strategies()))]
    first, tokens = seconds(start), sum(sum(mix(folder, context, number)) for number in range(len(strategies())))
    return {"first": first, "every": seconds(start), "tokens": tokens, "peak": peak_megabytes()}


def mix(folder: Path, context: int, strategy: int = 0) -> Iterator[int]:
    """Open the stores, plan a mix as long as there is data, and read its batches: the tokens of each."""
    stores = {name: TokenStore.open(folder / f"{name}.store") for name in SOURCES}
    sizes = train_sizes(stores, context)
    plan, total = SequencePlan(sizes, Mixture(strategies()[strategy]), seed=0), most(sizes)
    for start in range(0, total, BATCH):
        yield read_batch(plan, stores, context, start, min(total, start + BATCH))[:, 1:].size


def pack(folder: Path, context: int) -> Result:
    """The same sequences as rows of a `datasets.Dataset` on disk, for its loader."""
    import datasets

    stores = [TokenStore.open(folder / f"{name}.store") for name in SOURCES]
    rows = [store.read("train", np.arange(store.count("train", context)), context) for store in stores]
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict({"input_ids": np.concatenate(rows)[:, 1:]}).save_to_disk(folder / "packed")
    return {}


def one_more(folder: Path, context: int) -> Result:
    """On tokenised sources: plans alone, in ms, then whole mixes with every token read, in ms a million tokens."""
    sizes = {name: TokenStore.open(folder / f"{name}.store").count("train", context) for name in SOURCES}
    total, start = most(sizes), seconds()
    for strategy in strategies():
        SequencePlan(sizes, Mixture(strategy), seed=0).rows(0, total)
    plans, start = seconds(start)["cpu"], seconds()
    tokens = sum(sum(mix(folder, context, number)) for number in range(len(strategies())))
    return {"plan": 1e3 * plans / len(strategies()), "sequences": total, "mix": 1e9 * seconds(start)["cpu"] / tokens}


def loader(kind: str, folder: Path, context: int) -> Result:
    """Million tokens a CPU second of whole passes (open, plan or shuffle, read) after a first one; peak memory."""
    tokens, start = 0 * sum(LOADERS[kind](folder, context)), seconds()
    while seconds(start)["cpu"] < 0.7:
        tokens += sum(LOADERS[kind](folder, context))
    return {"speed": tokens / seconds(start)["cpu"] / 1e6, "peak": peak_megabytes()}


def nanogpt(folder: Path, context: int) -> Iterator[int]:
    """The `get_batch` of nanoGPT's train.py, on one of the sources."""
    import torch

    store = TokenStore.open(folder / "magpie.store")
    for _ in range(100):
        data = np.memmap(store.folder / "train.bin", dtype=store.header["dtype"], mode="r")
        starts = torch.randint(len(data) - context, (BATCH,))
        x = torch.stack([torch.from_numpy(data[i : i + context].astype(np.int64)) for i in starts])
        y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + context].astype(np.int64)) for i in starts])
        yield min(x.numel(), y.numel())


def hugging_face(folder: Path, context: int) -> Iterator[int]:
    """The rows of `pack`, shuffled, in torch format, a batch at a time."""
    import datasets

    packed = datasets.load_from_disk(str(folder / "packed")).with_format("torch")
    order = np.array_split(np.random.default_rng(0).permutation(len(packed)), -(-len(packed) // BATCH))
    yield from (packed[rows]["input_ids"].numel() for rows in order)


PEER = "the usual way"
LOADERS = {"nanoGPT get_batch": nanogpt, "datasets, torch format": hugging_face, "Emulsion": mix}


def report(folder: Path, tokenizer: Path, megabytes: float, context: int, rounds: int) -> Iterator[str]:
    """Measure everything, the ways taking turns, and yield the lines of the report."""
    documents = fresh(make, folder, tokenizer, megabytes)["documents"]
    yield f"{megabytes:g} MB, {documents} documents, context {context}, six strategies.\n"
    ways: dict[str, Any] = {PEER: requirements_way, "Emulsion, tokenizers": functools.partial(our_way, fast=False)}
    ways |= {"Emulsion, gigatoken": functools.partial(our_way, fast=True)} if find_spec("gigatoken") else {}
    tries = [{way: fresh(task, folder, tokenizer, context) for way, task in ways.items()} for _ in range(rounds)]
    best = {way: min((results[way] for results in tries), key=lambda result: result["every"]["cpu"]) for way in ways}
    speed = {way: result["tokens"] / result["every"]["cpu"] for way, result in best.items()}
    columns = "first batches, wall s | CPU-s | all batches, wall s | CPU-s | M tokens | k tok/CPU-s | ratio | peak MB"
    yield f"| way | {columns} |\n|---|---|---|---|---|---|---|---|---|"
    for way, result in best.items():
        times = [f"{result[stage][clock]:.2f}" for stage in ("first", "every") for clock in ("wall", "cpu")]
        amounts = [f"{result['tokens'] / 1e6:.1f}", f"{speed[way] / 1e3:,.0f}", f"{speed[way] / speed[PEER]:.1f}"]
        yield "| " + " | ".join([way, *times, *amounts, f"{result['peak']:.0f}"]) + " |"
    plan, sequences, more = fresh(one_more, folder, context).values()
    yield f"\nPlan of {sequences} sequences: {plan:.2f} ms CPU. One more mix: {more:.2f} ms CPU per million tokens.\n"
    fresh(pack, folder, context)
    yield "| loader | M tok/CPU-s | peak MB |\n|---|---|---|"
    for kind in LOADERS:
        result = max((fresh(loader, kind, folder, context) for _ in range(rounds)), key=lambda result: result["speed"])
        yield f"| {kind} | {result['speed']:.0f} | {result['peak']:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, default=50, help="text, of the four sources together")
    parser.add_argument("--tokenizer", type=Path, help="folder of one to use; otherwise one is trained")
    parser.add_argument("--context", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        tokenizer = given.tokenizer or Path(name, "tokenizer")
        for line in report(Path(name), tokenizer, given.megabytes, given.context, given.rounds):
            print(line, flush=True)


if __name__ == "__main__":
    main()
