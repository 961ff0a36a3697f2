"""The formats of raw files: which suffix is which, and how each is read row by row.

A file of records (JSON lines, JSON, CSV, Parquet) has its rows; a file of text or source code is one row, {"id": its
path, "text"}. All but Parquet may be compressed: .gz or .zst after their own suffix.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from emulsion.data.sources import parquet
from emulsion.data.sources.python_code import EXTRACTS
from emulsion.data.sources.streams import (
    ROW_BYTES,
    SHOWN_CHARACTERS,
    BrokenFileError,
    Malformed,
    chunks,
    elements,
    lines,
    printable,
    unless_blank,
    whole,
)
from emulsion.errors import UserError

Row = dict[str, Any]

COMPRESSIONS = (".gz", ".zst")
RECORD_SUFFIXES = (".jsonl", ".json", ".csv", ".parquet")
TEXT_SUFFIXES = (
    *(".txt", ".md", ".rst", ".tex", ".html"),
    *(".py", ".pyi", ".r", ".jl", ".lua", ".rb", ".pl", ".php", ".sh", ".sql"),
    *(".js", ".jsx", ".ts", ".tsx", ".css", ".vue"),
    *(".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cu", ".m", ".f90", ".rs", ".go", ".zig", ".swift"),
    *(".java", ".kt", ".scala", ".cs", ".hs", ".ml", ".ex", ".erl", ".clj", ".lisp", ".lean"),
    *(".yaml", ".yml", ".toml", ".xml", ".cmake"),
)
UNPACKED = tuple(".parquet" + packed for packed in COMPRESSIONS)  # it is compressed inside
ROWS_TO_KNOW = 100  # of a file, for its columns
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def suffix_of(name: str) -> str | None:
    """The suffix of a file that can be read, compression and all, such as .jsonl.gz; None for another file."""
    path = Path(name.lower())
    packed = path.suffix if path.suffix in COMPRESSIONS else ""
    own = Path(path.stem).suffix if packed else path.suffix
    return own + packed if own in (*RECORD_SUFFIXES, *TEXT_SUFFIXES) and own + packed not in UNPACKED else None


def parse(data: bytes | Malformed) -> Row | Malformed:
    """A row of JSON from its bytes."""
    if isinstance(data, Malformed):
        return data
    try:
        row = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError:
        return Malformed("not valid UTF-8", printable(data))
    except json.JSONDecodeError as error:
        return Malformed(f"not JSON: {error.msg}", printable(data))
    except RecursionError:
        return Malformed("not JSON that can be read: nested too deeply", printable(data))
    except ValueError:
        return Malformed("not JSON that can be read: a number is too long", printable(data))
    return row if isinstance(row, dict) else Malformed(f"a row is {type(row).__name__}, not a record", printable(data))


def read_file(file: Path, path: str | None = None, python: str | None = None) -> Iterator[Row | Malformed]:
    """The rows of one raw file in order, in bounded memory; a row that cannot be read is Malformed.

    path: what the source calls the file, the id of a document that is a whole file; left out, the file's name.
    python: the part of Python files to take, one of `EXTRACTS`; left out, the file as it is.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file.")
    suffix = suffix_of(file.name)
    own = (suffix or "").removesuffix(".gz").removesuffix(".zst")
    try:
        if own in _READERS:
            yield from _READERS[own](file)
        else:
            yield _document(file, path or file.name, python)
    except BrokenFileError as error:
        yield Malformed(str(error))


def _plain(file: Path) -> Iterator[bytes]:
    """The file's bytes without a byte-order mark."""
    source = chunks(file)
    return itertools.chain([next(source, b"").removeprefix(BYTE_ORDER_MARK)], source)


def _json_lines(file: Path) -> Iterator[Row | Malformed]:
    return map(parse, _written_lines(_plain(file)))


def _written_lines(source: Iterable[bytes]) -> Iterator[bytes | Malformed]:
    return itertools.chain.from_iterable(map(unless_blank, lines(source)))


def _json(file: Path) -> Iterator[Row | Malformed]:
    """An array of records, JSON lines under another name, or one record: told apart by the first line."""
    source = _plain(file)
    begun = next(source)
    source = itertools.chain([begun], source)
    if begun.lstrip().startswith(b"["):
        return map(parse, elements(source))
    rows = _written_lines(source)
    first = next(rows, b"")
    if isinstance(first, bytes) and not first.rstrip().endswith(b"}"):
        return _record(parse(whole(_plain(file))))
    second = list(itertools.islice(rows, 1))
    return map(parse, itertools.chain([first], second, rows)) if second else _record(parse(first))


def _record(row: Row | Malformed) -> Iterator[Row | Malformed]:
    """One record; where it is a task of Natural Instructions, its instances, each with the definition."""
    if isinstance(row, Malformed) or not isinstance(row.get("Instances"), list):
        yield row
        return
    definition = row.get("Definition")
    if isinstance(definition, list) and all(isinstance(part, str) for part in definition):
        definition = "\n".join(definition)
    for instance in row["Instances"]:
        if isinstance(instance, Mapping):
            yield {**{key: instance.get(key) for key in ("id", "input", "output")}, "definition": definition}
        else:
            yield Malformed(
                f"an instance is {type(instance).__name__}, not a record", repr(instance)[:SHOWN_CHARACTERS]
            )


def _csv(file: Path) -> Iterator[Row | Malformed]:
    """Rows of comma-separated values under the names of the first one; a cell is text."""
    rows = _cells(file)
    header = next(rows, [])
    if isinstance(header, Malformed):
        raise BrokenFileError(f"its first line should name the columns, but is {header.reason}")
    if repeated := [name for name in header if header.count(name) > 1]:
        raise BrokenFileError(f"two of its columns are named '{repeated[0]}'")
    for cells in rows:
        if isinstance(cells, Malformed):
            yield cells
        elif len(cells) == len(header):
            yield dict(zip(header, cells, strict=True))
        else:
            shown = ",".join(cells)[:SHOWN_CHARACTERS]
            yield Malformed(f"{len(cells)} cells, but the first line names {len(header)}", shown)


def _cells(file: Path) -> Iterator[list[str] | Malformed]:
    csv.field_size_limit(ROW_BYTES)
    too_long: list[Malformed] = []
    reader = csv.reader(_csv_lines(file, too_long), strict=True)
    while True:
        try:
            cells = next(reader)
            "".join(cells).encode()
        except StopIteration:
            return
        except csv.Error as error:
            yield Malformed(f"not CSV: {error}")
        except UnicodeEncodeError:
            yield Malformed("not valid UTF-8", printable(",".join(cells).encode("utf-8", "surrogateescape")))
        else:
            if too_long:
                yield too_long.pop()
            elif cells:
                yield cells


def _csv_lines(file: Path, too_long: list[Malformed]) -> Iterator[str]:
    """Lines as text, with bytes that are not UTF-8 marked in them; one that is too long is put into `too_long`."""
    for line in lines(_plain(file)):
        if isinstance(line, Malformed):
            too_long[:] = [line]
            yield "\n"
        else:
            yield line.decode("utf-8", "surrogateescape") + "\n"


def _document(file: Path, path: str, python: str | None) -> Row | Malformed:
    data = whole(_plain(file))
    if isinstance(data, Malformed):
        return data
    if python:
        text = EXTRACTS[python](data)
        return Malformed(text.reason, printable(data)) if isinstance(text, Malformed) else {"id": path, "text": text}
    try:
        return {"id": path, "text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return Malformed("not valid UTF-8", printable(data))


_READERS: Mapping[str, Callable[[Path], Iterator[Row | Malformed]]] = {
    ".jsonl": _json_lines,
    ".json": _json,
    ".csv": _csv,
    ".parquet": parquet.rows,
}


def columns_of(file: Path) -> dict[str, frozenset[str]]:
    """{column: fields of its records where it is a list of records, else empty} of one raw file.

    Of Parquet by its schema, of other files by their first rows, for the very first may be the odd one; nothing of a
    file that cannot be read.
    """
    if suffix_of(file.name) == ".parquet":
        return parquet.columns(file)
    columns: dict[str, frozenset[str]] = {}
    readable = (row for row in read_file(file) if not isinstance(row, Malformed))
    for row in itertools.islice(readable, ROWS_TO_KNOW):
        for name, value in row.items():
            columns[name] = columns.get(name, frozenset()) | _first_record(value)
    return columns


def columns_of_first(files: Iterable[Path]) -> dict[str, frozenset[str]]:
    """The columns of the first of these files that has any."""
    return next((columns for file in files if (columns := columns_of(file))), {})


def _first_record(value: Any) -> frozenset[str]:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return frozenset(value[0])
    return frozenset()
