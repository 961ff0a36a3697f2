"""The data path, from normalised text to training batches, beside the requirements' own way; prints Markdown.

    python benchmarks/data_path.py [--megabytes 50] [--tokenizer FOLDER] [--context 1024] [--rounds 2]

The six strategies of config.yaml over four generated sources. Every measurement is a process of its own, so its peak
memory is its own; the ways take turns, and of several rounds the one with the least CPU time counts. CPU seconds are
those of all threads and children. Clocks start after the imports.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TYPES = {"openhermes": "instruction", "cosmopedia": "educational", "magpie": "conversation", "fineweb": "web_educational"}
BATCH = 32  # sequences
VOCABULARY = 16_384
HELD_OUT = 0.025  # in validation and again in test; the requirements hold out 5 % as well
Result = dict[str, Any]
Reader = Callable[[int], int]  # reads the batch of a number and returns its tokens


def spawn(script: str, task: str, *arguments: str | int | float | Path) -> Result:
    """What `task` of a benchmark measures in a process of its own: the JSON of the last line it prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, script, "--task", task, *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: Result = json.loads(done.stdout.splitlines()[-1])
    return result


def seconds() -> dict[str, float]:
    """The time by the wall clock, and by the CPU of this process, its threads and its finished children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    return {"wall": time.perf_counter(), "cpu": cpu}


def since(start: dict[str, float]) -> dict[str, float]:
    return {key: value - start[key] for key, value in seconds().items()}


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def strategies() -> list[dict[str, float]]:
    import yaml

    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return [strategy["ratios"] for strategy in config["strategies"].values()]


def most(sizes: dict[str, int]) -> int:
    """How many items a mix may have for no strategy to repeat a source."""
    return min(int(sizes[name] / share) for ratios in strategies() for name, share in ratios.items())


def texts(source: str, size: int) -> Iterator[str]:
    """Documents of about 2 kB, `size` bytes in all: made-up words, as frequent as Zipf's law says, in sentences."""
    import numpy as np
    from emulsion.normalize import render_turns

    rng = np.random.default_rng(7)
    syllables = [a + b + c for a in "bdfgklmnprstvz" for b in "aeiou" for c in ("", "n", "r", "s", "th", "ck")]
    lexicon = np.array(["".join(rng.choice(syllables, number)) for number in rng.integers(1, 5, 60_000)])
    rng = np.random.default_rng(list(source.encode()))
    lexicon[100:] = rng.permutation(lexicon[100:])  # sources share their most frequent words only
    frequency = np.cumsum(1 / np.arange(1, len(lexicon) + 1))
    written = 0
    while written < size:
        places = np.searchsorted(frequency, rng.random(max(60, int(rng.lognormal(5.5, 0.6)))) * frequency[-1])
        ends = np.cumsum(rng.integers(4, 24, len(places)))
        sentences = [" ".join(words).capitalize() + "." for words in np.split(lexicon[places], ends) if len(words)]
        question, answer = sentences[0], " ".join(sentences[1:])
        turns = [("user", question), ("assistant", answer)]
        text = render_turns(turns, TYPES[source]) if source in ("openhermes", "magpie") else f"{question} {answer}"
        written += len(text)
        yield text


def make(folder: Path, tokenizer: Path, megabytes: float) -> Result:
    """Write the sources as normalised Parquet, and train the tokenizer where it is not there."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from emulsion.tokenizers import train_bpe

    sample, count = [], 0
    for source, kind in TYPES.items():
        documents = list(texts(source, int(megabytes * 1e6 / len(TYPES))))
        sample += documents[:1000]
        count += len(documents)
        rows = [{"id": f"{source}{i}", "text": t, "source": source, "type": kind} for i, t in enumerate(documents)]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{source}.parquet", row_group_size=4096, compression="zstd")
    if not tokenizer.exists():
        train_bpe(sample, VOCABULARY, tokenizer)
    return {"documents": count}


def requirements_way(folder: Path, tokenizer_folder: Path, context: int) -> Result:
    """Experiment 3, steps 1 and 2: for each strategy take, normalise to a list, shuffle, from_list, tokenise, batch."""
    import datasets
    import numpy as np
    import pyarrow.parquet as pq
    from torch.utils.data import DataLoader
    from transformers import AutoTokenizer, DataCollatorForLanguageModeling

    datasets.disable_progress_bars()
    tokenizer = AutoTokenizer.from_pretrained(tokenizer_folder)
    tokenizer.pad_token = tokenizer.eos_token
    files = {name: str(folder / f"{name}.parquet") for name in TYPES}
    total = most({name: pq.read_metadata(file).num_rows for name, file in files.items()})
    tokens, reading, start = 0, {"wall": 0.0, "cpu": 0.0}, seconds()
    for ratios in strategies():
        mixed: list[dict[str, str]] = []
        for name, share in ratios.items():
            stream = datasets.load_dataset("parquet", data_files=files[name], split="train", streaming=True)
            taken = list(stream.take(int(share * total)))
            mixed.extend({"text": row["text"], "source": name, "type": TYPES[name]} for row in taken)
        np.random.shuffle(mixed)
        split = datasets.Dataset.from_list(mixed).train_test_split(test_size=2 * HELD_OUT, seed=42)
        encoded = split.map(
            lambda rows: tokenizer(rows["text"], truncation=True, max_length=context),
            batched=True,
            remove_columns=["text", "source", "type"],
        )
        collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
        batches = iter(DataLoader(encoded["train"], batch_size=BATCH, shuffle=True, collate_fn=collator))
        tokens += int(next(batches)["attention_mask"].sum())
        first = seconds()
        tokens += sum(int(batch["attention_mask"].sum()) for batch in batches)
        reading = {key: reading[key] + value for key, value in since(first).items()}
    every = since(start)
    return {"first": {key: every[key] - reading[key] for key in every}, "every": every, "tokens": tokens}


def our_way(folder: Path, tokenizer: Path, context: int, fast: bool) -> Result:
    """Tokenise each source once, then plan and read every strategy."""
    import pyarrow.parquet as pq
    from emulsion.tokens import text_batches, write_store

    if fast:
        importlib.import_module("awkward"), importlib.import_module("gigatoken")
    else:
        sys.modules["gigatoken"] = None  # type: ignore[assignment]
    start = seconds()
    for name in TYPES:
        documents = pq.ParquetFile(folder / f"{name}.parquet")
        sample = next(text_batches(documents))[1][:200]
        write_store(folder / f"{name}.store", text_batches(documents), tokenizer, sample, HELD_OUT, {"source": name})
    packed = since(start)
    for ratios in strategies():
        mix(folder, context, ratios)[0](0)
    first = since(start)
    tokens = sum(read_all(*mix(folder, context, ratios)) for ratios in strategies())
    return {"first": first, "every": since(start), "packed": packed, "tokens": tokens}


def mix(folder: Path, context: int, ratios: dict[str, float]) -> tuple[Reader, int]:
    """Open the stores and plan a mix of as many sequences as there can be: how to read a batch, how many there are."""
    from emulsion.batches import read_batch, train_sizes
    from emulsion.mixture import Mixture
    from emulsion.sampling import SequencePlan
    from emulsion.tokens import TokenStore

    stores = {name: TokenStore.open(folder / f"{name}.store") for name in TYPES}
    sizes = train_sizes(stores, context)
    plan, total = SequencePlan(sizes, Mixture(ratios), seed=0), most(sizes)

    def read(number: int) -> int:
        batch = read_batch(plan, stores, context, number * BATCH, min(total, (number + 1) * BATCH))
        return batch.tokens[:, 1:].size

    return read, -(-total // BATCH)


def read_all(read: Reader, batches: int) -> int:
    return sum(read(number) for number in range(batches))


def one_more(folder: Path, context: int) -> Result:
    """On tokenised sources: plans alone, then whole mixes with every token read."""
    from emulsion.mixture import Mixture
    from emulsion.sampling import SequencePlan
    from emulsion.tokens import TokenStore

    sizes = {name: TokenStore.open(folder / f"{name}.store").count("train", context) for name in TYPES}
    total, mixes = most(sizes), 5 * strategies()
    start = seconds()
    for ratios in mixes:
        plan = SequencePlan(sizes, Mixture(ratios), seed=0)
        plan.sources(0, total), plan.rows(0, total)
    plans, start = since(start)["cpu"], seconds()
    tokens = sum(read_all(*mix(folder, context, ratios)) for ratios in mixes)
    return {"plan": 1e3 * plans / len(mixes), "sequences": total, "mix": 1e9 * since(start)["cpu"] / tokens}


def loader(folder: Path, context: int, kind: str) -> Result:
    """Tokens a CPU second of one loader, and the memory that it adds to its process."""
    read, batches = LOADERS[kind](folder, context)
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    tokens, start = 0, seconds()
    while since(start)["cpu"] < 3:
        tokens += read_all(read, batches)
    return {"speed": tokens / since(start)["cpu"] / 1e6, "added": peak_megabytes() - resident}


def _nanogpt(folder: Path, context: int) -> tuple[Reader, int]:
    """The `get_batch` of nanoGPT's train.py, on one of the sources."""
    import numpy as np
    import torch

    def read(_: int) -> int:
        data = np.memmap(folder / "magpie.store/train.bin", dtype=np.uint16, mode="r")
        starts = torch.randint(len(data) - context, (BATCH,))
        x = torch.stack([torch.from_numpy(data[i : i + context].astype(np.int64)) for i in starts])
        y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + context].astype(np.int64)) for i in starts])
        return min(x.numel(), y.numel())

    return read, 20


def _datasets(folder: Path, context: int) -> tuple[Reader, int]:
    """Packed rows on disk, shuffled, in `datasets`' torch format, a batch at a time."""
    import datasets
    import numpy as np

    datasets.disable_progress_bars()
    if not (folder / "packed").exists():
        tokens = np.fromfile(folder / "magpie.store/train.bin", dtype=np.uint16).astype(np.int32)
        rows = tokens[: len(tokens) // context * context].reshape(-1, context)
        datasets.Dataset.from_dict({"input_ids": rows}).save_to_disk(folder / "packed")
    packed = datasets.load_from_disk(str(folder / "packed")).with_format("torch")
    order = np.random.default_rng(0).permutation(len(packed))
    return lambda number: packed[order[number * BATCH :][:BATCH]]["input_ids"].numel(), -(-len(packed) // BATCH)


LOADERS: dict[str, Callable[[Path, int], tuple[Reader, int]]] = {
    "Emulsion": lambda folder, context: mix(folder, context, strategies()[0]),
    "nanoGPT get_batch": _nanogpt,
    "datasets, torch format": _datasets,
}
