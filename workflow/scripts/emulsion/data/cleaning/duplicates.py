"""Exact and near-duplicates of the documents of one shard, among all shards of its source and of earlier sources.

All documents stand in one order: by the precedence of their source, then by hash of text and of id, never by file or
row. A document goes if one before it has the same text, or a MinHash band in common with it, whether or not that one
stays. So of any group of copies the first stays, no two that stay are copies, and cleaning what was cleaned removes
nothing more. Two rows alike in text and id are told apart by their place, which changes nothing in what is kept.

The signatures of all shards of a source are in one file, a row group a shard, so that the jobs of hundreds of shards
need not name hundreds of files each. Other shards are read one at a time and a column at a time, against the keys of
this one: memory is bounded by the largest shard (about 130 bytes a document), and the time for each document of another
shard is about 0.1 µs.

A document's signature finds its duplicates without its text: a hash of it, and MinHash bands of its word n-grams.
MinHash is rensa's R-MinHash, over the set of hashed n-grams of words (without marks and case, as in `words`): the same
signature for the same set on every machine. A text of fewer words than an n-gram counts as one n-gram; a text without
words resembles only itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from rensa import RMinHash

from emulsion.data.cleaning.policy import Cleaning, Near
from emulsion.data.cleaning.words import Hashes, Indices, Lookup, Words, hash_rows, ngrams
from emulsion.errors import UserError
from emulsion.files import whole_file
from emulsion.tables import open_table, read_table, table_writer

ORDER = ("text_hash", "id_hash")
SETTINGS_KEY = b"emulsion.minhash"


class Signer:
    """Signs the documents that outlived the row-wise filters."""

    def __init__(self, settings: Cleaning) -> None:
        self._near = settings.deduplicate.near if settings.deduplicate else None
        self._on = settings.deduplicate is not None
        self.schema = schema(settings)

    def table(self, ids: Sequence[str], words: Words) -> pa.Table:
        """One row per document, or none where nothing is deduplicated: id, text_hash, id_hash, band_00, ..."""
        if not self._on or not ids:
            return self.schema.empty_table()
        hashes = hash_texts(text.strip() for text in words.texts)
        columns = [pa.array(ids, pa.string()), hashes, hash_texts(ids)]
        if self._near:
            columns += list(np.concatenate([_bands(part, self._near) for part in words.parts()]).T)
        return pa.Table.from_arrays([pa.array(column) for column in columns], schema=self.schema)


def schema(settings: Cleaning) -> pa.Schema:
    """Of signatures made with these settings; its metadata say which MinHash they hold."""
    near = settings.deduplicate.near if settings.deduplicate else None
    names = [*ORDER, *(f"band_{band:02d}" for band in range(near.bands if near else 0))]
    kind = {"algorithm": int(RMinHash.ALGORITHM_VERSION), **asdict(near)} if near else None
    columns = [("id", pa.string()), *((name, pa.uint64()) for name in names)]
    return pa.schema(columns, {SETTINGS_KEY: json.dumps(kind, sort_keys=True)})


def hash_texts(texts: Iterable[str]) -> Hashes:
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _bands(words: Words, near: Near) -> Hashes:
    """[texts, bands]"""
    shingles, offsets = _shingles(words.without_marks(), near.ngram)
    digests = RMinHash.digest_matrix_from_flat_token_hashes(shingles, offsets, near.bands * near.rows, near.seed)
    rows = np.array(digests.to_rows(), dtype=np.uint64).reshape(-1, near.bands, near.rows)
    return hash_rows(rows, np.arange(near.bands, dtype=np.uint64))


def _shingles(words: Words, n: int) -> tuple[Hashes, Indices]:
    """The n-grams of all texts one after another, and where each text's begin: [n-grams], [texts + 1]."""
    counts = np.diff(words.offsets)
    sizes = np.maximum(counts - n + 1, 1)
    offsets = np.append(0, np.cumsum(sizes))
    shingles = np.empty(offsets[-1], dtype=np.uint64)
    wordless = np.flatnonzero(counts == 0)
    shingles[offsets[wordless]] = hash_texts(words.texts[text] for text in wordless.tolist())
    for length, hashes in ngrams(words.hashes, range(1, n + 1), n):
        texts = counts == length
        shingles[offsets[:-1][texts]] = hashes[words.offsets[:-1][texts]]
        if length == n:
            long = counts >= n
            shingles[np.repeat(long, sizes)] = hashes[words.inside(n)[: len(hashes)]]
    return shingles, offsets.astype(np.uint64)


@dataclass(frozen=True)
class Duplicate:
    """A document that goes because of another: `kind` is exact or near, `source` and `id` are those of the other."""

    kind: str
    source: str
    id: str

    @property
    def reason(self) -> str:
        return f"{self.kind} duplicate in {self.source}"


def join_signatures(shards: Sequence[Path], output: Path) -> None:
    """Put the signatures of the shards of a source into one file: a row group for each, in order."""
    with whole_file(output) as part, table_writer(part, open_table(shards[0]).schema_arrow, "snappy") as writer:
        for shard in shards:
            table = read_table(shard)
            writer.write_table(table, row_group_size=max(1, table.num_rows))


class _Shard(NamedTuple):
    path: Path
    table: pq.ParquetFile  # the file, open
    group: int  # the row group with its signatures
    source: str
    precedence: int  # of its source
    number: int  # among all shards


def duplicates(
    source: str, own: Path, shard: int, earlier: Mapping[str, Path], settings: Cleaning
) -> list[Duplicate | None]:
    """For each signed document of a shard of `source` the first document that it is a copy of, or None.

    own: the signatures of the source, as `join_signatures` writes them. earlier: those of the sources that take
    precedence, in the order of precedence. Empty where nothing is signed, as nothing is deduplicated. Raises UserError
    for signatures made with other settings.
    """
    shards = _shards({**earlier, source: own}, schema(settings))
    this = [each for each in shards if each.source == source][shard]
    mine = _Signatures(this)
    keys = {name: mine.column(name) for name in _key_columns(settings)} if mine.rows else {}
    lookups = {name: Lookup(hashes) for name, hashes in keys.items()}
    place = mine.places(np.arange(mine.rows))
    best = np.full((len(place) + 1, mine.rows), np.iinfo(np.uint64).max, dtype=np.uint64)
    for other in shards if keys else ():
        theirs = _Signatures(other)
        for name, hashes in keys.items():
            rows, found = theirs.first_with(name, lookups[name], hashes)
            claim = np.vstack([np.full_like(rows, name != "text_hash", dtype=np.uint64), theirs.places(found)])
            better = _before(claim[1:], place[:, rows]) & _before(claim, best[:, rows])
            best[:, rows[better]] = claim[:, better]
    return _records(best, shards)


class _Signatures:
    """The signatures of a shard, read a column at a time."""

    def __init__(self, shard: _Shard) -> None:
        self.shard = shard
        self.rows = shard.table.metadata.row_group(shard.group).num_rows
        self._order = [self.column(name) for name in ORDER] if self.rows else []

    def column(self, name: str) -> Hashes:
        table = self.shard.table.read_row_group(self.shard.group, columns=[name])
        return np.asarray(table.column(0).to_numpy(), dtype=np.uint64)

    def places(self, rows: Indices) -> Hashes:
        """[5, rows] where documents stand in the order of all: compared from the first number on."""
        same = [np.full(len(rows), number, dtype=np.uint64) for number in (self.shard.precedence, self.shard.number)]
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


def _shards(sources: Mapping[str, Path], expected: pa.Schema) -> list[_Shard]:
    found: list[_Shard] = []
    for precedence, (name, path) in enumerate(sources.items()):
        table = open_table(path)
        if table.metadata.num_rows and not table.schema_arrow.equals(expected, check_metadata=True):
            raise UserError(
                f"{path}: made with other settings of `deduplicate` than are in force here. Sources that are "
                "deduplicated against each other share them; delete the file to have it made again."
            )
        for group in range(table.num_row_groups):
            found.append(_Shard(path, table, group, name, precedence, len(found)))
    return found


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


def _records(best: Hashes, shards: Sequence[_Shard]) -> list[Duplicate | None]:
    """best: [6, documents], of what each is a copy of: 0 if exact, and its place; all ones where there is nothing."""
    records: list[Duplicate | None] = [None] * best.shape[1]
    for shard in shards:
        copies = np.flatnonzero(best[4] == shard.number)
        if copies.size:
            signed = shard.table.read_row_group(shard.group, columns=["id"])
            ids = signed.column(0).take(best[5, copies]).to_pylist()
            for copy, document in zip(copies.tolist(), ids, strict=True):
                records[copy] = Duplicate("near" if best[0, copy] else "exact", shard.source, document)
    return records
