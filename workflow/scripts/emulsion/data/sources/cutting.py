"""Bytes cut into rows: lines, or the whole of a file, of which no more than ROW_BYTES are held."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

from emulsion.data.sources.streams import (
    ROW_BYTES,
    SHOWN_CHARACTERS,
    BrokenFileError,
    Malformed,
    printable,
)


class RowBytes:
    """The bytes of the row that is being read, of which no more than ROW_BYTES are held."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > ROW_BYTES:
            self._pieces = [b"".join(self._pieces)[: 4 * SHOWN_CHARACTERS]]

    def held(self) -> bytes:
        """What has come of the row; nothing of one that is too long."""
        return b"".join(self._pieces) if self._size <= ROW_BYTES else b""

    def take(self) -> bytes | Malformed:
        """The row, and an empty one in its place."""
        data, size = b"".join(self._pieces), self._size
        self._pieces, self._size = [], 0
        return data if size <= ROW_BYTES else Malformed(f"longer than {ROW_BYTES >> 20} MB", printable(data))

    def cut_off(self, reason: object) -> Malformed:
        """What has come of a row whose end never comes."""
        return Malformed(str(reason), printable(b"".join(self._pieces)))


def line_end(head: bytes) -> bytes:
    """The end of lines in a file that begins like this: one of old Macs has \\r alone."""
    return b"\r" if b"\r" in head and b"\n" not in head else b"\n"


def whole(source: Iterable[bytes]) -> bytes | Malformed:
    """All of it as one row; a longer one is left unread where the limit is passed."""
    row, size = RowBytes(), 0
    try:
        for chunk in source:
            row.add(chunk)
            size += len(chunk)
            if size > ROW_BYTES:
                break
    except BrokenFileError as error:
        return row.cut_off(error)
    return row.take()


def lines(source: Iterable[bytes], end: bytes = b"\n") -> Iterator[bytes | Malformed]:
    """Lines without their ends; where the file breaks off, the one that is cut is Malformed and the last."""
    row = RowBytes()
    try:
        for chunk in source:
            first, *others = chunk.split(end)
            row.add(first)
            for part in others:
                yield row.take()
                row.add(part)
    except BrokenFileError as error:
        yield row.cut_off(error)
        return
    yield from unless_blank(row.take())


def is_blank(data: bytes) -> bool:
    """Whether there is nothing but white space and the byte-order mark of a file that was joined to another."""
    return not data.strip().removeprefix(codecs.BOM_UTF8)


def unless_blank(row: bytes | Malformed) -> Iterator[bytes | Malformed]:
    if isinstance(row, Malformed) or not is_blank(row):
        yield row
