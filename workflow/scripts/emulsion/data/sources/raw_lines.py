"""The rows of JSON and CSV files as lines of JSON, kept as they are written."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from emulsion.data.sources.formats import BYTE_ORDER_MARK, Row, read_file
from emulsion.data.sources.streams import BrokenFileError, Malformed, chunks, elements, lines, unless_blank


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
