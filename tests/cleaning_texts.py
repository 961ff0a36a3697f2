"""Prose to clean, and the three steps of cleaning as the rules run them, for the tests of this folder."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from emulsion.data.cleaning import (
    Cleaning,
    Contamination,
    HeldOutNgrams,
    Ledger,
    Signer,
    Words,
    duplicates,
    join_ngrams,
    join_signatures,
    why_removed,
)
from emulsion.data.tokens import split_of

STOP = ("the", "of", "and", "to", "a", "in", "is", "that", "it", "for", "was", "on", "with", "as", "be", "at", "have")
Document = tuple[str, str]  # id, text
HELD_OUT = 0.1


@functools.cache
def prose(seed: int, words: int = 200) -> str:
    """Sentences in paragraphs, of function words and made-up words."""
    rng = np.random.default_rng(seed)
    letters = rng.choice([*"aeioulnrstdm"], (words, 9)).tolist()
    drawn = ["".join(word[: 3 + index % 7]) for index, word in enumerate(letters)]
    stops, common = rng.choice(STOP, words).tolist(), (rng.random(words) < 0.4).tolist()
    drawn = [stop if is_stop else word for word, stop, is_stop in zip(drawn, stops, common, strict=True)]
    sentences = [" ".join(drawn[start : start + 10]).capitalize() + "." for start in range(0, words, 10)]
    return "\n".join(" ".join(sentences[start : start + 4]) for start in range(0, len(sentences), 4))


def with_changes(text: str, places: Sequence[int]) -> str:
    """The text with the words at some places replaced."""
    words = text.split(" ")
    for place in places:
        words[place] = f"changed{place}"
    return " ".join(words)


def shards(documents: Sequence[Document], count: int) -> list[list[Document]]:
    return [list(documents[start::count]) for start in range(count)]


def sign(folder: Path, source: str, parts: Sequence[Sequence[Document]], settings: Cleaning) -> Path:
    """Write the signatures of the shards of a source to one file."""
    paths = [folder / f"{source}-{number}.parquet" for number in range(len(parts))]
    for path, part in zip(paths, parts, strict=True):
        ids, texts = [document for document, _ in part], [text for _, text in part]
        pq.write_table(Signer(settings).table(ids, Words(texts)), path)
    join_signatures(paths, folder / f"{source}.signatures.parquet")
    return folder / f"{source}.signatures.parquet"


def held_out(path: Path, documents: Sequence[Document], settings: Cleaning) -> Path:
    """Write the n-grams of documents that are all held out."""
    ngrams = HeldOutNgrams(settings)
    ngrams.add(Words([text for _, text in documents]))
    pq.write_table(ngrams.table(), path)
    return path


def clean(
    folder: Path,
    sources: Mapping[str, Sequence[Sequence[Document]]],
    suites: Mapping[str, Mapping[str, Sequence[str]]],
    settings: Cleaning,
) -> tuple[dict[str, list[Document]], dict[str, Ledger]]:
    """{source: documents kept, in order} and {source: ledger} of sources in order of precedence, given as shards."""
    kept, ledgers = {}, {}
    for source, parts in sources.items():
        kept[source], ledgers[source] = [], Ledger()
        for part in parts:
            reasons = why_removed(Words([text for _, text in part]), settings)
            ledgers[source].read += len(part)
            ledgers[source].add(reasons)
            kept[source].append([each for each, reason in zip(part, reasons, strict=True) if reason is None])
    signed = {source: sign(folder, source, parts, settings) for source, parts in kept.items()}
    ngrams: dict[str, list[Path]] = {source: [] for source in sources}
    for number, (source, parts) in enumerate(kept.items()):
        earlier = {name: signed[name] for name in [*sources][:number]}
        ledger = Ledger()
        for shard, part in enumerate(parts):
            copies = duplicates(source, signed[source], shard, earlier, settings) or [None] * len(part)
            ledger.read += len(part)
            ledger.add(copy and copy.reason for copy in copies)
            part[:] = [each for each, copy in zip(part, copies, strict=True) if copy is None]
            aside = [each for each in part if split_of(each[0], HELD_OUT) != "train"]
            ngrams[source].append(held_out(folder / f"{source}-{shard}.held_out.parquet", aside, settings))
        ledgers[source] = ledgers[source].then(ledger)
    together = {source: folder / f"{source}.held_out.parquet" for source in ngrams}
    for source, path in together.items():
        pq.write_table(join_ngrams(ngrams[source]), path)
    contamination = Contamination(suites, together, settings)
    for source, parts in kept.items():
        ledger = Ledger()
        for part in parts:
            splits = [split_of(document, HELD_OUT) for document, _ in part]
            matches = contamination.match(Words([text for _, text in part]), splits)
            ledger.read += len(part)
            ledger.add(match and match.reason for match in matches)
            part[:] = [each for each, match in zip(part, matches, strict=True) if match is None]
        ledgers[source] = ledgers[source].then(ledger)
    return {source: [each for part in parts for each in part] for source, parts in kept.items()}, ledgers
