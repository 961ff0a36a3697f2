"""Bytes cut into rows: lines, the values of JSON, or the whole of a file, of which no more than ROW_BYTES are held."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from emulsion.data.sources.streams import (
    ROW_BYTES,
    SHOWN_CHARACTERS,
    BrokenFileError,
    Malformed,
    head_of,
    joined,
    printable,
)


class _Row:
    """The bytes of the row that is being read, of which no more than ROW_BYTES are held."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        self._pieces.append(piece)
        if self._size > ROW_BYTES:
            self._pieces = [b"".join(self._pieces)[: 4 * SHOWN_CHARACTERS]]

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
    row, size = _Row(), 0
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
    row = _Row()
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


def unless_blank(row: bytes | Malformed) -> Iterator[bytes | Malformed]:
    if isinstance(row, Malformed) or row.strip():
        yield row


_MARK = re.compile(rb'[\[\]{},"]')
_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)  # the rest of a text and, if it is there, its end


def values(source: Iterator[bytes], in_list: bool) -> Iterator[bytes | Malformed]:
    """The elements of one JSON array, or records one after another, as they are written.

    They are cut apart before they are parsed, so that a malformed one is lost alone: a parser that streams gives up
    at the first bad byte, and the rest of the file with it. Where the file breaks off, what is cut is Malformed and
    the last.
    """
    row, depth, in_text, escaped = _Row(), 0 if in_list else 1, False, 0
    try:
        for chunk in source:
            start, place, escaped = 0, escaped, 0
            while found := _TEXT.match(chunk, place) if in_text else _MARK.search(chunk, place):
                place = found.end()
                if in_text:
                    in_text = not found[1]
                    if in_text:
                        escaped = len(chunk) - place  # 1 where a backslash is cut off from its letter
                        break
                    continue
                match found[0]:
                    case b'"':
                        in_text = True
                    case b"[" | b"{":
                        depth += 1
                        start = place if depth == 1 else start
                    case b"]" | b"}":
                        depth -= 1
                        if depth == 1 and not in_list:
                            row.add(chunk[start:place])
                            yield row.take()
                            start = place
                        elif depth == 0 and in_list:
                            row.add(chunk[start : place - 1])
                            yield from unless_blank(row.take())
                            rest, _ = head_of(joined(chunk[place:], source))
                            if rest.strip():
                                yield Malformed("there is more after the end of its list", printable(rest.strip()))
                            return
                        elif depth == 0:
                            depth = 1
                    case b"," if depth == 1:
                        row.add(chunk[start : place - 1])
                        yield from [row.take()] if in_list else unless_blank(row.take())
                        start = place
            row.add(chunk[start:])
    except BrokenFileError as error:
        yield row.cut_off(error)
        return
    if in_list:
        yield row.cut_off("the file ends in the middle of its list; how much is missing after it is not known")
    else:
        yield from unless_blank(row.take())
