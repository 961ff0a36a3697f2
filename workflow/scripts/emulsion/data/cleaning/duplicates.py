"""Exact and near-duplicates of the documents of one shard, among all shards of its source and of earlier sources.

All documents stand in one order: by the precedence of their source, then by hash of text and of id, never by file or
row. A document goes if one before it has the same text, or a MinHash band in common with it, whether or not that one
stays. So of any group of copies the first stays, no two that stay are copies, and cleaning what was cleaned removes
nothing more. Two rows alike in text and id are told apart by their place, which changes nothing in what is kept.

Other shards are read one at a time and a column at a time, against the keys of this one: memory is bounded by the
largest shard (about 130 bytes a document), and the time for each document of another shard is about 0.1 µs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from emulsion.data.cleaning.hashing import Hashes, Indices, Lookup
from emulsion.data.cleaning.settings import Cleaning
from emulsion.data.cleaning.signatures import ORDER, schema
from emulsion.errors import UserError


@dataclass(frozen=True)
class Duplicate:
    """A document that goes because of another: `kind` is exact or near, `source` and `id` are those of the other."""

    kind: str
    source: str
    id: str

    @property
    def reason(self) -> str:
        return f"{self.kind} duplicate in {self.source}"


class _File(NamedTuple):
    path: Path
    source: str
    precedence: int  # of its source
    number: int  # among all files


def duplicates(
    source: str, own: Sequence[Path], shard: int, earlier: Mapping[str, Sequence[Path]], settings: Cleaning
) -> list[Duplicate | None]:
    """For each signed document of the shard own[shard] of `source` the first document that it is a copy of, or None.

    own: the signature files of all shards of the source. earlier: those of the sources that take precedence, in the
    order of precedence. Empty where nothing is signed, as nothing is deduplicated. Raises UserError for signatures
    made with other settings.
    """
    files = _files({**earlier, source: own})
    this = files[len(files) - len(own) + shard]
    mine = _Signatures(this, settings)
    keys = {name: mine.column(name) for name in _key_columns(settings)} if mine.rows else {}
    lookups = {name: Lookup(hashes) for name, hashes in keys.items()}
    place = mine.places(np.arange(mine.rows))
    best = np.full((len(place) + 1, mine.rows), np.iinfo(np.uint64).max, dtype=np.uint64)
    for file in files if keys else ():
        theirs = _Signatures(file, settings)
        for name, hashes in keys.items():
            rows, found = theirs.first_with(name, lookups[name], hashes)
            claim = np.vstack([np.full_like(rows, name != "text_hash", dtype=np.uint64), theirs.places(found)])
            better = _before(claim[1:], place[:, rows]) & _before(claim, best[:, rows])
            best[:, rows[better]] = claim[:, better]
    return _records(best, files)


class _Signatures:
    """One file of signatures, read a column at a time."""

    def __init__(self, file: _File, settings: Cleaning) -> None:
        self.file, self._parquet = file, pq.ParquetFile(file.path)
        self.rows = self._parquet.metadata.num_rows
        expected = schema(settings)
        if self.rows and not self._parquet.schema_arrow.equals(expected, check_metadata=True):
            raise UserError(
                f"{file.path}: made with other settings of `deduplicate` than are in force here. Sources that are "
                "deduplicated against each other share them; delete the file to have it made again."
            )
        self._order = [self.column(name) for name in ORDER] if self.rows else []

    def column(self, name: str) -> Hashes:
        return np.asarray(self._parquet.read(columns=[name]).column(0).to_numpy(), dtype=np.uint64)

    def places(self, rows: Indices) -> Hashes:
        """[5, rows] where documents stand in the order of all: compared from the first number on."""
        same = [np.full(len(rows), number, dtype=np.uint64) for number in (self.file.precedence, self.file.number)]
        hashes = [column[rows] for column in self._order] or [same[0], same[0]]
        return np.stack([same[0], *hashes, same[1], rows.astype(np.uint64)])

    def first_with(self, name: str, lookup: Lookup, hashes: Hashes) -> tuple[Indices, Indices]:
        """The rows of `hashes` (which `lookup` holds) that occur in a column, and the first document that has each."""
        theirs = self.column(name) if self.rows else np.empty(0, dtype=np.uint64)
        rows = lookup.rows(theirs)
        if not rows.size:
            return rows, rows
        text_hash, id_hash = (column[rows] for column in self._order)
        rows = rows[np.lexsort((rows, id_hash, text_hash, theirs[rows]))]
        values, firsts = np.unique(theirs[rows], return_index=True)
        places = np.minimum(np.searchsorted(values, hashes), len(values) - 1)
        found = np.flatnonzero(values[places] == hashes)
        return found, rows[firsts[places[found]]]


def _files(sources: Mapping[str, Sequence[Path]]) -> list[_File]:
    every = [(path, name, precedence) for precedence, (name, paths) in enumerate(sources.items()) for path in paths]
    return [_File(path, name, precedence, number) for number, (path, name, precedence) in enumerate(every)]


def _key_columns(settings: Cleaning) -> list[str]:
    """The columns of which one in common makes two documents copies."""
    chosen = settings.deduplicate
    if chosen is None:
        return []
    bands = [name for name in schema(settings).names if name.startswith("band_")]
    return (["text_hash"] if chosen.exact else []) + bands


def _before(one: Hashes, other: Hashes) -> NDArray[np.bool_]:
    """Whether each column of `one` is less than that of `other`, compared from the first row on."""
    less = np.zeros(one.shape[1], dtype=np.bool_)
    for left, right in zip(one[::-1], other[::-1], strict=True):
        less = (left < right) | ((left == right) & less)
    return less


def _records(best: Hashes, files: Sequence[_File]) -> list[Duplicate | None]:
    """best: [6, documents], of what each is a copy of: 0 if exact, and its place; all ones where there is nothing."""
    records: list[Duplicate | None] = [None] * best.shape[1]
    for file in files:
        copies = np.flatnonzero(best[4] == file.number)
        if copies.size:
            ids = pq.read_table(file.path, columns=["id"]).column(0).take(best[5, copies]).to_pylist()
            for copy, document in zip(copies.tolist(), ids, strict=True):
                records[copy] = Duplicate("near" if best[0, copy] else "exact", file.source, document)
    return records
