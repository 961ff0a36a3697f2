"""One step of cleaning one shard: documents in, documents out, what was removed, and the account of every row.

Every row that was read was kept or has one reason why not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from emulsion.data.unread import ColumnCounts
from emulsion.errors import UserError
from emulsion.files import whole_file, write_json
from emulsion.tables import table_writer


@dataclass
class Ledger:
    """Counts of rows: `read` as they come, `kept` and `removed` (by reason) as they are decided on.

    set_aside: those of the removed that were no documents, by reason. columns: of the rows that were.
    """

    read: int = 0
    kept: int = 0
    removed: Counter[str] = field(default_factory=Counter)
    set_aside: Counter[str] = field(default_factory=Counter)
    columns: ColumnCounts = field(default_factory=ColumnCounts)

    def add(self, reasons: Iterable[str | None]) -> None:
        """Enter decisions: a reason for each row that goes, None for each that stays."""
        for reason in reasons:
            if reason is None:
                self.kept += 1
            else:
                self.removed[reason] += 1

    def __add__(self, other: Ledger) -> Ledger:
        """Of both shards."""
        return Ledger(
            self.read + other.read,
            self.kept + other.kept,
            self.removed + other.removed,
            self.set_aside + other.set_aside,
            self.columns + other.columns,
        )

    def then(self, following: Ledger) -> Ledger:
        """Of both steps, where the second read what the first kept; raises UserError where it did not."""
        if self.kept != following.read:
            raise UserError(f"cleaning: one step kept {self.kept:,} rows and the next read {following.read:,}.")
        removed, set_aside = self.removed + following.removed, self.set_aside + following.set_aside
        return Ledger(self.read, following.kept, removed, set_aside, self.columns + following.columns)

    def to_json(self) -> dict[str, Any]:
        """Raises UserError where rows are not accounted for."""
        decided = self.kept + self.removed.total()
        if self.read != decided:
            raise UserError(f"cleaning: {self.read:,} rows were read, but {decided:,} kept or removed.")
        by_reason = {key: dict(sorted(getattr(self, key).items())) for key in ("removed", "set_aside")}
        return {"read": self.read, "kept": self.kept, **by_reason, "columns": self.columns.to_json()}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        columns = ColumnCounts.from_json(raw["columns"])
        return cls(raw["read"], raw["kept"], Counter(raw["removed"]), Counter(raw["set_aside"]), columns)

    @classmethod
    def of_steps(cls, accounts: Iterable[Mapping[str, Any]], shards: int) -> Ledger:
        """The account of a source from those of its shards, which come step by step."""
        read = [cls.from_json(account) for account in accounts]
        total: Ledger | None = None
        for first in range(0, len(read), shards):
            step = sum(read[first : first + shards], Ledger())
            total = step if total is None else total.then(step)
        return total or Ledger()


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
        self._documents = self._stack.enter_context(table_writer(documents, schema))

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
        reasons = [record["reason"] for record in records]
        self.ledger.add(reasons)
        self.ledger.set_aside.update(reasons)
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


def by_source(files: Iterable[Path]) -> dict[str, Path]:
    """{source: its file}, in order; a file lies in {source}/."""
    return {file.parent.name: file for file in files}
