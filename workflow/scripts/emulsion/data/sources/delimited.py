"""Comma-separated and tab-separated values, row by row: a row that is broken is lost alone, with its content."""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from emulsion.data.sources.cutting import line_end, lines
from emulsion.data.sources.streams import (
    ROW_BYTES,
    File,
    Malformed,
    chunks,
    head_of,
    printable,
)

QUOTE = '"'
TRIES = 8  # of lines that open a quote, to read a record up to the same later line
LINES_TO_NAMES = 12  # of a file, among which the line is looked for that names the columns
_CLOSED_LATE = "not CSV: a quote is opened, and closed in a later line where no cell ends"
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars", ",": "commas"}


def delimited_rows(file: File, delimiter: str) -> Iterator[dict[str, str] | Malformed]:
    """Rows under the names of the first line; a cell is text.

    Titles and comments above that line are set aside. A column without a name is called by its place: `column 3`. A
    cell in quotes may go over several lines. Where a quote is never closed, or where it is closed so late that the row
    has another number of cells than the first line names, its first line alone is set aside, and reading goes on with
    the next: one stray quote does not swallow the rest of the file. Most tab-separated files have no quoting: where
    each line of such a cell has as many cells as the first line names, each is a row by itself.
    """
    head, source = head_of(chunks(file))
    records = _Records(lines(source, line_end(head)), delimiter)
    yield from records.titles()
    header = records.next(None)
    if header is None:
        return
    if isinstance(header, list) and any(map(str.strip, header)):
        header = [name if name.strip() else f"column {place}" for place, name in enumerate(header, 1)]
    reason = _header_fault(header, delimiter)
    if reason or isinstance(header, Malformed):
        yield from records.set_aside(str(reason))
        return
    while (cells := records.next(len(header))) is not None:
        yield cells if isinstance(cells, Malformed) else dict(zip(header, cells, strict=True))


def _header_fault(header: list[str] | Malformed, delimiter: str) -> str | None:
    """Why the rows below this first line have no names."""
    if isinstance(header, Malformed):
        return f"the first line should name the columns, but is {header.reason}"
    if repeated := [name for name, count in Counter(header).items() if count > 1]:
        return f"two of the columns are named '{repeated[0]}'; name them apart in the first line"
    if len(header) == 1 and (other := next((each for each in _OTHER_DELIMITERS if each in header[0]), None)):
        mend = "give the file a name that ends in .tsv" if other == "\t" else "save it anew as .csv with commas"
        return (
            f"the first line names one column, '{header[0][:80]}': cells are separated by {_OTHER_DELIMITERS[other]}, "
            f"not by {_OTHER_DELIMITERS[delimiter]}; {mend}"
        )
    return None


def _count_titles(begun: list[list[str]]) -> int:
    """How many of a file's first lines are titles or comments above the line that names the columns."""
    for count, cells in enumerate(begun):
        below = next((each for each in begun[count + 1 :] if len(each) > 1), cells)
        named = sum(bool(cell.strip()) for cell in cells)
        is_padded = len(cells) - named > 1 and (named < 2 or cells[0].startswith("#"))
        is_comment = cells[0].startswith("#") and len(cells) != len(below)
        is_plain = (
            len(cells) == 1
            and len(below) > 2
            and all(cell and cell == cell.strip() for cell in below)
            and not any(other in cells[0] for other in _OTHER_DELIMITERS)
        )
        if not (is_padded or is_comment or is_plain or cells[0].lower().startswith("sep=")):
            return count
    return 0


class _Records:
    """Records of lines, with a memory of the lines that were looked at in vain for the end of a quote."""

    def __init__(self, source: Iterator[bytes | Malformed], delimiter: str) -> None:
        self._source, self._delimiter = source, delimiter
        self._ahead: deque[str | Malformed] = deque()
        self._tries = 0  # to find the end of a quote in the lines ahead
        self._unclosed, self._why = 0, ""  # how many of the next lines close no quote, and what is said of one
        csv.field_size_limit(ROW_BYTES)

    def next(self, width: int | None) -> list[str] | Malformed | None:
        """The cells of the next record that is not blank, None at the end. width: how many it should have."""
        while (line := self._line()) is not None:
            if isinstance(line, Malformed):
                return line
            if not line.strip("\r"):
                continue
            cells = self._parse(line)
            if cells is None:
                cells = self._over_lines(line, width)
            if isinstance(cells, str) and self._delimiter == "\t":
                # Most tab-separated files have no quoting: a quote is a character as any other.
                plain = line.removesuffix("\r").split("\t")
                cells = plain if width in (None, len(plain)) else cells
            reason = cells if isinstance(cells, str) else _fault(cells, width)
            return Malformed(reason, _shown(line)) if reason else cells  # type: ignore[return-value]
        return None

    def titles(self) -> Iterator[Malformed]:
        """The lines above the names of the columns; what comes next are the names."""
        taken: list[str | Malformed] = []
        begun: list[list[str]] = []
        while len(begun) < LINES_TO_NAMES and (line := self._line()) is not None:
            taken.append(line)
            if isinstance(line, str) and not line.strip("\r"):
                continue
            cells = self._parse(line) if isinstance(line, str) else None
            if not isinstance(cells, list):
                break
            begun.append(cells)
        self._ahead.extendleft(reversed(taken))
        count = _count_titles(begun)
        while count:
            if isinstance(line := self._line(), str) and line.strip("\r"):
                yield Malformed("a line above the names of the columns", _shown(line))
                count -= 1

    def set_aside(self, reason: str) -> Iterator[Malformed]:
        """All that is left, line by line."""
        while (line := self._line()) is not None:
            if isinstance(line, Malformed) or line.strip("\r"):
                yield line if isinstance(line, Malformed) else Malformed(reason, _shown(line))

    def _line(self) -> str | Malformed | None:
        if self._ahead:
            self._unclosed = max(0, self._unclosed - 1)
            return self._ahead.popleft()
        self._tries = 0
        line = next(self._source, None)
        return line.decode("utf-8", "surrogateescape") if isinstance(line, bytes) else line

    def _parse(self, record: str) -> list[str] | str | None:
        """The cells, or why there are none; None where a quote is still open at the end."""
        if QUOTE not in record and "\r" not in record[:-1]:
            return record.removesuffix("\r").split(self._delimiter)
        try:
            return next(csv.reader([record + "\n"], delimiter=self._delimiter, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                return None
            if "new-line character" in str(error):
                return "not CSV: a line end (\\r) in a cell without quotes"
            return f"not CSV: {error}"

    def _over_lines(self, first: str, width: int | None) -> list[str] | str:
        """The cells of a record with an open quote in its first line, or why it has none."""
        if self._unclosed:
            return self._why
        taken: list[str | Malformed] = [first]
        why = "not CSV: a quote is opened and never closed"

        def record() -> Iterator[str]:
            nonlocal why
            yield first + "\n"
            size = len(first)
            while (line := self._line()) is not None:
                taken.append(line)
                if isinstance(line, Malformed):
                    return
                size += len(line) + 1
                if size > ROW_BYTES:
                    why = f"not CSV: a quote is opened and not closed within {ROW_BYTES >> 20} MB"
                    return
                yield line + "\n"

        try:
            cells = next(csv.reader(record(), delimiter=self._delimiter, strict=True))
            if width in (None, len(cells)) and not self._is_plain(taken, width):
                return cells
            why, self._tries = _CLOSED_LATE, self._tries + 1
        except csv.Error as error:
            why, self._tries = why if "unexpected end of data" in str(error) else _CLOSED_LATE, TRIES
        self._ahead.extendleft(reversed(taken[1:]))
        # One that is open at the end of any of these lines but the last meets the same end, though it may have another
        # number of cells there: to look for it from each anew, the time would grow as the square of the lines.
        if self._tries >= TRIES:
            self._unclosed, self._why = len(taken) - 1, why
        return why

    def _is_plain(self, taken: Sequence[str | Malformed], width: int | None) -> bool:
        """Whether each of the lines of a record is a row by itself, in which a quote is a character as any other."""
        cells = [str(line).count("\t") + 1 for line in taken]
        return self._delimiter == "\t" and width not in (None, 1) and set(cells) == {width}


def _fault(cells: list[str], width: int | None) -> str | None:
    if width not in (None, len(cells)):
        return f"{len(cells)} cells, but the first line names {width}"
    try:
        "".join(cells).encode()
    except UnicodeEncodeError:
        return "not valid UTF-8"
    return None


def _shown(line: str) -> str:
    return printable(line.encode("utf-8", "surrogateescape"))
