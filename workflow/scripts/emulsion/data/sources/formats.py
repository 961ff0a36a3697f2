"""The formats of raw files: which suffix is which, and how each is read row by row.

A file of records (JSON, CSV, Parquet, Arrow) has its rows; a file of text or source code is one row, {"id": its path,
"text"}, or several where it is longer than a row may be. All but Parquet and Arrow may be compressed: .gz or .zst after
their own suffix. The suffix says what kind of file it is; how it is packed, whether JSON comes in lines, in a list or
one record after another, and how lines end is read from the file.
"""

from __future__ import annotations

import codecs
import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from emulsion.data.chats import is_chat
from emulsion.data.questions import ANSWER_COLUMNS, QUESTION_COLUMNS
from emulsion.data.schemas import CHAT_COLUMNS
from emulsion.data.sources import parquet
from emulsion.data.sources.cutting import unless_blank, whole
from emulsion.data.sources.delimited import delimited_rows
from emulsion.data.sources.layouts import LINES_SUFFIXES, json_values
from emulsion.data.sources.python_code import EXTRACTS
from emulsion.data.sources.streams import (
    ROW_BYTES,
    SHOWN_CHARACTERS,
    BrokenFileError,
    File,
    Malformed,
    chunks,
    head_of,
    printable,
)
from emulsion.errors import UserError

Row = dict[str, Any]
Columns = dict[str, frozenset[str]]

COMPRESSIONS = (".gz", ".zst")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
BINARY_SUFFIXES = (".parquet", ".arrow")  # compressed inside
RECORD_SUFFIXES = (*JSON_SUFFIXES, ".csv", ".tsv", *BINARY_SUFFIXES)
TEXT_SUFFIXES = (
    *(".txt", ".md", ".rst", ".tex", ".html"),
    *(".py", ".pyi", ".r", ".jl", ".lua", ".rb", ".pl", ".php", ".sh", ".sql"),
    *(".js", ".jsx", ".ts", ".tsx", ".css", ".vue"),
    *(".c", ".h", ".cc", ".cpp", ".cxx", ".hpp", ".cu", ".m", ".f90", ".rs", ".go", ".zig", ".swift"),
    *(".java", ".kt", ".scala", ".cs", ".hs", ".ml", ".ex", ".erl", ".clj", ".lisp", ".lean"),
    *(".yaml", ".yml", ".toml", ".xml", ".cmake"),
)
ROWS_TO_KNOW = 100  # of a file, for its columns
UNREADABLE = "row that could not be read"
PIECE_BYTES = 1 << 20  # of a text that is longer than a row may be


def suffix_of(name: str) -> str | None:
    """The suffix of a file that can be read, compression and all, such as .jsonl.gz; None for another file."""
    path = Path(name.lower())
    packed = path.suffix if path.suffix in COMPRESSIONS else ""
    own = Path(path.stem).suffix if packed else path.suffix
    known = own in (*RECORD_SUFFIXES, *TEXT_SUFFIXES) and not (packed and own in BINARY_SUFFIXES)
    return own + packed if known else None


def parse(data: bytes | Malformed) -> Row | Malformed:
    """A row of JSON from its bytes, which a comma may follow and the mark of a file that was joined may precede."""
    if isinstance(data, Malformed):
        return data
    try:
        row = json.loads(data.lstrip().removeprefix(codecs.BOM_UTF8).decode("utf-8"))
    except UnicodeDecodeError:
        return Malformed("not valid UTF-8", printable(data))
    except json.JSONDecodeError as error:
        if (row := data.rstrip()).endswith(b",") and not row.endswith(b",,"):
            return parse(row[:-1])
        return Malformed(f"not JSON: {error.msg}", printable(data))
    except RecursionError:
        return Malformed("not JSON that can be read: nested too deeply", printable(data))
    except ValueError:
        return Malformed("not JSON that can be read: a number is too long", printable(data))
    if isinstance(row, list) and is_chat(row):
        return {"messages": row}
    if not isinstance(row, dict):
        return Malformed(f"a row is {type(row).__name__}, not a record", printable(data))
    note = row.get(UNREADABLE) if len(row) == 1 else None
    if isinstance(note, dict) and note.keys() == {"reason", "content"}:
        return Malformed(str(note["reason"]), str(note["content"]))
    return row


def noted(row: Malformed) -> bytes:
    """A row that could not be read as a line of JSON, in its place among the others: `parse` makes it what it was."""
    return json.dumps({UNREADABLE: asdict(row)}).encode()


def read_file(
    file: File, path: str | None = None, python: str | None = None, suffix: str | None = None, start: int = 0
) -> Iterator[Row | Malformed]:
    """The rows of one raw file from row `start` on, in bounded memory; a row that cannot be read is Malformed.

    path: what the source calls the file, the id of a document that is a whole file; left out, the file's name.
    python: the part of Python files to take, one of `EXTRACTS`; left out, the file as it is. suffix: what the file is;
    left out, what its name says.
    """
    if isinstance(file, Path) and not file.is_file():
        raise UserError(f"{file}: no such file.")
    own = (suffix or suffix_of(file.name) or "").removesuffix(".gz").removesuffix(".zst")
    try:
        if own in BINARY_SUFFIXES:
            yield from parquet.rows(file, start)
            return
        rows = _READERS[own](file) if own in _READERS else _texts(file, path or file.name, python)
        yield from itertools.islice(rows, start, None)
    except BrokenFileError as error:
        yield Malformed(str(error), error.content)


def columns_of(file: File, suffix: str | None = None) -> Columns:
    """{column: fields of its records where it is a list of records, else empty} of one raw file.

    Of Parquet and Arrow by their schema, of other files by their first rows, for the very first may be the odd one;
    nothing of a file that cannot be read.
    """
    suffix = suffix or suffix_of(file.name) or ""
    if suffix in BINARY_SUFFIXES:
        return parquet.columns(file)
    if not suffix.startswith(RECORD_SUFFIXES):
        return {"id": frozenset(), "text": frozenset()}
    columns: Columns = {}
    readable = (row for row in read_file(file, suffix=suffix) if not isinstance(row, Malformed))
    for row in itertools.islice(readable, ROWS_TO_KNOW):
        for name, fields in columns_of_row(row).items():
            columns[name] = columns.get(name, frozenset()) | fields
    return columns


def columns_of_row(row: Row) -> Columns:
    """The columns of one row."""
    return {name: _first_record(value) for name, value in row.items()}


def _first_record(value: Any) -> frozenset[str]:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return frozenset(value[0])
    return frozenset()


def _json(file: File, suffix: str) -> Iterator[Row | Malformed]:
    rows = map(parse, json_values(file, suffix))
    first = list(itertools.islice(rows, 2))
    return records(first[0], suffix) if len(first) == 1 else itertools.chain(first, rows)


def records(row: Row | Malformed, suffix: str) -> Iterator[Row | Malformed]:
    """The rows of a file of one record: itself, those it holds by key or column by column, or the instances of a task.

    The latter are those of Natural Instructions, each with the definition. suffix: of the file; the record of one whose
    rows are lines is a row.
    """
    if suffix.startswith(LINES_SUFFIXES):
        yield row
        return
    if isinstance(row, Malformed):
        yield row
    elif isinstance(row.get("Instances"), list):
        yield from _instances(row)
    elif places := _places(row):
        yield from ({name: cells[place] for name, cells in row.items()} for place in places)
    elif _holds_records(row):
        yield from map(_keyed, row.items())
    else:
        yield row


def _instances(row: Row) -> Iterator[Row | Malformed]:
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


def _holds_records(row: Row) -> bool:
    """Whether a record is none itself but holds records of one kind, each under its title, id or column."""
    held = list(row.values())
    if not held or not all(isinstance(record, dict) for record in held):
        return False
    is_exchange = 2 * len(row.keys() & {*QUESTION_COLUMNS, *ANSWER_COLUMNS, *CHAT_COLUMNS}) >= len(row)
    return len(held) > 1 and bool(set.intersection(*map(set, held))) and not is_exchange


def _places(row: Row) -> Sequence[Any]:
    """Where the cells of a table's rows are, of a record that is a table by its columns; nothing of another.

    As pandas saves a table, {column: {number of a row: cell}}, or as it and datasets turn one into a record, {column:
    [cells]}. Lists of records are the turns of a chat.
    """
    columns = list(row.values())
    if columns and all(isinstance(cells, dict) for cells in columns):
        places = list(columns[0])
        return places if all(list(cells) == places for cells in columns) and all(map(str.isdecimal, places)) else ()
    if len(columns) < 2 or not all(isinstance(cells, list) for cells in columns):
        return ()
    count, *others = {len(cells) for cells in columns}
    is_chat = any(isinstance(cell, dict) for cells in columns for cell in cells)
    return () if others or count < 2 or is_chat else range(count)


def _keyed(item: tuple[str, Row]) -> Row:
    """A record with its key, which is its id where it has none."""
    key, record = item
    return {"key" if "id" in record else "id": key, **record}


def _texts(file: File, path: str, python: str | None) -> Iterator[Row | Malformed]:
    """The document that a file is; of one that is longer than a row may be its pieces, numbered from 1."""
    held, source = head_of(chunks(file), ROW_BYTES + 1)
    if python or len(held) <= ROW_BYTES:
        yield _document(whole(source), path, python)
        return
    for number, piece in enumerate(_pieces(source), 1):
        yield _document(piece, f"{path}#{number}", None)


def _document(data: bytes | Malformed, path: str, python: str | None) -> Row | Malformed:
    if isinstance(data, Malformed):
        return data
    if python:
        text = EXTRACTS[python](data)
        return Malformed(text.reason, printable(data)) if isinstance(text, Malformed) else {"id": path, "text": text}
    try:
        return {"id": path, "text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return Malformed("not valid UTF-8", printable(data))


def _pieces(source: Iterable[bytes]) -> Iterator[bytes | Malformed]:
    """A long text in pieces of up to PIECE_BYTES, which end with a paragraph, else a line, else a word."""
    held = b""
    try:
        for chunk in source:
            held += chunk
            start = 0
            while len(held) - start > PIECE_BYTES:
                stop = _end_of_piece(held, start)
                yield held[start:stop]
                start = stop
            held = held[start:]
    except BrokenFileError as error:
        yield Malformed(str(error), printable(held))
        return
    yield from unless_blank(held)


def _end_of_piece(text: bytes, start: int) -> int:
    stop = start + PIECE_BYTES
    for end in (b"\n\n", b"\n", b" "):
        if (place := text.rfind(end, start + PIECE_BYTES // 2, stop)) >= 0:
            return place + len(end)
    while text[stop] & 0xC0 == 0x80:  # inside of a character
        stop -= 1
    return stop


_READERS: Mapping[str, Callable[[File], Iterator[Row | Malformed]]] = {
    **{suffix: partial(_json, suffix=suffix) for suffix in JSON_SUFFIXES},
    ".csv": lambda file: delimited_rows(file, ","),
    ".tsv": lambda file: delimited_rows(file, "\t"),
}
