"""The files of a fetched source as its provenance lists them: one shard's share of them, and their rows as lines."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from emulsion.data.lost import remedies
from emulsion.data.render import as_json
from emulsion.data.sources.formats import (
    JSON_SUFFIXES,
    Columns,
    Row,
    columns_of,
    noted,
    parse,
    read_file,
    records,
    suffix_of,
)
from emulsion.data.sources.layouts import json_values
from emulsion.data.sources.streams import BrokenFileError, File, Malformed
from emulsion.errors import UserError
from emulsion.files import again, sha256

FILES_SHOWN = 5
ROWS_SHOWN = 3


@dataclass(frozen=True)
class RawFile:
    """A raw file, here or on the hub: where it lies, what its source calls it, its size in bytes.

    python: what is taken of Python code. suffix: what kind of file it is, where its own name does not say so.
    """

    file: File
    path: str
    bytes: int
    python: str | None = None
    suffix: str | None = None

    def columns(self) -> Columns:
        """{column: fields of its records where it is a list of records, else empty}; {} where no row can be read."""
        return columns_of(self.file, self.suffix)

    def rows(self, start: int = 0) -> Iterator[Row | Malformed]:
        """Its rows from number `start` on, in order; what cannot be read is Malformed and has its number as well."""
        return read_file(self.file, self.path, self.python, self.suffix, start)


def columns_of_first(source: str, files: Sequence[RawFile]) -> Columns:
    """The columns of the first of a source's files that has a row; raises UserError with the reasons where none has."""
    for file in files:
        if columns := file.columns():
            return columns
    raise UserError(f"sources.{source}: nothing is left of it: {why_unreadable(files)}")


def why_unreadable(files: Sequence[RawFile]) -> str:
    """Of the first files without a row that can be read why that is, each with its name."""
    reasons, examples = [], dict[str, int]()
    for file in files[:FILES_SHOWN]:
        rows = itertools.islice(file.rows(), ROWS_SHOWN)
        found: dict[str, int] = {}
        for number, row in enumerate(rows):
            if isinstance(row, Malformed):
                found.setdefault(row.reason, number)
        examples |= found
        shown = "; ".join(f"row {number}: {reason}" for reason, number in found.items())
        reasons.append(f"'{file.path}': {shown or 'it has no rows, or rows without columns'}")
    more = f" {len(files) - FILES_SHOWN} more files have none either." if len(files) > FILES_SHOWN else ""
    how = f" Mend the rows{words}." if (words := remedies(examples)) else ""
    return f"none of its files has a row that can be read. {'. '.join(reasons)}.{more}{how}"


def raw_files(provenance: Mapping[str, Any], folder: Path) -> list[RawFile]:
    """The files of `folder` that its provenance lists, in their order; raises UserError for one elsewhere."""
    paths, python = provenance.get("paths", {}), provenance.get("python")
    files = []
    for entry in provenance["files"]:
        name = entry["name"]
        if name in ("", ".", "..") or Path(name).name != name:
            raise UserError(f"{folder / 'provenance.json'}: the file '{name}' is not in this folder; fetch it again.")
        files.append(RawFile(folder / name, paths.get(name, name), entry["bytes"], python))
    return files


def check_files(provenance: Mapping[str, Any], folder: Path, files: Sequence[RawFile]) -> None:
    """Raise UserError where one of these files is not what was fetched, by the checksum that the provenance has."""
    record = folder / "provenance.json"
    fetched = {entry["name"]: entry.get("sha256") for entry in provenance["files"]}
    for file in files:
        path = folder / file.file.name
        if not path.is_file():
            raise UserError(f"{path}: missing, and {record} lists it. {again(record)}")
        if (wanted := fetched[path.name]) and sha256(path) != wanted:
            raise UserError(f"{path}: damaged, or changed since it was fetched, by its SHA-256. {again(record)}")


def shard_files(files: Sequence[RawFile], shard: int, shards: int) -> list[RawFile]:
    """The files of a shard: one contiguous part of the list, all parts of about as many bytes.

    Every file is in exactly one shard, by where its middle lies in the whole; with few files some shards are empty.
    """
    if not 0 <= shard < shards:
        raise UserError(f"--shard {shard}: of {shards} shards the first is 0 and the last {shards - 1}.")
    # One more for each, so that empty files have a place as well.
    total = sum(file.bytes + 1 for file in files)
    chosen, before = [], 0
    for file in files:
        size = file.bytes + 1
        if (2 * before + size) * shards // (2 * total) == shard:
            chosen.append(file)
        before += size
    return chosen


def pack(out: BinaryIO) -> gzip.GzipFile:
    """Compress into `out`, with neither a name nor a time in the header: the same rows are the same bytes."""
    return gzip.GzipFile("", "wb", compresslevel=6, fileobj=out, mtime=0)


def raw_lines(file: File) -> Iterator[bytes]:
    """The rows of a file, each as one line of JSON: as it is written where it is JSON already.

    What cannot be read stays in its place, for the normaliser to set aside and count. A file of one record gives the
    rows that it holds.
    """
    if (suffix := suffix_of(file.name) or "").startswith(JSON_SUFFIXES):
        found = _apart(json_values(file, suffix), suffix)
    else:
        found = map(_as_json, read_file(file))
    try:
        for row in found:
            yield noted(row) if isinstance(row, Malformed) else _one_line(row)
    except BrokenFileError as error:
        yield noted(Malformed(str(error), error.content))


def _apart(values: Iterator[bytes | Malformed], suffix: str) -> Iterator[bytes | Malformed]:
    first = list(itertools.islice(values, 2))
    if len(first) == 1 and (held := list(records(row := parse(first[0]), suffix))) != [row]:
        yield from map(_as_json, held)
    else:
        yield from itertools.chain(first, values)


def _as_json(row: Row | Malformed) -> bytes | Malformed:
    return row if isinstance(row, Malformed) else as_json(row, _as_text, ascii_only=True).encode()


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _one_line(row: bytes) -> bytes:
    """Line ends between the tokens of JSON mean nothing, and inside of text they are written as \\n.

    A comma that follows a value is none of it.
    """
    return row.replace(b"\r", b" ").replace(b"\n", b" ").strip().removesuffix(b",")
