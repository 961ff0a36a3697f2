"""Files as bytes: decompressed, and cut into lines or into the elements of a JSON array, in bounded memory."""

from __future__ import annotations

import gzip
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.errors import UserError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES = 1 << 20

# The longest row that is read. Documents of 50 MB pass, for it is not for a reader to say what is too long to learn
# from; a file without line ends does not fill the memory.
ROW_BYTES = 64 << 20

# An archive that holds more than both is refused. Text is packed to a third or a tenth, a log of one repeated line to a
# hundredth; gzip's most is a thousandth, and only a file made to fill a disk comes near it.
BOMB_BYTES = 1 << 30
BOMB_RATIO = 200

SHOWN_CHARACTERS = 2000


@dataclass(frozen=True)
class Malformed:
    """A row that could not be read: why, and how it begins, enough to find it again."""

    reason: str
    content: str = ""


class BrokenFileError(Exception):
    """Why the rest of a file cannot be read."""


def printable(data: bytes) -> str:
    """The first 2,000 characters of bytes that may not be text."""
    return data[: 4 * SHOWN_CHARACTERS].decode("utf-8", "backslashreplace")[:SHOWN_CHARACTERS]


def chunks(file: Path) -> Iterator[bytes]:
    """The bytes of a file, decompressed where its name ends in .gz or .zst, up to CHUNK_BYTES at a time.

    Raises BrokenFileError after all that could be decompressed, and UserError for an archive bomb.
    """
    most = max(BOMB_BYTES, BOMB_RATIO * file.stat().st_size)
    size = 0
    try:
        with _opened(file) as stream:
            while chunk := stream.read1(CHUNK_BYTES):
                size += len(chunk)
                if size > most:
                    raise UserError(
                        f"{file}: refused as an archive bomb: {file.stat().st_size:,} bytes have come to more than "
                        f"{most:,}. Unpack it if it is what it should be."
                    )
                yield chunk
    except EOFError:
        raise BrokenFileError(f"the file ends in the middle: truncated {file.suffix}") from None
    except (gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise BrokenFileError(f"cannot be decompressed: {error}") from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}.") from None


def _opened(file: Path) -> Any:
    if file.suffix.lower() == ".gz":
        return gzip.open(file)
    return zstd.open(file) if file.suffix.lower() == ".zst" else file.open("rb")


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


def whole(source: Iterable[bytes]) -> bytes | Malformed:
    """All of it as one row; a longer one is left unread where the limit is passed."""
    row, size = _Row(), 0
    for chunk in source:
        row.add(chunk)
        size += len(chunk)
        if size > ROW_BYTES:
            break
    return row.take()


def lines(source: Iterable[bytes]) -> Iterator[bytes | Malformed]:
    """Lines without their ends."""
    row = _Row()
    for chunk in source:
        first, *others = chunk.split(b"\n")
        row.add(first)
        for part in others:
            yield row.take()
            row.add(part)
    yield from unless_blank(row.take())


def unless_blank(row: bytes | Malformed) -> Iterator[bytes | Malformed]:
    if isinstance(row, Malformed) or row.strip():
        yield row


_MARK = re.compile(rb'[\[\]{},"]')
_TEXT = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+("?)', re.DOTALL)  # the rest of a text and, if it is there, its end


def elements(source: Iterator[bytes]) -> Iterator[bytes | Malformed]:
    """The elements of one JSON array, as they are written.

    They are cut apart before they are parsed, so that a malformed one is lost alone: a parser that streams gives up
    at the first bad byte, and the rest of the file with it.
    """
    row, depth, in_text, escaped = _Row(), 0, False, 0
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
                case b"," if depth == 1:
                    row.add(chunk[start : place - 1])
                    yield row.take()
                    start = place
            if depth == 0:
                row.add(chunk[start : place - 1])
                yield from unless_blank(row.take())
                if chunk[place:].strip() or any(rest.strip() for rest in source):
                    raise BrokenFileError("there is more after the end of its list")
                return
        row.add(chunk[start:])
    raise BrokenFileError("the file ends in the middle of its list")
