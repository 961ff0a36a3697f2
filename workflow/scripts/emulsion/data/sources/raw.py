"""The files of a fetched source as its provenance lists them: one shard's share of them, and their rows as lines."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from emulsion.data.sources.formats import BYTE_ORDER_MARK, Row, read_file
from emulsion.data.sources.streams import BrokenFileError, Malformed, chunks, elements, lines, unless_blank
from emulsion.errors import UserError


@dataclass(frozen=True)
class RawFile:
    """A raw file: where it lies, what its source calls it, its size in bytes, and what is taken of Python code."""

    file: Path
    path: str
    bytes: int
    python: str | None = None


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


def raw_lines(file: Path) -> Iterator[bytes]:
    """The rows of a JSON or CSV file, each as one line of JSON, as it is written where it is JSON already.

    What cannot be read stays in its place as a line that says so, for the normaliser to set aside and count.
    """
    if ".csv" in file.suffixes:
        found: Iterable[bytes | Malformed] = map(_as_json, read_file(file))
    else:
        found = written_rows(chunks(file))
    try:
        for row in found:
            yield _one_line(f"{row.reason}: {row.content}".encode() if isinstance(row, Malformed) else row)
    except BrokenFileError as error:
        yield _one_line(str(error).encode())


def written_rows(source: Iterator[bytes]) -> Iterator[bytes | Malformed]:
    """The elements of an array of JSON, or lines of JSON, told apart by the first byte."""
    begun = next(source, b"").removeprefix(BYTE_ORDER_MARK)
    source = itertools.chain([begun], source)
    if begun.lstrip().startswith(b"["):
        return elements(source)
    return itertools.chain.from_iterable(map(unless_blank, lines(source)))


def _as_json(row: Row | Malformed) -> bytes | Malformed:
    return row if isinstance(row, Malformed) else json.dumps(row).encode()


def _one_line(row: bytes) -> bytes:
    """Line ends between the tokens of JSON mean nothing, and inside of text they are written as \\n."""
    return row.replace(b"\r", b" ").replace(b"\n", b" ").strip()
