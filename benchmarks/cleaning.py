"""Normalise, clean and tokenise: MB/s per core and peak memory as the text grows, beside datatrove; prints Markdown.

    python benchmarks/cleaning.py [--megabytes 10 50 250 1000] [--shard 50] [--tokenizer FOLDER] [--datatrove PYTHON]

Two generated sources of equal size, the second deduplicated against the first, with every filter, exact and near
duplicates, a suite and held-out documents. Every step of every shard is a process of its own, one after another, as the
rules' jobs are; CPU seconds are those of all its threads, from after its imports. datatrove runs its own filters,
MinHash and tokenizer over the same files of the smallest size, in the Python that is named (it need not be this one);
where that lacks datatrove, a plain `datasets.map` runs: Unicode form, a filter on words, exact copies by hash, tokens.
"""

from __future__ import annotations

import argparse
import importlib
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow/scripts"))

SOURCES, HELD_OUT, ROWS = ("web", "books"), 0.025, 512  # rows: documents worked on at once
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
    """Write the raw rows of every source, a file per shard; the bytes of text."""
    total = documents = 0
    for source in SOURCES:
        rows, filled, number = [], 0, 0
        for text in [*texts(source, int(megabytes * 1e6 / len(SOURCES))), None]:
            if rows and (text is None or filled >= shard * 1e6):
                pq.write_table(pa.table({"text": rows}), folder / f"{source}-{number}.raw.parquet", row_group_size=1024)
                total, documents = total + filled, documents + len(rows)
                rows, filled, number = [], 0, number + 1
            rows.append(text or "")
            filled += len(text or "")
    return {"bytes": total, "documents": documents}


def ours(folder: Path, tokenizer: Path) -> Result:
    """The steps of cleaning over every shard of every source, then its token store, each shard's in its own process."""
    shards = {
        source: sorted(path.with_suffix("") for path in folder.glob(f"{source}-*.raw.parquet")) for source in SOURCES
    }
    every = [(source, number, path) for source, paths in shards.items() for number, path in enumerate(paths)]
    items = zip(range(500), texts("suite", 2**40), strict=False)
    (folder / "suite.json").write_text(json.dumps({str(number): [text] for number, text in items}), encoding="utf-8")
    jobs = [
        [fresh(normalise, path, source) for source, _, path in every],
        [fresh(deduplicate, path, source, number, shards) for source, number, path in every],
        [fresh(decontaminate, path, shards) for *_, path in every],
        [fresh(tokenise, path, tokenizer) for *_, path in every],
    ]
    return {
        "steps": [sum(cpu for cpu, _ in step) for step in jobs],
        "peak": max(peak for step in jobs for _, peak in step),
    }


def fresh(task: Callable[..., None], *arguments: Any) -> tuple[float, float]:
    """CPU seconds and most memory, MB, of a task in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(timed, task, *arguments).result()


def timed(task: Callable[..., None], *arguments: Any) -> tuple[float, float]:
    [importlib.import_module(name) for name in ("emulsion.cleaning", "emulsion.tokens")]
    start = time.process_time()
    task(*arguments)
    return time.process_time() - start, peak_megabytes()


def peak_megabytes() -> float:
    """The most memory this process had; unlike ru_maxrss it leaves out the process that started it."""
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def batches(path: Path, columns: Sequence[str]) -> Iterator[list[list[str]]]:
    """The columns of a Parquet file, some rows at a time."""
    with pq.ParquetFile(path) as parquet:
        for batch in parquet.iter_batches(ROWS, columns=list(columns)):
            yield [batch.column(name).to_pylist() for name in columns]


def normalise(path: Path, source: str) -> None:
    """Raw rows to documents and their signatures."""
    from emulsion.cleaning import Cleaning, Signer, Words, clean_text, why_removed
    from emulsion.normalize import choose_kind, documents

    settings = Cleaning.from_json(SETTINGS)
    kind, signer = choose_kind({"text": frozenset()}, source), Signer(settings)
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with (
        pq.ParquetWriter(path.with_suffix(".documents"), schema) as out,
        pq.ParquetWriter(path.with_suffix(".signatures"), signer.schema) as signatures,
    ):
        for [raw] in batches(path.with_suffix(".raw.parquet"), ["text"]):
            rows = [row for row, _ in documents(({"text": text} for text in raw), kind, source, "text") if row]
            words = Words([clean_text(row["text"], settings) for row in rows])
            stay = [row for row, reason in enumerate(why_removed(words, settings)) if reason is None]
            ids, words = [rows[row]["id"] for row in stay], words.take(stay)
            out.write_table(pa.table({"id": ids, "text": words.texts}, schema=schema))
            signatures.write_table(signer.table(ids, words))


def deduplicate(path: Path, source: str, shard: int, shards: Mapping[str, list[Path]]) -> None:
    """Documents to those that are no copies, and the n-grams of the held-out ones."""
    from emulsion.cleaning import Cleaning, HeldOutNgrams, Words, duplicates
    from emulsion.tokens import split_of

    signed = {name: [path.with_suffix(".signatures") for path in paths] for name, paths in shards.items()}
    earlier = {name: signed[name] for name in SOURCES[: SOURCES.index(source)]}
    settings = Cleaning.from_json(SETTINGS)
    copies, ngrams = duplicates(source, signed[source], shard, earlier, settings), HeldOutNgrams(settings)
    start, schema = 0, pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path.with_suffix(".unique"), schema) as out:
        for ids, rows in batches(path.with_suffix(".documents"), ["id", "text"]):
            stay = [row for row, copy in enumerate(copies[start : start + len(ids)]) if copy is None]
            start += len(ids)
            out.write_table(pa.table({"id": [ids[row] for row in stay], "text": [rows[row] for row in stay]}))
            ngrams.add(Words([rows[row] for row in stay if split_of(ids[row], HELD_OUT) != "train"]))
    pq.write_table(ngrams.table(), path.with_suffix(".held_out"))


def decontaminate(path: Path, shards: Mapping[str, list[Path]]) -> None:
    """Those documents that share no run of words with a suite or, in train, with a held-out document."""
    from emulsion.cleaning import Cleaning, Contamination, Words
    from emulsion.tokens import split_of

    suites = {"suite": json.loads((path.parent / "suite.json").read_text(encoding="utf-8"))}
    ngrams = {source: [path.with_suffix(".held_out") for path in paths] for source, paths in shards.items()}
    contamination = Contamination(suites, ngrams, Cleaning.from_json(SETTINGS))
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pq.ParquetWriter(path.with_suffix(".clean"), schema) as out:
        for ids, rows in batches(path.with_suffix(".unique"), ["id", "text"]):
            matches = contamination.match(Words(rows), [split_of(each, HELD_OUT) for each in ids])
            stay = [row for row, match in enumerate(matches) if match is None]
            out.write_table(pa.table({"id": [ids[row] for row in stay], "text": [rows[row] for row in stay]}))


def tokenise(path: Path, tokenizer: Path) -> None:
    """The token store of a shard."""
    from emulsion.tokens import text_batches, write_store

    documents = pq.ParquetFile(path.with_suffix(".clean"))
    sample = next(text_batches(documents))[1][:200]
    write_store(path.with_suffix(".store"), text_batches(documents), tokenizer, sample, HELD_OUT, {"source": path.name})


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
    raw = ParquetReader(str(folder), glob_pattern="*.raw.parquet")
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
    encode, seen = AutoTokenizer.from_pretrained(tokenizer), set()

    def is_first(row: dict[str, str]) -> bool:
        digest = hashlib.blake2b(row["text"].encode(), digest_size=8).digest()
        return digest not in seen and not seen.add(digest)

    files, clock = sorted(map(str, folder.glob("*.raw.parquet"))), [time.process_time()]
    rows = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(folder / "datasets"))
    rows = rows.map(lambda row: {"text": unicodedata.normalize("NFC", row["text"])})
    rows = rows.filter(lambda row: 50 <= len(row["text"].split()) <= 100_000)
    clock.append(time.process_time())
    rows = rows.filter(is_first)
    clock.append(time.process_time())
    rows.map(lambda batch: encode(batch["text"]), batched=True, remove_columns=["text"])
    clock += [clock[-1], time.process_time()]
    return {"steps": np.diff(clock).tolist()}


def train_tokenizer(folder: Path, tokenizer: Path) -> Result:
    from emulsion.tokenizers import train_bpe

    sample = (text for [rows] in batches(next(folder.glob("*.raw.parquet")), ["text"]) for text in rows)
    train_bpe((text for text, _ in zip(sample, range(4000), strict=False)), 16_384, tokenizer)
    return {}


PEERS = {"datatrove": datatrove, "datasets.map": datasets_map, "tokenizer": train_tokenizer}


def measure(way: str, folder: Path, tokenizer: Path, python: str = sys.executable) -> Result:
    """What another way measures in a process of its own, and the most memory that it had, MB."""
    command = [python, str(Path(__file__).resolve()), "--way", way, str(folder), str(tokenizer)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


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
            measure("tokenizer", folder, tokenizer)
        yield line("Emulsion", made, ours(folder, tokenizer))
        if number == 0 and peer == 0:
            yield line("datatrove", made, measure("datatrove", folder, tokenizer, given.datatrove))
        elif number == 0:
            yield line("datasets.map", made, measure("datasets.map", folder, tokenizer))
    yield "\nMB/s: text read per CPU second. Of datatrove filters count as normalise, MinHash as deduplicate."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=float, nargs="+", default=[10, 50, 250, 1000], help="text of both sources")
    parser.add_argument("--shard", type=float, default=50, help="megabytes of text in a shard")
    parser.add_argument("--tokenizer", type=Path, help="folder of one to use; otherwise one is trained")
    parser.add_argument("--datatrove", default=sys.executable, help="a Python that has datatrove and spaCy")
    parser.add_argument("--way", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.way:
        return run(given.way[0], Path(given.way[1]), Path(given.way[2]))
    with tempfile.TemporaryDirectory() as name:
        for each in report(given, Path(name)):
            print(each, flush=True)


if __name__ == "__main__":
    main()
