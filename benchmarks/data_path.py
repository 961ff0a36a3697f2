"""The data path, from normalised text to training batches, beside the requirements' own way.

    python benchmarks/data_path.py [--megabytes 50] [--tokenizer FOLDER] [--context 1024] [--rounds 2]

Six strategies (those of config.yaml) over four generated sources. Every measurement is a fresh process, so that its
peak memory is its own; the ways take turns, and of several rounds the one with the least CPU time counts. CPU
seconds are those of all threads and children. Clocks start after the imports. Prints Markdown.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TYPES = {
    "openhermes": "instruction",
    "cosmopedia": "educational",
    "magpie": "conversation",
    "fineweb": "web_educational",
}
BATCH = 32  # sequences
VOCABULARY = 16_384
HELD_OUT = 0.025  # in validation and again in test; the requirements hold out 5 % as well


def spawn(script: str, task: str, *arguments: str | Path) -> dict[str, Any]:
    """What `task` of a benchmark script measures in a process of its own: the JSON of its last line."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, script, "--task", task, *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def cpu_seconds() -> float:
    """CPU seconds of this process, its threads and its finished children."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


class Clock:
    """Wall and CPU seconds since it was made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), cpu_seconds()

    def read(self) -> dict[str, float]:
        return {"wall": time.perf_counter() - self.wall, "cpu": cpu_seconds() - self.cpu}


def strategies() -> dict[str, dict[str, float]]:
    import yaml

    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return {name: strategy["ratios"] for name, strategy in config["strategies"].items()}


def most(sizes: dict[str, int]) -> int:
    """How many items a mix may have for no strategy to repeat a source."""
    return min(int(sizes[name] / share) for ratios in strategies().values() for name, share in ratios.items())


# What is measured, and the text it is measured on -------------------------------------------------------------------


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
        sentences = []
        for length in rng.integers(4, 24, max(4, int(rng.lognormal(3, 0.6)))):
            words = lexicon[np.searchsorted(frequency, rng.random(length) * frequency[-1])]
            sentences.append(" ".join(words).capitalize() + ".")
        question, answer = sentences[0], " ".join(sentences[1:])
        turns = [("user", question), ("assistant", answer)]
        text = render_turns(turns, TYPES[source]) if source in ("openhermes", "magpie") else f"{question} {answer}"
        written += len(text)
        yield text


def make(folder: Path, megabytes: float, tokenizer: str) -> dict[str, Any]:
    """Write the sources as normalised Parquet, and train the tokenizer where none is given."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from emulsion.tokenizers import train_bpe

    sample, sizes = [], {}
    for source, kind in TYPES.items():
        documents = list(texts(source, int(megabytes * 1e6 / len(TYPES))))
        sample += documents[: len(documents) * 2 // max(2, int(megabytes))]
        sizes[source] = len(documents)
        rows = [{"id": f"{source}{i}", "text": t, "source": source, "type": kind} for i, t in enumerate(documents)]
        pq.write_table(
            pa.Table.from_pylist(rows), folder / f"{source}.parquet", row_group_size=4096, compression="zstd"
        )
    if not tokenizer:
        train_bpe(sample, VOCABULARY, folder / "tokenizer")
    return {"documents": sizes}


def requirements_way(folder: Path, tokenizer_folder: Path, context: int) -> dict[str, Any]:
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
    tokens, reading = 0, {"wall": 0.0, "cpu": 0.0}
    clock = Clock()
    for ratios in strategies().values():
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
        after = Clock()
        tokens += sum(int(batch["attention_mask"].sum()) for batch in batches)
        reading = {key: reading[key] + value for key, value in after.read().items()}
    every = clock.read()
    first = {key: every[key] - reading[key] for key in every}
    return {"first": first, "every": every, "tokens": tokens, "peak": peak_megabytes()}


def our_way(folder: Path, tokenizer: Path, context: int, fast: bool) -> dict[str, Any]:
    """Tokenise each source once, then plan and read every strategy."""
    import pyarrow.parquet as pq

    from emulsion.tokens import text_batches, write_store

    if fast:
        import awkward
        import gigatoken  # noqa: F401

        assert awkward
    else:
        sys.modules["gigatoken"] = None  # type: ignore[assignment]
    clock = Clock()
    for name in TYPES:
        batches = text_batches(pq.ParquetFile(folder / f"{name}.parquet"))
        sample = next(text_batches(pq.ParquetFile(folder / f"{name}.parquet")))[1][:200]
        write_store(folder / f"{name}.store", batches, tokenizer, sample, HELD_OUT, {"source": name})
    packed = clock.read()
    for ratios in strategies().values():
        read = batch_reader(folder, context, ratios)
        read(0)
    first, tokens = clock.read(), 0
    for ratios in strategies().values():
        read = batch_reader(folder, context, ratios)
        tokens += sum(read(number) for number in range(read(-1)))
    return {"first": first, "every": clock.read(), "packed": packed, "tokens": tokens, "peak": peak_megabytes()}


def batch_reader(folder: Path, context: int, ratios: dict[str, float]) -> Callable[[int], int]:
    """A function that reads the batch of a number and returns its tokens; for -1 it returns how many there are."""
    from emulsion.batches import read_batch, train_sizes
    from emulsion.mixture import Mixture
    from emulsion.sampling import SequencePlan
    from emulsion.tokens import TokenStore

    stores = {name: TokenStore.open(folder / f"{name}.store") for name in TYPES}
    sizes = train_sizes(stores, context)
    total = most(sizes)
    plan = SequencePlan(sizes, Mixture(ratios), seed=0)

    def read(number: int) -> int:
        if number < 0:
            return -(-total // BATCH)
        batch = read_batch(plan, stores, context, number * BATCH, min(total, (number + 1) * BATCH))
        return batch.tokens[:, 1:].size

    return read


def one_more(folder: Path, context: int) -> dict[str, Any]:
    """On tokenised sources: plans alone, and whole mixes with every token read."""
    from emulsion.mixture import Mixture
    from emulsion.sampling import SequencePlan
    from emulsion.tokens import TokenStore

    sizes = {name: TokenStore.open(folder / f"{name}.store").count("train", context) for name in TYPES}
    total, plans, mixes, tokens = most(sizes), 0.0, 0.0, 0
    repeats = 5 * list(strategies().values())
    for ratios in repeats:
        clock = Clock()
        plan = SequencePlan(sizes, Mixture(ratios), seed=0)
        plan.sources(0, total), plan.rows(0, total)
        plans += clock.read()["cpu"]
        clock = Clock()
        read = batch_reader(folder, context, ratios)
        tokens += sum(read(number) for number in range(read(-1)))
        mixes += clock.read()["cpu"]
    return {"plan": 1e3 * plans / len(repeats), "sequences": total, "mix": 1e9 * mixes / tokens}


def loader(folder: Path, context: int, kind: str) -> dict[str, Any]:
    """Tokens a CPU second of one loader, and the memory that it adds to its process."""
    read = {"emulsion": _emulsion, "nanogpt": _nanogpt, "datasets": _datasets}[kind](folder, context)
    before, tokens, clock, number = _resident(), 0, Clock(), 0
    while clock.read()["cpu"] < 3:
        for _ in range(20):
            tokens += read(number)
            number += 1
    return {"speed": tokens / clock.read()["cpu"] / 1e6, "memory": peak_megabytes() - before, "peak": peak_megabytes()}


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def _emulsion(folder: Path, context: int) -> Callable[[int], int]:
    read = batch_reader(folder, context, strategies()["equal_mix"])
    whole = read(-1) - 1
    return lambda number: read(number % whole)


def _nanogpt(folder: Path, context: int) -> Callable[[int], int]:
    """The `get_batch` of karpathy/nanoGPT's train.py, on one of the sources."""
    import numpy as np
    import torch

    def read(number: int) -> int:
        data = np.memmap(folder / "magpie.store/train.bin", dtype=np.uint16, mode="r")
        starts = torch.randint(len(data) - context, (BATCH,))
        x = torch.stack([torch.from_numpy(data[i : i + context].astype(np.int64)) for i in starts])
        y = torch.stack([torch.from_numpy(data[i + 1 : i + 1 + context].astype(np.int64)) for i in starts])
        return min(x.numel(), y.numel())

    return read


def _datasets(folder: Path, context: int) -> Callable[[int], int]:
    """Packed rows on disk, shuffled, in torch format, a batch at a time."""
    import datasets
    import numpy as np

    datasets.disable_progress_bars()
    if not (folder / "packed").exists():
        tokens = np.fromfile(folder / "magpie.store/train.bin", dtype=np.uint16).astype(np.int32)
        rows = tokens[: len(tokens) // context * context].reshape(-1, context)
        datasets.Dataset.from_dict({"input_ids": rows}).save_to_disk(folder / "packed")
    packed = datasets.load_from_disk(str(folder / "packed")).with_format("torch")
    order = np.random.default_rng(0).permutation(len(packed))
    batches = max(1, len(packed) // BATCH)
    return lambda number: packed[order[number % batches * BATCH :][:BATCH]]["input_ids"].numel()
