"""The values of a JSON file cut apart before they are parsed, so that one that is malformed is lost alone.

A parser that streams gives up at the first bad byte, and the rest of the file with it. Here a row ends where quotes,
brackets and commas cannot stand as they do, and the next begins where the file looks as at the beginning of the rows
before. Of what is between, no more than ROW_BYTES are held.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Generator, Iterable, Iterator

from emulsion.data.sources.cutting import RowBytes, unless_blank
from emulsion.data.sources.streams import BrokenFileError, Malformed, printable

_MARK = re.compile(rb'[\[\]{},"]')
# The rest of a text and what ends it: its quote, with the colon behind that of a key, or the end of a line, which JSON
# never has inside of a text.
_TEXT = re.compile(rb'[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+(?:("\s*+:)|("(?!\s*+\Z))|(\\?\n)|(")|)')
_COLON, _QUOTE, _LINE = 1, 2, 3
_CUT = b"?"  # a quote at the end of a piece, of which it is not known whether a colon is behind it
_ANY = b'"[]{},:?'
# {the innermost open bracket: {a mark: the marks that may be the last before it}}
_BEFORE = {
    b"{": {b"}": _ANY, b",": _ANY, b'"': b"{,:?", b"{": b":?", b"[": b":?", b"]": b""},
    b"[": {b"]": _ANY, b",": _ANY, b'"': b"[,", b"[": b"[,", b"{": b"[,", b"}": b""},
    b"": dict.fromkeys((b'"', b"[", b"]", b"{", b"}", b","), _ANY),
}

_BETWEEN = re.compile(rb"(?:[\s,]|\xef\xbb\xbf)*")  # rows that are in no list; the last is a byte-order mark

# How a row begins: the end of the line before it and its indentation, its brackets and what they are followed by, its
# first key.
_BEGINNING = re.compile(rb'\s*?(\n[ \t]*)?((?:[\[{]\s*)+")([^"\\\n]*"\s*:)')
_ANY_RECORD = re.compile(rb'\{\s*"[^"\\\n]*"\s*:')
BEGINNING_BYTES = 256
BEGINNINGS = 32  # of the rows before, which are looked for
PIECE_BYTES = 1 << 16  # which bounds what is read twice where a row is broken
MOST_OPEN = 100  # brackets at the end of a file whose rows are looked for in each other


def values(source: Iterator[bytes], in_lists: bool) -> Iterator[bytes | Malformed]:
    """The elements of a JSON array, or records one after another, as they are written; so of files that were joined.

    Where the file breaks off, what is cut is Malformed and the last.
    """
    return _Values(source, in_lists).rows()


class _Pieces:
    """Bytes piece by piece, to which what was read too far can be given back."""

    def __init__(self, source: Iterator[bytes]) -> None:
        self._source = source
        self._held: deque[memoryview] = deque()

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        piece = self._held.popleft() if self._held else memoryview(next(self._source))
        if len(piece) > PIECE_BYTES:
            self._held.appendleft(piece[PIECE_BYTES:])
        return bytes(piece[:PIECE_BYTES])

    def give_back(self, data: bytes) -> None:
        self._held.appendleft(memoryview(data))


class _Values:
    def __init__(self, source: Iterator[bytes], in_lists: bool) -> None:
        """in_lists: whether the rows are the elements of lists."""
        self._pieces = _Pieces(source)
        self._in_lists = in_lists
        self._row = RowBytes()
        self._open: list[bytes] = []  # brackets; first that of the list of rows, if there is one
        self._beginnings: deque[bytes] = deque(maxlen=BEGINNINGS)

    def rows(self) -> Iterator[bytes | Malformed]:
        try:
            while True:
                if (yield from self._sound()):
                    yield from self._broken(self._beginning())
                elif others := self._others():
                    yield from self._broken(others)
                else:
                    break
        except BrokenFileError as error:
            yield self._row.cut_off(error)
            return
        if self._is_in_list():
            yield self._unended()
        elif isinstance(rest := self._row.take(), Malformed):
            yield rest
        elif not _BETWEEN.fullmatch(rest):
            is_after = self._in_lists and not self._open
            yield Malformed("there is more after the end of its list", printable(rest.strip())) if is_after else rest

    def _is_in_list(self) -> bool:
        return self._in_lists and self._open[:1] == [b"["]

    def _sound(self) -> Generator[bytes | Malformed, None, bool]:
        """The rows to the end, or up to one that is broken, of which all that was read is held then; whether one is."""
        row, is_open, in_lists = self._row, self._open, self._in_lists
        before, in_text, escaped = b",", False, 0
        allowed = _BEFORE[is_open[-1] if is_open else b""]
        for piece in self._pieces:
            start, place, escaped = 0, escaped, 0
            while found := _TEXT.match(piece, place) if in_text else _MARK.search(piece, place):
                place = found.end()
                if in_text:
                    if (end := found.lastindex) is None:
                        escaped = len(piece) - place  # 1 where a backslash is cut off from its letter
                        break
                    if end == _LINE:
                        row.add(piece[start:])
                        return True
                    in_text = False
                    before = b":" if end == _COLON else b'"' if end == _QUOTE else _CUT
                    continue
                mark = found[0]
                if before not in allowed[mark]:
                    row.add(piece[start:])
                    return True
                before = mark
                match mark:
                    case b'"':
                        in_text = True
                    case b"[" | b"{":
                        if not is_open:
                            row.add(piece[start : place - 1])
                            start = place - 1
                            if not _BETWEEN.fullmatch(held := row.held()):
                                yield row.take()
                            elif b"," in held:
                                row.take()
                                row.add(held.rpartition(b",")[2])
                            if in_lists and mark == b"[":
                                row.take()
                                start = place
                        is_open.append(mark)
                        allowed = _BEFORE[mark]
                    case b"]" | b"}" if is_open:
                        is_open.pop()
                        allowed = _BEFORE[is_open[-1] if is_open else b""]
                        if not is_open:
                            is_end = in_lists and mark == b"]"
                            row.add(piece[start : place - is_end])
                            yield from unless_blank(self._whole())
                            start = place
                    case b"," if in_lists and len(is_open) == 1 and is_open[0] == b"[":
                        row.add(piece[start : place - 1])
                        yield self._whole()
                        start = place
            row.add(piece[start:])
        return False

    def _whole(self) -> bytes | Malformed:
        """The row that has ended."""
        row = self._row.take()
        if not isinstance(row, Malformed):
            self._beginnings.append(row[:BEGINNING_BYTES])
        return row

    def _beginning(self) -> re.Pattern[bytes]:
        """How the row after a broken one begins: as those before, or as the broken one does."""
        known = _begun(self._beginnings)
        own = _begun([self._row.held()[:BEGINNING_BYTES]])
        begun = {each for each in known if b"\n" in each} or known
        return _any_of(begun | own) if begun | own else _ANY_RECORD

    def _others(self) -> re.Pattern[bytes] | None:
        """How rows begin, where others do so in the last row, whose end never comes."""
        held, known = self._row.held(), _begun(self._beginnings)
        begun = {each for each in known if b"\n" in each}
        if self._is_in_list() and held.rstrip().endswith(b"]"):  # the file is not cut off, so the row was before
            begun = begun or known
        if not begun or not 0 < len(self._open) < MOST_OPEN:
            return None
        return found.re if (found := _any_of(begun).search(held, _inner(held))) else None

    def _broken(self, beginning: re.Pattern[bytes]) -> Iterator[bytes | Malformed]:
        """The row that is broken, up to where the next begins."""
        held = self._row.held()
        place = _inner(held)
        while not (found := beginning.search(held, place)):
            if (piece := next(self._pieces, None)) is None:
                self._open.clear()
                yield from unless_blank(self._row.take())
                return
            dropped = max(len(held) - BEGINNING_BYTES, 0)
            held, place = held[dropped:] + piece, max(place - dropped, 0)
            self._row.add(piece)
        rest = held[found.start() :]
        self._pieces.give_back(rest)
        self._open[:] = [b"["] if self._is_in_list() else []
        row = self._row.take()
        yield row if isinstance(row, Malformed) else row[: -len(rest)]

    def _unended(self) -> Malformed:
        held, unknown = self._row.held(), "how much is missing after it is not known"
        if held.rstrip().endswith(b"]"):
            return Malformed("the last row of its list does not end", printable(held.strip()))
        if held or not isinstance(row := self._row.take(), Malformed):
            return self._row.cut_off(f"the file ends in the middle of its list; {unknown}")
        return Malformed(f"a row of its list does not end, and is {row.reason}; {unknown}", row.content)


def _inner(row: bytes) -> int:
    """The place behind the first bracket of a row."""
    return len(row) - len(row.lstrip()) + 1


def _begun(rows: Iterable[bytes]) -> set[bytes]:
    """What these rows begin with: their indentation, and their first key where that does not tell them apart."""
    begun = set()
    for found in filter(None, map(_BEGINNING.match, rows)):
        line, brackets, key = found.groups(b"")
        if b'\n"' in brackets or not (line or b"\n" in brackets):
            begun.add(brackets + key)
        else:
            begun.add(brackets if b"\n" in brackets else line + brackets)
    return begun


def _any_of(texts: Iterable[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(map(re.escape, sorted(texts))))
