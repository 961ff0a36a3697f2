"""One shard of a fetched source to documents: read, rendered, filtered, signed, and every row accounted for."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from emulsion.data.cleaning import Cleaning, Signer, Words, clean_text, why_removed
from emulsion.data.cleaning.step import Step
from emulsion.data.held_out import LONG_CHARACTERS, Splits, count_splits, cut_document, longest
from emulsion.data.normalize import documents, own_id
from emulsion.data.schemas import NONE_NAMED, Named
from emulsion.data.sources.raw import RawFile, check_files, raw_files, shard_files
from emulsion.data.sources.reader import Kinds, kinds_of
from emulsion.data.sources.streams import Malformed
from emulsion.data.tokens import SPLITS, split_of
from emulsion.data.unread import ColumnCounts
from emulsion.files import whole_file
from emulsion.tables import open_table, table_writer

DOCUMENTS_PER_GROUP = 4096
CHARACTERS_PER_GROUP = 8 << 20
FILES_TO_LOOK_AT = 32
ROWS_TO_LOOK_AT = 200

Pair = tuple[dict[str, str] | None, dict[str, Any] | None]


def grouped(pairs: Iterator[Pair]) -> Iterator[tuple[list[dict[str, str]], list[dict[str, Any]]]]:
    """Documents and quarantine records in groups that fit in memory, however long the documents are."""
    good, bad, characters = [], [], 0
    for document, record in pairs:
        if document is not None:
            good.append(document)
            characters += len(document["text"])
        if record is not None:
            bad.append(record)
        if len(good) + len(bad) == DOCUMENTS_PER_GROUP or characters > CHARACTERS_PER_GROUP:
            yield good, bad
            good, bad, characters = [], [], 0
    yield good, bad


def known_rows(provenance: Mapping[str, Any], files: Sequence[RawFile]) -> int | None:
    """How many rows the files have, where fetching has counted them."""
    rows = {entry["name"]: entry.get("rows") for entry in provenance["files"]}
    counts = [rows[file.file.name] for file in files]
    return None if None in counts else sum(counts)


def _sign_kept(signer: Signer, good: list[dict[str, str]], words: Words, reasons: list[str | None]) -> pa.Table:
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    return signer.table([good[row]["id"] for row in kept], words.take(kept))


def ids_tell_apart(files: Sequence[RawFile]) -> bool:
    """Whether most of the first rows of a source's files, evenly spread, have an id of their own.

    By all files in every shard, so that all shards agree.
    """
    step = max(1, -(-len(files) // FILES_TO_LOOK_AT))
    ids = []
    for file in files[::step]:
        rows = islice(file.rows(), ROWS_TO_LOOK_AT)
        ids += [own for row in rows if not isinstance(row, Malformed) and (own := own_id(row)) is not None]
    return 2 * len(set(ids)) > len(ids) or len(ids) < 2


@dataclass(frozen=True)
class Shard:
    """Some of the files of a source, and how its rows become documents.

    rows: how many rows the files have, where fetching has counted them. by_text: documents get their id by their text.
    counts: the columns of the rows that became documents, so far.
    """

    source: str
    files: Sequence[RawFile]
    kinds: Kinds
    rows: int | None
    by_text: bool
    counts: ColumnCounts = field(default_factory=ColumnCounts)

    @classmethod
    def of(
        cls,
        provenance: Mapping[str, Any],
        folder: Path,
        shard: int = 0,
        shards: int = 1,
        schema: str | None = None,
        text_field: str | None = None,
        named: Named = NONE_NAMED,
    ) -> Shard:
        """The shard of this number of a source fetched to a folder; raises UserError where no kind of schema fits."""
        source = provenance["source"]
        files = raw_files(provenance, folder)
        chosen = shard_files(files, shard, shards)
        check_files(provenance, folder, chosen)
        # Of all files in every shard, so that all shards agree on whether the source can be read.
        kinds = kinds_of(source, files, schema, text_field, named)
        return cls(source, chosen, kinds, known_rows(provenance, chosen), not ids_tell_apart(files))

    def documents(self, document_type: str) -> Iterator[Pair]:
        """For each row either (document, None) or (None, the quarantine record)."""
        for raw in self.files:
            kind = self.kinds.of(raw)
            yield from documents(raw.rows(), kind, self.source, document_type, raw.path, self.counts, self.by_text)


def normalize_shard(shard: Shard, document_type: str, settings: Cleaning, output: Path) -> None:
    """Write the documents of a shard that pass the filters, their signatures, and the account of its rows."""
    signer = Signer(settings)
    metadata = {"kind": shard.kinds.first.name, "fields": json.dumps(sorted(shard.kinds.columns))}
    schema = pa.schema([(field, pa.string()) for field in ("id", "text", "source", "type")], metadata=metadata)
    with (
        tqdm(total=shard.rows, desc=shard.source, unit=" rows", unit_scale=True, delay=5, mininterval=5) as bar,
        Step(output, "normalize", schema, settings.keep_removed) as step,
        whole_file(output / "signatures.parquet") as part,
        table_writer(part, signer.schema, "snappy") as signatures,
    ):
        for good, bad in grouped(shard.documents(document_type)):
            for document in good:
                document["text"] = clean_text(document["text"], settings)
            words = Words([document["text"] for document in good])
            reasons = why_removed(words, settings)
            step.set_aside(bad)
            step.decide(pa.Table.from_pylist(good, schema=schema), reasons)
            signatures.write_table(_sign_kept(signer, good, words, reasons))
            bar.update(len(good) + len(bad))
        step.ledger.columns = shard.counts
    if shard.by_text:
        logging.warning("%s: its rows share their ids, so documents get one by their text", shard.source)
    logging.info("%s (%s): %s", shard.source, shard.kinds.first.name, step.ledger.to_json())


def join_documents(files: Sequence[Path], output: Path, held_out: float) -> tuple[Splits, str | None]:
    """Put the documents of shards together: copied row group by row group, so that memory is bounded by one.

    Where a split would have no document, the longest one is cut, if it is long and no chat. Returns the splits, and
    the id of the document that was cut. held_out: share of documents in validation, and again in test.
    """
    splits = count_splits(files, held_out)
    missing = [split for split in SPLITS if not splits.documents[split] and _are_texts(files[0])]
    characters, chosen, row = longest(files) if missing else (0, 0, 0)
    cut = (chosen, row) if characters >= LONG_CHARACTERS else None
    identity = None
    with ExitStack() as stack:
        writer = None
        for number, file in enumerate(files):
            source = stack.enter_context(open_table(file))
            writer = writer or stack.enter_context(table_writer(output, source.schema_arrow))
            start = 0
            for group in range(source.num_row_groups):
                table = source.read_row_group(group)
                if cut and cut[0] == number and 0 <= cut[1] - start < table.num_rows:
                    identity = table.column("id")[cut[1] - start].as_py()
                    own = split_of(identity, held_out)
                    # Its parts are named anew, so it no longer fills the split that it was alone in.
                    wanted = [each for each in SPLITS[1:] if splits.documents[each] <= (each == own)]
                    table = _with_parts(table, cut[1] - start, wanted, held_out)
                writer.write_table(table)
                start += source.metadata.row_group(group).num_rows
    return (count_splits([output], held_out) if cut else splits), identity


def _are_texts(file: Path) -> bool:
    """Whether documents can be cut: those that are one text, and no turns."""
    metadata = open_table(file).schema_arrow.metadata or {}
    return metadata.get(b"kind", b"text") in (b"text", b"prompt_text")


def _with_parts(table: pa.Table, row: int, splits: Sequence[str], held_out: float) -> pa.Table:
    """The documents with one of them cut: a part for training, and one for each of these splits."""
    parts = cut_document(table.slice(row, 1).to_pylist()[0], splits, held_out)
    between = pa.Table.from_pylist(parts, schema=table.schema)
    return pa.concat_tables([table.slice(0, row), between, table.slice(row + 1)]).combine_chunks()
