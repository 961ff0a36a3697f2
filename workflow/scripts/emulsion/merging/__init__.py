"""Merge sources into one set of Parquet shards, document by document: interleaved by weight, or one after the other.

Weights are shares of documents here. The order is that of the plan by which runs draw sequences (`emulsion.plan`):
exact at every point, the same for the same request, and a function of the number of documents written alone. So a merge
that was killed resumes after its last whole shard, and ends with the bytes of one that was not.

Text is brought to Unicode's NFC. Rows without text, and what cleaning removes, go before the interleaving, not after
it, where they would change the shares.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from emulsion.assignment import Shares, assign
from emulsion.data.encoding import Encode, encoder
from emulsion.data.tokenizers import fingerprint as tokenizer_fingerprint
from emulsion.files import canonical_json, whole_file, write_jsonl
from emulsion.merging.cursor import Cursor, Document, Progress, Seen
from emulsion.merging.manifest import MergeFolder, manifest
from emulsion.merging.readers import Reader, open_readers
from emulsion.merging.request import Request
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule

log = logging.getLogger(__name__)

FORMAT = 3  # raised where the same request comes to other bytes, so that no folder mixes both
SCHEMA = pa.schema([(column, pa.string()) for column in ("id", "text", "source", "type")])
GROUP_DOCUMENTS = 4096
GROUP_BYTES = 32 << 20
CHUNK = 4096


def merge(request: Request, folder: Path, overwrite: bool = False) -> dict[str, Any]:
    """Fill a folder with shards and `manifest.json`, which is returned; resumes from what a killed try left.

    overwrite: what another request has merged there may go. Raises UserError for sources that are empty or cannot be
    read, and for a folder with the merge of another request or other files in it.
    """
    request.announce()
    readers = open_readers([source for source in request.drawn if source.files])
    merged = MergeFolder(folder, _asked(request, readers), overwrite)
    if merged.done is not None:
        log.info("%s: is merged already", folder)
        return merged.done
    revisions = {name: origin.get("revision") for name, origin in merged.provenance.items()}
    readers |= open_readers([source for source in request.drawn if not source.files], revisions)
    aside = list[dict[str, Any]]()
    seen = Seen(request.cleaning) if request.cleaning.deduplicate else None
    with contextlib.closing(merged):
        cursors = _cursors(request, readers, merged, aside, seen)
        tokens = _TokenCounter(request.tokenizer)
        with _progress(request, cursors) as bar:
            documents = _documents(request, cursors)
            while (first := next(documents, None)) is not None:
                number = len(merged.shards)
                file = folder / f"shard-{number:05d}.parquet"
                written = 0
                with whole_file(file) as part, pq.ParquetWriter(part, SCHEMA, compression="zstd") as writer:
                    for group in _groups(itertools.chain([first], documents), request.shard_bytes):
                        writer.write_table(pa.Table.from_pylist(group, schema=SCHEMA))
                        written += len(group)
                        bar.update(len(group))
                        for source, count in tokens.of(group).items():
                            cursors[source].progress.tokens += count
                if aside:
                    write_jsonl(folder / f"quarantine-{number:05d}.jsonl", aside)
                    aside.clear()
                if seen is not None:
                    seen.save(folder / f".seen-{number:05d}.npy")
                merged.add(file.name, written)
                log.info("%s: %s documents", file.name, f"{written:,}")
        result = manifest(request, merged, [note for reader in readers.values() for note in reader.notes])
        merged.finish(result)
    return result


def _asked(request: Request, local: Mapping[str, Reader]) -> dict[str, Any]:
    """Everything that decides the bytes of the merge, as JSON, with the content of local files and of the tokenizer."""
    files = {name: reader.provenance for name, reader in local.items()}
    tokenizer = tokenizer_fingerprint(request.tokenizer) if request.tokenizer else None
    asked = {**request.settled(), "format": FORMAT, "local": files, "tokenizer": tokenizer}
    return cast(dict[str, Any], json.loads(canonical_json(asked)))


def _cursors(
    request: Request,
    readers: Mapping[str, Reader],
    merged: MergeFolder,
    aside: list[dict[str, Any]],
    seen: Seen | None,
) -> dict[str, Cursor]:
    """A cursor for every source that is drawn from, where the manifest says that it stands."""
    cursors = {}
    for source in request.drawn:
        merged.provenance[source.name] = readers[source.name].provenance
        progress = merged.progress.setdefault(source.name, Progress())
        cursors[source.name] = Cursor(source, readers[source.name], request, progress, aside, seen)
    if not merged.shards:
        for cursor in cursors.values():  # so that an empty source shows now, not after hours
            cursor.open()
    merged.begin(seen)
    return cursors


@contextmanager
def _progress(request: Request, cursors: Mapping[str, Cursor]) -> Iterator[tqdm[None]]:
    """Rate and remaining time on a terminal; nothing elsewhere."""
    with (
        logging_redirect_tqdm(),
        tqdm(
            desc=f"Processing {'weighted ' if request.weighted else ''}samples",
            total=request.max_samples,
            initial=sum(cursor.progress.documents for cursor in cursors.values()),
            unit=" documents",
            disable=None,
        ) as bar,
    ):
        yield bar


def _documents(request: Request, cursors: Mapping[str, Cursor]) -> Iterator[Document]:
    """The documents of the merge from where the cursors stand to its end."""
    written = sum(cursor.progress.documents for cursor in cursors.values())
    for source in _interleaved(request.mixture, cursors) if request.weighted else _concatenated(cursors):
        passes = [cursor.progress.passes for cursor in cursors.values()]
        if written == request.max_samples or (request.weighted and min(passes) > 0):
            return
        if request.max_passes and cursors[source].progress.passes == request.max_passes:
            return
        yield cursors[source].draw()
        written += 1


def _concatenated(cursors: Mapping[str, Cursor]) -> Iterator[str]:
    for source, cursor in cursors.items():
        if cursor.progress.passes == 0:
            cursor.open()
        while cursor.progress.passes == 0:
            yield source


def _interleaved(mixture: Mixture, cursors: Mapping[str, Cursor]) -> Iterator[str]:
    """The source of every document from here on, without end: each within one document of its share at every point."""
    names = sorted(cursors)
    shares = Shares.of(Schedule.constant(mixture), names)
    counts = np.array([cursors[name].progress.documents for name in names], dtype=np.int64)
    while True:
        start = int(counts.sum())
        chosen = assign(shares, counts, start, start + CHUNK)
        yield from (names[index] for index in chosen)
        counts = counts + np.bincount(chosen, minlength=len(names))


def _groups(documents: Iterator[Document], most_bytes: int) -> Iterator[list[Document]]:
    """The documents of one shard, in groups that fit in memory: those that bring its text to `most_bytes`."""
    group: list[Document] = []
    size = in_shard = 0
    for document in documents:
        group.append(document)
        size += len(document["text"].encode())
        full = in_shard + size >= most_bytes
        if full or len(group) == GROUP_DOCUMENTS or size > GROUP_BYTES:
            yield group
            group, size, in_shard = [], 0, in_shard + size
        if full:
            return
    if group:
        yield group


class _TokenCounter:
    """Counts tokens by source, one for the end of each document included; nothing without a tokenizer."""

    def __init__(self, tokenizer: str | None) -> None:
        self._encode: Encode | None = encoder(tokenizer) if tokenizer else None

    def of(self, group: list[Document]) -> Counter[str]:
        counts = Counter[str]()
        if self._encode is None:
            return counts
        texts = [document["text"] for document in group]
        for document, length in zip(group, self._encode(texts)[1].tolist(), strict=True):
            counts[document["source"]] += length + 1
        return counts
