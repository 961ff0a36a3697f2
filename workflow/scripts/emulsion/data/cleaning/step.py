"""One step of cleaning one shard: documents in, documents out, what was removed, and the account of every row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from emulsion.data.cleaning.ledger import Ledger
from emulsion.files import whole_file, write_json


class Step:
    """Writes `{step}.parquet`, `{step}.jsonl` and `{step}.json` to the folder of a shard, whole or not at all.

    in_full: removed documents are set aside with their text, not only counted.
    """

    def __init__(self, folder: Path, step: str, schema: pa.Schema, in_full: bool) -> None:
        self.ledger = Ledger()
        self._file, self._in_full = folder / f"{step}.json", in_full
        self._stack = ExitStack()
        documents = self._stack.enter_context(whole_file(folder / f"{step}.parquet"))
        aside = self._stack.enter_context(whole_file(folder / f"{step}.jsonl"))
        self._aside = self._stack.enter_context(aside.open("w", encoding="utf-8"))
        self._documents = self._stack.enter_context(pq.ParquetWriter(documents, schema, compression="zstd"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        if error is None:
            write_json(self._file, self.ledger.to_json())

    def decide(
        self, documents: pa.Table, reasons: Sequence[str | None], matches: Sequence[Mapping[str, Any] | None] = ()
    ) -> None:
        """Write the documents that have no reason to go. matches: what those that go are like, always set aside."""
        self.ledger.read += documents.num_rows
        self.ledger.add(reasons)
        keep = pa.array([reason is None for reason in reasons], pa.bool_())
        self._documents.write_table(documents.filter(keep))
        for row, reason in enumerate(reasons):
            match = matches[row] if matches else None
            if reason is not None and (self._in_full or match):
                document = documents.slice(row, 1).to_pylist()[0]
                text = {"text": document["text"]} if self._in_full else {}
                self._set_aside({"id": document["id"], "reason": reason, **(match or {}), **text})

    def set_aside(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Account for rows that are no documents, each with its `reason`; they are always set aside."""
        self.ledger.read += len(records)
        self.ledger.add([record["reason"] for record in records])
        for record in records:
            self._set_aside(record)

    def _set_aside(self, record: Mapping[str, Any]) -> None:
        self._aside.write(json.dumps(record, ensure_ascii=False) + "\n")


def document_groups(documents: pq.ParquetFile, name: str) -> Iterator[pa.Table]:
    """The row groups of a file of documents, one at a time, under a bar that says how far it is."""
    total = documents.metadata.num_rows
    with tqdm(total=total, desc=name, unit=" documents", delay=5, mininterval=5) as bar:
        for group in range(documents.num_row_groups):
            table = documents.read_row_group(group)
            yield table
            bar.update(table.num_rows)


def by_source(files: Iterable[Path]) -> dict[str, list[Path]]:
    """{source: its files}, in order; a file lies in {source}/{shard}/."""
    found: dict[str, list[Path]] = {}
    for file in files:
        found.setdefault(file.parent.parent.name, []).append(file)
    return found
