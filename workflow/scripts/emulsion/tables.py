"""Parquet files of our own, sealed: any reader reads them, ours compares their content first.

The metadata of a file have the SHA-256 of all its bytes, taken with zeros in its own place, as the checksum of a tar
header is. A file without a seal, from elsewhere, is taken as it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.errors import UserError
from emulsion.files import again

SEAL = b"emulsion:sha256"
DIGITS = 64
# The metadata stand at the end of a file, behind what it says of its row groups.
TAIL_BYTES = 1 << 20
CHUNK_BYTES = 1 << 20
# A string of Thrift: its type and its length stand before it.
_PLACE = re.compile(re.escape(SEAL) + rb"\x18\x40(.{64})", re.DOTALL)


@contextmanager
def table_writer(file: Path, schema: pa.Schema, compression: str = "zstd") -> Iterator[pq.ParquetWriter]:
    """A writer of row groups to a file, which is sealed when the block ends without error."""
    with pq.ParquetWriter(file, schema, compression=compression) as writer:
        yield writer
        writer.add_key_value_metadata({SEAL.decode(): "0" * DIGITS})
    place = _place(file)
    if place is None:
        raise RuntimeError(f"{file}: pyarrow has written the seal in another form")
    digest = _digest(file, place)
    with file.open("r+b") as out:
        out.seek(place)
        out.write(digest.encode())


def write_table(table: pa.Table, file: Path) -> None:
    """Write a table to a sealed file."""
    with table_writer(file, table.schema) as writer:
        writer.write_table(table)


class SealedFile(pq.ParquetFile):  # type: ignore[misc]  # pyarrow has no types
    """A Parquet file whose seal is no part of its schema, so that a copy gets one of its own."""

    @property
    def schema_arrow(self) -> pa.Schema:
        schema = super().schema_arrow
        metadata = {key: value for key, value in (schema.metadata or {}).items() if key != SEAL}
        return schema.with_metadata(metadata or None)


def open_table(file: Path | str, *, compare: bool = True) -> pq.ParquetFile:
    """Open a Parquet file; raises UserError where it is not what was written, or cannot be read.

    compare: whether to read all of it first, once a process; of jobs that share a file, one does.
    """
    file = Path(file)
    try:
        status = file.stat()
        if compare and _is_damaged(file, status.st_size, status.st_mtime_ns):
            raise UserError(f"{file}: damaged or edited: it is not what its own SHA-256 says. {again(file)}")
        return SealedFile(file)
    except FileNotFoundError:
        raise UserError(f"{file}: no such file.") from None
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{file}: not a Parquet file that can be read: {reason} {again(file)}") from None


def read_table(file: Path | str, columns: list[str] | None = None) -> pa.Table:
    """All of a file; raises what `open_table` does."""
    with open_table(file) as opened:
        return opened.read(columns=columns)


@cache
def _is_damaged(file: Path, size: int, modified: int) -> bool:
    place = _place(file)
    if place is None:
        return False
    with file.open("rb") as content:
        content.seek(place)
        return content.read(DIGITS) != _digest(file, place).encode()


def _place(file: Path) -> int | None:
    """Where the digits of the seal stand; None without one."""
    with file.open("rb") as content:
        start = max(0, content.seek(0, 2) - TAIL_BYTES)
        content.seek(start)
        found = list(_PLACE.finditer(content.read()))
    return start + found[-1].start(1) if found else None


def _digest(file: Path, place: int) -> str:
    """SHA-256 of a file with zeros for the digits of its seal."""
    digest, left = hashlib.sha256(), place
    with file.open("rb") as content:
        while left and (chunk := content.read(min(left, CHUNK_BYTES))):
            digest.update(chunk)
            left -= len(chunk)
        content.seek(DIGITS, 1)
        digest.update(b"0" * DIGITS)
        while chunk := content.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
