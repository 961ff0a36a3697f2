"""Normalise, clean and tokenise: MB/s per core and peak memory as the text grows, beside datatrove; prints Markdown.

    python benchmarks/cleaning.py [--megabytes 10 50 250 1000] [--shard 50] [--tokenizer FOLDER] [--datatrove PYTHON]

Two generated sources of equal size, the second deduplicated against the first, with every filter, exact and near
duplicates, a suite and held-out documents. Ours are the scripts of the rules, a process for every job, one after
another; CPU seconds are those of all its threads, start-up included. datatrove runs its own filters, MinHash and
tokenizer over the same files of the smallest size, in the Python that is named (it need not be this one); where that
lacks datatrove, a plain `datasets.map` runs: Unicode form, a filter on words, exact copies by hash, tokens.
"""

from __future__ import annotations

import argparse
import json
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow/scripts"))

from emulsion.files import write_json

SCRIPTS = Path(__file__).resolve().parents[1] / "workflow/scripts"
SOURCES, HELD_OUT = ("web", "books"), 0.025
SETTINGS = {
    "unicode": "NFC",
    "filters": ["gopher_quality", "gopher_repetition", "c4", "fineweb"],
    "deduplicate": {"exact": True, "near": {"ngram": 5, "bands": 14, "rows": 8, "seed": 0}},
    "decontaminate": {"ngram": 13, "suites": True, "held_out": True},
}
STOP_WORDS = ["the", "of", "and", "to", "a", "in", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on"]
STEPS = ("normalise", "deduplicate", "decontaminate", "tokenise")
Result = dict[str, Any]


def texts(source: str, size: int) -> Iterator[str]:
    """Documents of about 2.5 kB, `size` bytes in all: words as frequent as Zipf's law says, in sentences, paragraphs.

    One in thirty is a copy of a recent document, one in thirty a copy with a few words changed, one in thirty has
    lines that repeat, one in a hundred is too short to be kept.
    """
    rng = np.random.default_rng(7)
    syllables = [a + b + c for a in "bdfgklmnprstvz" for b in "aeiou" for c in ("", "n", "r", "s", "th", "ck")]
    made_up = ["".join(word[: rng.integers(1, 5)]) for word in rng.choice(syllables, (60_000, 4)).tolist()]
    lexicon = np.array([*STOP_WORDS, *made_up])
    frequency, written, recent = np.cumsum(1 / (np.arange(len(lexicon)) + 3)), 0, [""] * 500
    rng = np.random.default_rng([*source.encode()])
    while written < size:
        kind, old = rng.random(), recent[rng.integers(len(recent))]
        count = max(60, int(rng.lognormal(5.8, 0.6))) if kind > 0.01 else 20
        places = np.searchsorted(frequency, rng.random(count) * frequency[-1])
        parts = np.split(lexicon[places], np.cumsum(rng.integers(5, 25, count // 10)))
        ends = rng.choice([". ", ". ", ". ", ".\n", "? ", ".\n\n"], len(parts)).tolist()
        text = "".join(" ".join(words).capitalize() + end for words, end in zip(parts, ends, strict=True) if len(words))
        if 0.02 < kind < 0.05 and old:
            text = old
        elif 0.05 < kind < 0.08 and old:
            text = old.replace(old.split()[9], "other", 3)
        elif 0.08 < kind < 0.11:
            text += "\n" + (text.split("\n")[0] + "\n") * 3
        recent[rng.integers(len(recent))] = text
        written += len(text)
        yield text


def make(folder: Path, megabytes: float, shard: float) -> Result:
    """Write the raw rows of every source as if fetched, a file per shard; the bytes of text."""
    total = 0
    for source in SOURCES:
        raw = folder / source / "raw"
        raw.mkdir(parents=True)
        rows: list[str] = []
        files: list[str] = []
        filled = 0
        for text in [*texts(source, int(megabytes * 1e6 / len(SOURCES))), None]:
            if rows and (text is None or filled >= shard * 1e6):
                files.append(f"part-{len(files):05d}.parquet")
                pq.write_table(pa.table({"text": rows}), raw / files[-1], row_group_size=1024)
                total += filled
                rows, filled = [], 0
            rows.append(text or "")
            filled += len(text or "")
        entries = [{"name": name, "bytes": (raw / name).stat().st_size, "sha256": ""} for name in files]
        write_json(raw / "provenance.json", {"source": source, "kind": "local", "files": entries})
    return {"bytes": total}


def ours(folder: Path, tokenizer: Path) -> Result:
    """The scripts of the rules, as the rules call them, over every shard of every source: one job after another."""
    item = {"capability": "text", "kind": "choice", "choices": [" a", " b"], "answer": 0}
    questions = enumerate(dict.fromkeys(islice(texts("suite", 2**40), 500)))  # a suite asks nothing twice
    items = [{**item, "id": str(number), "prompt": text} for number, text in questions]
    write_json(folder / "suite.json", {"suite": "suite", "template": "{prompt}", "items": items})
    shards = {source: shard_folders(folder / source) for source in SOURCES}
    every = [(source, number, path) for source, paths in shards.items() for number, path in enumerate(paths)]
    cleaning, held_out = ["--cleaning", json.dumps(SETTINGS)], ["--held-out", HELD_OUT]
    steps: dict[str, list[Result]] = {step: [] for step in STEPS}
    for source, number, path in every:
        raw = ["--raw", folder / source / "raw/provenance.json", "--type", "text"]
        shard = ["--shard", number, "--shards", len(shards[source])]
        steps["normalise"].append(job("normalize", *raw, *shard, *cleaning, "--output", path))
    signed = {source: folder / source / "signatures.parquet" for source in shards}
    for source, paths in shards.items():
        parts = [path / "signatures.parquet" for path in paths]
        steps["deduplicate"].append(job("join_signatures", "--shards", *parts, "--output", signed[source]))
    for source, number, path in every:
        earlier = [signed[name] for name in SOURCES[: SOURCES.index(source)]]
        known = ["--source", source, "--shard", number, "--own", signed[source], "--earlier", *earlier]
        documents = ["--documents", path / "normalize.parquet"]
        steps["deduplicate"].append(job("deduplicate", *documents, *known, *cleaning, *held_out, "--output", path))
    for source, paths in shards.items():
        parts = [path / "held_out.parquet" for path in paths]
        joined = ["--output", folder / source / "held_out.parquet"]
        steps["decontaminate"].append(job("join_held_out", "--shards", *parts, *joined))
    held = [folder / source / "held_out.parquet" for source in shards]
    ngrams = ["--ngrams", *held, "--suites", folder / "suite.json"]
    for *_, path in every:
        documents = ["--documents", path / "deduplicate.parquet"]
        steps["decontaminate"].append(job("decontaminate", *documents, *ngrams, *cleaning, *held_out, "--output", path))
    for source, paths in shards.items():
        steps["tokenise"] += gather_and_tokenise(folder / source, paths, tokenizer)
    spent = [sum(done["seconds"] for done in step) for step in steps.values()]
    return {"steps": spent, "peak": max(done["peak"] for step in steps.values() for done in step)}


def shard_folders(source: Path) -> list[Path]:
    count = len(list((source / "raw").glob("part-*")))
    return [source / f"{shard}-of-{count}" for shard in range(count)]


def gather_and_tokenise(source: Path, paths: Sequence[Path], tokenizer: Path) -> list[Result]:
    done = ("normalize", "deduplicate", "decontaminate")
    documents = ["--documents", *(path / "decontaminate.parquet" for path in paths)]
    aside = ["--quarantines", *(path / f"{step}.jsonl" for step in done for path in paths)]
    ledgers = ["--ledgers", *(path / f"{step}.json" for step in done for path in paths)]
    gathered = ["--output", source / "all.parquet", "--quarantine", source / "q.jsonl", "--ledger", source / "l.json"]
    jobs = [job("gather", "--source", source.name, *documents, *aside, *ledgers, "--held-out", HELD_OUT, *gathered)]
    provenance = ["--provenance", source / "raw/provenance.json"]
    for shard, path in enumerate(paths):
        which = ["--documents", source / "all.parquet", "--shard", shard, "--shards", len(paths)]
        how = ["--tokenizer", tokenizer, "--held-out", HELD_OUT, "--output", path / "store"]
        jobs.append(job("tokenize_shard", *which, *provenance, *how))
    headers = [path / "store/header.json" for path in paths]
    return [*jobs, job("pack_tokens", "--shards", *headers, *provenance, "--output", source / "store")]


def job(script: str, *arguments: Any) -> Result:
    """CPU seconds, of starting as well, and most memory, MB, of a rule's script."""
    return in_process("--job", script, *arguments)


def run_job(script: str, arguments: Sequence[str]) -> None:
    sys.argv = [script, *arguments]
    runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__")
    print("\n" + json.dumps({"seconds": time.process_time(), "peak": peak_megabytes()}))


def in_process(*command: Any, python: str = sys.executable) -> Result:
    """What this file prints last when it is run with these arguments."""
    full = [python, str(Path(__file__).resolve()), *map(str, command)]
    done = subprocess.run(full, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(full)[:2000]}\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def peak_megabytes() -> float:
    """The most memory this process had; unlike ru_maxrss it leaves out the process that started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def datatrove(folder: Path, tokenizer: Path) -> Result:
    """The same filters, MinHash with the same bands, and tokens, as its examples put them together."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.dedup import (
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.dedup.minhash import MinhashConfig
    from datatrove.pipeline.filters import (
        C4QualityFilter,
        FineWebQualityFilter,
        GopherQualityFilter,
        GopherRepetitionFilter,
    )
    from datatrove.pipeline.readers import ParquetReader
    from datatrove.pipeline.tokens import DocumentTokenizer
    from datatrove.pipeline.writers import ParquetWriter

    config, work = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8), folder / "datatrove"
    paths = {name: str(work / name) for name in ("filtered", "signatures", "buckets", "removed", "tokens")}
    filters = [GopherQualityFilter(), GopherRepetitionFilter(), C4QualityFilter(), FineWebQualityFilter()]
    raw = ParquetReader(str(folder), glob_pattern="*/raw/*.parquet")
    filtered = ParquetReader(paths["filtered"])
    tokens = DocumentTokenizer(paths["tokens"], tokenizer_name_or_path=str(tokenizer / "tokenizer.json"))
    steps = [
        [raw, *filters, ParquetWriter(paths["filtered"])],
        [filtered, MinhashDedupSignature(paths["signatures"], config)],
        [MinhashDedupBuckets(paths["signatures"], paths["buckets"], config=config)],
        [MinhashDedupCluster(paths["buckets"], paths["removed"], config=config)],
        [filtered, MinhashDedupFilter(paths["removed"]), tokens],
    ]
    clock = [time.process_time()]
    for number, pipeline in enumerate(steps):
        tasks = config.num_buckets if number == 2 else 1
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=str(work / f"log{number}")).run()
        clock.append(time.process_time())
    spent = np.diff(clock)
    return {"steps": [spent[0], spent[1:4].sum(), 0.0, spent[4]]}


def datasets_map(folder: Path, tokenizer: Path) -> Result:
    """`map` and `filter` of `datasets`: Unicode form, 50 to 100,000 words, one of equal texts, tokens."""
    import hashlib
    import unicodedata

    import datasets
    from transformers import AutoTokenizer

    datasets.disable_progress_bars()
    encode = AutoTokenizer.from_pretrained(tokenizer, trust_remote_code=False)
    seen: set[bytes] = set()

    def is_first(row: dict[str, str]) -> bool:
        digest = hashlib.blake2b(row["text"].encode(), digest_size=8).digest()
        known = digest in seen
        seen.add(digest)
        return not known

    files, clock = sorted(map(str, folder.glob("*/raw/*.parquet"))), [time.process_time()]
    rows = datasets.load_dataset(
        "parquet", data_files=files, split="train", cache_dir=str(folder / "datasets"), trust_remote_code=False
    )
    rows = rows.map(lambda row: {"text": unicodedata.normalize("NFC", row["text"])})
    rows = rows.filter(lambda row: 50 <= len(row["text"].split()) <= 100_000)
    clock.append(time.process_time())
    rows = rows.filter(is_first)
    clock.append(time.process_time())
    rows.map(lambda batch: encode(batch["text"]), batched=True, remove_columns=["text"])
    clock += [clock[-1], time.process_time()]
    return {"steps": np.diff(clock).tolist()}


def train_tokenizer(folder: Path, tokenizer: Path) -> Result:
    from emulsion.data.tokenizers import train_bpe

    rows = pq.read_table(next(folder.glob("*/raw/*.parquet"))).column("text").to_pylist()
    train_bpe(iter(rows[:4000]), 16_384, tokenizer)
    return {}


PEERS = {"datatrove": datatrove, "datasets.map": datasets_map, "tokenizer": train_tokenizer}


def run(way: str, folder: Path, tokenizer: Path) -> None:
    result = PEERS[way](folder, tokenizer)
    print("\n" + json.dumps({**result, "peak": peak_megabytes()}))


def line(way: str, made: Result, result: Result) -> str:
    megabytes, spent = made["bytes"] / 1e6, result["steps"]
    cells = [way, f"{megabytes:.0f}", *(f"{each:.1f}" for each in spent), f"{megabytes / sum(spent[:3]):.2f}"]
    return "| " + " | ".join([*cells, f"{megabytes / sum(spent):.2f}", f"{result['peak']:.0f}"]) + " |"


def report(given: argparse.Namespace, top: Path) -> Iterator[str]:
    peer = subprocess.run([given.datatrove, "-c", "import datatrove, spacy"], stderr=subprocess.DEVNULL).returncode
    tokenizer = given.tokenizer or top / "tokenizer"
    yield f"| way | MB | {', CPU-s | '.join(STEPS)}, CPU-s | clean, MB/s | all, MB/s | peak MB |"
    yield "|---" * (len(STEPS) + 5) + "|"
    for number, megabytes in enumerate(sorted(given.megabytes)):
        folder = top / str(number)
        folder.mkdir()
        made = make(folder, megabytes, given.shard)
        if not tokenizer.exists():
            in_process("--way", "tokenizer", folder, tokenizer)
        yield line("Emulsion", made, ours(folder, tokenizer))
        if number == 0 and peer == 0:
            yield line("datatrove", made, in_process("--way", "datatrove", folder, tokenizer, python=given.datatrove))
        elif number == 0:
            yield line("datasets.map", made, in_process("--way", "datasets.map", folder, tokenizer))
    yield "\nMB/s: text read per CPU second. Of datatrove filters count as normalise, MinHash as deduplicate."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[10, 50, 250, 1000], help="text of both sources")
    parser.add_argument("--shard", type=float, default=50, help="megabytes of text in a shard")
    parser.add_argument("--tokenizer", type=Path, help="folder of one to use; otherwise one is trained")
    parser.add_argument("--datatrove", default=sys.executable, help="a Python that has datatrove and spaCy")
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    if sys.argv[1:2] == ["--job"]:
        return run_job(sys.argv[2], sys.argv[3:])
    given = parser.parse_args()
    if given.way:
        return run(given.way[0], Path(given.way[1]), Path(given.way[2]))
    with tempfile.TemporaryDirectory() as name:
        for each in report(given, Path(name)):
            print(each, flush=True)


if __name__ == "__main__":
    main()
