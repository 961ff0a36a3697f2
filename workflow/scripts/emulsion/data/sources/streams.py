"""Files as bytes: decompressed and decoded, in bounded memory.

How a file is packed is read from its first bytes, not from its name. What is no data at all, such as the pointer that
git-lfs leaves in place of a file, is refused with the reason and the remedy (`not_data`).
"""

from __future__ import annotations

import codecs
import gzip
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Protocol

from emulsion.errors import UserError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK_BYTES = 1 << 20
READ_AHEAD_BYTES = 8 << 20  # of a remote file that is read from its beginning

# The longest row that is read. Documents of 50 MB pass, for it is not for a reader to say what is too long to learn
# from; a file without line ends does not fill the memory.
ROW_BYTES = 64 << 20

# An archive that holds more than both is refused. Text is packed to a third or a tenth, a log of one repeated line to a
# hundredth; gzip's most is a thousandth, and only a file made to fill a disk comes near it.
BOMB_BYTES = 1 << 30
BOMB_RATIO = 200

# The most that zstd has, `zstd --long=31`: unpacking takes up to 2 GiB of memory.
WINDOW_LOG = 31

SHOWN_CHARACTERS = 2000
HEAD_BYTES = 1024


class Remote(Protocol):
    """A file elsewhere that can be opened any number of times and read from any place."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int:
        """In bytes."""

    def open(self, ahead: int) -> BinaryIO:
        """ahead: how many bytes are read at once where fewer are asked for."""


File = Path | Remote


@dataclass(frozen=True)
class Malformed:
    """A row that could not be read: why, and how it begins, enough to find it again."""

    reason: str
    content: str = ""


class BrokenFileError(Exception):
    """Why the rest of a file cannot be read, and how it begins."""

    def __init__(self, reason: str, content: str = "") -> None:
        super().__init__(reason)
        self.content = content


def printable(data: bytes) -> str:
    """The first 2,000 characters of bytes that may not be text."""
    return data[: 4 * SHOWN_CHARACTERS].decode("utf-8", "backslashreplace")[:SHOWN_CHARACTERS]


def opened(file: File, ahead: int = READ_AHEAD_BYTES) -> BinaryIO:
    return file.open("rb") if isinstance(file, Path) else file.open(ahead)


def size_in_bytes(file: File) -> int:
    return file.stat().st_size if isinstance(file, Path) else file.size


_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/[^\n]*\n(?:.*\n)*?size (\d+)")
_OTHERS = {
    b"PAR1": "a Parquet file; give it a name that ends in .parquet",
    b"ARROW1": "an Arrow file; give it a name that ends in .arrow",
    b"PK\x03\x04": "a zip archive, or a document of Office; unpack it",
    b"PK\x05\x06": "a zip archive of nothing",
    b"\x04\x22\x4d\x18": "an lz4 archive; unpack it, or pack it by gzip or zstd",
    b"\xfd7zXZ\x00": "an xz archive; unpack it, or pack it by gzip or zstd",
    b"7z\xbc\xaf'\x1c": "a 7z archive; unpack it",
    b"Rar!\x1a\x07": "a rar archive; unpack it",
    b"%PDF-": "a PDF; bring its text to a .txt or .md file",
    b"SQLite format 3\x00": "an SQLite database; export its table as .csv or .jsonl",
    b"\x89PNG\r\n": "an image",
    b"\xff\xd8\xff": "an image",
    b"\x80\x04\x95": "a Python pickle, which can run code when it is read; save it as .jsonl or .parquet",
}
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_ANNEXED = re.compile(rb"(?:/annex/objects/|[./]*\.git/annex/objects/)[^\s]+\n?")
_LINK = re.compile(rb"(?:\.\./)+[\w./-]+\n?")
_MARKS = {  # that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_PAGE = re.compile(rb"\s*<(?:!doctype html|html\b|\?xml\b|error>)", re.IGNORECASE)
_RECORD = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"(?:[^"\\]|\\.)*"\s*:')  # of JSON; no code of Julia begins so
_OF_ROWS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".arrow")


def not_data(head: bytes, name: str) -> str | None:
    """Why a file that begins like this is not what its name says, and the remedy; None where it may well be.

    head: its first HEAD_BYTES as they are stored.
    """
    own, packing = _suffixes(name)
    if pointer := _POINTER.match(head):
        return (
            f"it is a pointer of git-lfs in place of a file of {int(pointer[1]):,} bytes; bring the file itself by "
            "`git lfs pull` in its repository"
        )
    if _ANNEXED.fullmatch(head):
        return "it is a pointer of git-annex; bring the file itself by `git annex get` in its repository"
    if own in _OF_ROWS and _PAGE.match(head):
        return "it is a page of HTML or XML, such as a server sends in place of a file that it refuses; get it again"
    if own in _OF_ROWS and (link := _LINK.fullmatch(head)):
        return (
            f"it holds nothing but the path of another file, '{link[0].decode().strip()}', as a copy has that was made "
            "without following links; copy it again, as by `rsync -L`"
        )
    if own == ".jl" and _RECORD.match(head):
        return "it holds records of JSON, not code of Julia; rename it to .jsonl"
    if packing and not head:
        return f"it is empty, 0 bytes, and so no {packing} archive; get it again"
    for begin, what in _OTHERS.items():
        if head.startswith(begin) and begin != {".parquet": b"PAR1", ".arrow": b"ARROW1"}.get(own):
            return f"it is {what}"
    if re.match(rb"BZh[1-9]1AY&SY", head):
        return "it is a bzip2 archive; unpack it, or pack it by gzip or zstd"
    if head[257:262] == b"ustar":
        return "it is a tar archive; unpack it"
    if own not in (".parquet", ".arrow") and not packing and (guessed := _unmarked(head)):
        return f"it is {guessed} without a byte-order mark; bring it to UTF-8, as by `iconv -f {guessed} -t UTF-8`"
    return None


def why_no_data(file: Path) -> str | None:
    """The same of a file that is here."""
    with file.open("rb") as raw:
        return not_data(raw.read(HEAD_BYTES), file.name)


def _suffixes(name: str) -> tuple[str, str]:
    path = PurePath(name.lower())
    packing = path.suffix if path.suffix in (".gz", ".zst") else ""
    return PurePath(path.stem).suffix if packing else path.suffix, packing


def chunks(file: File) -> Iterator[bytes]:
    """The bytes of a file up to CHUNK_BYTES at a time, as UTF-8 without a byte-order mark.

    Decompressed where its first bytes are of gzip or zstd, and decoded where a byte-order mark says UTF-16 or UTF-32.
    Raises BrokenFileError after all that could be decompressed, and UserError for an archive bomb.
    """
    first, unpacked = head_of(_unpacked(file), HEAD_BYTES)
    next(unpacked, None)  # it is all of `first`
    if first and (reason := not_data(first[:HEAD_BYTES], _unpacked_name(file.name))):
        raise BrokenFileError(reason, printable(first))
    if first.startswith((_GZIP, _ZSTD)):
        raise BrokenFileError("it is packed twice; unpack it once")
    encoding = next((encoding for mark, encoding in _MARKS.items() if first.startswith(mark)), None)
    if encoding:
        yield from _decoded(first, unpacked, encoding)
        return
    yield first.removeprefix(codecs.BOM_UTF8)
    yield from unpacked


def _unpacked_name(name: str) -> str:
    return name[: -len(packing)] if (packing := _suffixes(name)[1]) else name


def _decoded(first: bytes, rest: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    # Half of a surrogate pair, which some databases export, costs its row: in UTF-8 it is no text.
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    try:
        yield decoder.decode(first).encode("utf-8", "surrogatepass")
        for chunk in rest:
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeError as error:
        raise BrokenFileError(f"not valid {encoding.upper()}, which its byte-order mark says: {error}") from None


def _unmarked(head: bytes) -> str | None:
    """UTF-16 without a mark: nearly every other byte of text that is mostly Latin is null."""
    pairs = len(head) // 2
    if pairs < 8 or head.startswith(tuple(_MARKS)):
        return None
    odd, even = head[1::2].count(0), head[::2].count(0)
    if odd > 0.7 * pairs and even < 0.1 * pairs:
        return "UTF-16LE"
    return "UTF-16BE" if even > 0.7 * pairs and odd < 0.1 * pairs else None


def _unpacked(file: File) -> Iterator[bytes]:
    size = size_in_bytes(file)
    most = max(BOMB_BYTES, BOMB_RATIO * size)
    come = 0
    packing = ""
    try:
        with opened(file) as raw:
            head = raw.read(HEAD_BYTES)
            raw.seek(0)
            if reason := not_data(head, file.name):
                raise BrokenFileError(reason, printable(head))
            packing, stream = _opened(raw, head, file.name)
            while chunk := stream.read1(CHUNK_BYTES):
                come += len(chunk)
                if come > most:
                    raise UserError(
                        f"{file.name}: refused as an archive bomb: {size:,} bytes have come to more than {most:,}. "
                        "Unpack it if it is what it should be."
                    )
                yield chunk
    except EOFError:
        raise BrokenFileError(
            f"the file ends in the middle: truncated {packing}; how much is missing after it is not known. Get it again"
        ) from None
    except (gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        # What does not match its checksum has been read, to the end.
        before = "what was read of it before is damaged" if "check" in str(error).lower() else ""
        raise BrokenFileError(
            f"cannot be decompressed: {error}; {before or 'how much is missing after it is not known'}. Get it again"
        ) from None
    except OSError as error:
        raise UserError(f"{file}: cannot be read: {error.strerror}.") from None


def _opened(raw: BinaryIO, head: bytes, name: str) -> tuple[str, Any]:
    """(how it is packed, the stream); a plain file under an archive's name is what clients leave that unpack."""
    if head.startswith(_GZIP):
        return ".gz", gzip.open(raw)
    if head.startswith(_ZSTD) or _ZSTD_SKIPPED.match(head):
        return ".zst", zstd.open(raw, options={zstd.DecompressionParameter.window_log_max: WINDOW_LOG})
    packing = _suffixes(name)[1]
    if packing and (b"\0" in head or "\ufffd" in head[:-4].decode("utf-8", "replace")):
        raise BrokenFileError(f"cannot be decompressed: it is neither a {packing} archive nor text. Get it again")
    return "", raw


def head_of(source: Iterator[bytes], size: int = CHUNK_BYTES) -> tuple[bytes, Iterator[bytes]]:
    """(the first bytes, `size` of them where there are as many; all of the source again)."""
    pieces: list[bytes] = []
    come = 0
    try:
        while come < size and (chunk := next(source, None)) is not None:
            pieces.append(chunk)
            come += len(chunk)
    except BrokenFileError as error:
        if not pieces:
            raise
        held = b"".join(pieces)
        return held, _until(held, error)
    held = b"".join(pieces)
    return held, joined(held, source)


def joined(held: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if held:
        yield held
    yield from rest


def _until(held: bytes, error: BrokenFileError) -> Iterator[bytes]:
    yield held
    raise error
