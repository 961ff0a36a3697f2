"""Groups of a source, such as the seven of SlimPajama: split by the value of a field, each a source of its own."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.data.lost import check_ungrouped
from emulsion.data.sources.formats import parse
from emulsion.data.sources.memory import blame_row
from emulsion.data.sources.parquet import (
    BATCH_BYTES,
    ROWS_PER_BATCH,
    ROWS_PER_FILE,
    ROWS_PER_GROUP,
    batches,
    broken,
    repeated,
)
from emulsion.data.sources.raw import RawFile, check_files, pack, raw_files, raw_lines
from emulsion.data.sources.streams import SHOWN_CHARACTERS, BrokenFileError, File, Malformed, printable
from emulsion.errors import UserError, unknown
from emulsion.files import again, read_object, sha256, whole_folder, write_json

MOST_GROUPS = 200  # each keeps a file open
FIELDS_SHOWN = 20
WAITING_BYTES = 256 << 20  # of the tables of all groups, before they are written
ORIGIN = ("source", "kind", "id", "config", "split", "revision", "seed")  # what a group tells of where it came from

Rows: TypeAlias = pa.Table | list[bytes]  # of Parquet, and of everything else as lines of JSON


class _Parts:
    """The files of one group. Rows come as tables or as lines, and are written as they came."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.files: list[dict[str, Any]] = []
        self._waiting: list[pa.Table] = []
        self._schema: pa.Schema | None = None
        self._file = ExitStack()
        self._write: Callable[[Any], object]

    @property
    def waiting(self) -> int:
        """Bytes that are held until there are enough rows to write."""
        return sum(table.nbytes for table in self._waiting)

    def add(self, rows: Rows) -> None:
        if isinstance(rows, list):
            self.flush()
            self._put(rows, len(rows), None)
            return
        if self._waiting and self._waiting[0].schema != rows.schema:
            self.flush()
        self._waiting.append(rows)
        if sum(table.num_rows for table in self._waiting) >= ROWS_PER_GROUP:
            self.flush()

    def close(self) -> None:
        self.flush()
        self._file.close()

    def flush(self) -> None:
        if self._waiting:
            table = pa.concat_tables(self._waiting)
            self._waiting = []
            self._put(table, table.num_rows, table.schema)

    def _put(self, rows: Rows, count: int, schema: pa.Schema | None) -> None:
        if not self.files or self._schema != schema or self.files[-1]["rows"] >= ROWS_PER_FILE:
            self._begin(schema)
        self._write(rows)
        self.files[-1]["rows"] += count

    def _begin(self, schema: pa.Schema | None) -> None:
        """A new file with this schema; of lines where there is none."""
        self._file.close()
        self._schema = schema
        file = self.folder / f"part-{len(self.files):05d}{'.jsonl.gz' if schema is None else '.parquet'}"
        self.files.append({"name": file.name, "rows": 0})
        if schema is None:
            self._write = self._file.enter_context(pack(self._file.enter_context(file.open("wb")))).writelines
        else:
            self._write = self._file.enter_context(pq.ParquetWriter(file, schema, compression="zstd")).write_table


def split_groups(
    provenance: Mapping[str, Any], raw: Path, field: str, output: Path, max_loss: float = 1.0
) -> dict[str, Any]:
    """Write one folder of files per value of the field, and manifest.json; returns the manifest.

    field: a column, or a field inside of one (`meta.redpajama_set_name`), which may be a record or its JSON as text. A
    value is spelled as in JSON whatever the format of its file: `1` for 1 and 1.0, `true`. Rows that cannot be read,
    and those where the field is null, missing or no name, are set aside in quarantine.jsonl and counted by reason.
    max_loss: share of the rows that may be in no group. Raises UserError where more are, where no row has the field, or
    where it has more values than groups could have.
    """
    files = raw_files(provenance, raw)
    check_files(provenance, raw, files)
    parts: dict[str, _Parts] = {}
    reasons = Counter[str]()
    known = set[str]()
    with whole_folder(output) as folder, (folder / "quarantine.jsonl").open("w", encoding="utf-8") as aside:
        try:
            for entry in files:
                for found in _batches(entry, field, known):
                    for value, rows in found.groups():
                        if value not in parts:
                            _check_count(len(parts), field)
                            parts[value] = _Parts(folder / _folder_name(value))
                        parts[value].add(rows)
                    while sum(each.waiting for each in parts.values()) > WAITING_BYTES:
                        max(parts.values(), key=lambda each: each.waiting).flush()
                    for record in found.set_aside():
                        reasons[record["reason"]] += 1
                        aside.write(json.dumps({"file": entry.path, **record}) + "\n")
        finally:
            for each in parts.values():
                each.close()
        if not parts:
            if inside := sorted(name for name in known if name.startswith(f"{field}."))[:FIELDS_SHOWN]:
                raise UserError(f"--field {field}: is a record, not a name; name a field of it: {', '.join(inside)}.")
            if known and field not in known:
                raise unknown("field", field, sorted(known)[:FIELDS_SHOWN], "--field")
            counted = "; ".join(f"{count} x {reason}" for reason, count in reasons.items()) or "it has no rows"
            raise UserError(f"--field {field}: no row of '{provenance['source']}' has it: {counted}.")
        groups = {value: _entry(parts[value]) for value in sorted(parts)}
        rows_read = sum(group["rows"] for group in groups.values()) + reasons.total()
        check_ungrouped(provenance["source"], rows_read, reasons, max_loss)
        origin = {key: provenance[key] for key in ORIGIN if key in provenance}
        manifest = {"field": field, "source": origin, "groups": groups, "set_aside": dict(reasons)}
        write_json(folder / "manifest.json", manifest)
    for value, group in groups.items():
        logging.info("%s: %d rows", value, group["rows"])
    for reason, count in reasons.items():
        logging.warning("%d rows are set aside: %s", count, reason)
    return manifest


def _entry(parts: _Parts) -> dict[str, Any]:
    files = [{**file, "sha256": sha256(parts.folder / file["name"])} for file in parts.files]
    return {"folder": parts.folder.name, "rows": sum(file["rows"] for file in files), "files": files}


def _check_count(groups: int, field: str) -> None:
    if groups == MOST_GROUPS:
        raise UserError(f"--field {field}: has more than {MOST_GROUPS} values, so it does not name groups.")


def _folder_name(value: str) -> str:
    """The value where it is harmless as a name, else what is harmless of it and a hash, so that no two are one."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", value)[:60]
    return value if plain == value and value else f"{plain}.{hashlib.sha256(value.encode()).hexdigest()[:8]}"


_BOOLEANS = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}  # as a cell spells them

Value: TypeAlias = str | Malformed  # the name of a row's group, or why it has none


@dataclass(frozen=True)
class _Batch:
    """Some rows of a file, and the group of each. before: how many rows of the file come before them."""

    rows: Rows
    values: list[Value]
    before: int

    def groups(self) -> Iterator[tuple[str, Rows]]:
        """(value, its rows), in the order in which values come."""
        places: dict[str, list[int]] = {}
        for place, value in enumerate(self.values):
            if isinstance(value, str):
                places.setdefault(value, []).append(place)
        for value, chosen in places.items():
            rows = self.rows
            yield value, [rows[place] for place in chosen] if isinstance(rows, list) else rows.take(chosen)

    def set_aside(self) -> Iterator[dict[str, Any]]:
        for place, value in enumerate(self.values):
            if isinstance(value, Malformed):
                content = value.content or _shown(self.rows, place)
                yield {"row": self.before + place, "reason": value.reason, "content": content}


def _batches(entry: RawFile, field: str, known: set[str]) -> Iterator[_Batch]:
    """The rows of a file; the names of its fields are put into `known`."""
    before = 0
    is_table = entry.file.name.endswith(".parquet")
    for rows, values in _tables(entry.file, field, known) if is_table else _lines(entry.file, field, known):
        yield _Batch(rows, values, before)
        before += len(values)


def _tables(file: File, field: str, known: set[str]) -> Iterator[tuple[Rows, list[Value]]]:
    """Tables of a Parquet file; its rows one by one where it cannot be read so."""
    try:
        with pq.ParquetFile(file) as parquet:
            for each in parquet.schema_arrow:
                inside = each.type if pa.types.is_struct(each.type) else []
                known.update([f"{each.name}.{name.name}" for name in inside] or [each.name])
            if reason := repeated(parquet.schema_arrow):
                for place in range(0, parquet.metadata.num_rows, ROWS_PER_BATCH):
                    count = min(ROWS_PER_BATCH, parquet.metadata.num_rows - place)
                    yield [b""] * count, [Malformed(reason)] * count
                return
            path = [field] if field in parquet.schema_arrow.names else field.split(".")
            is_there = path[0] in parquet.schema_arrow.names
            for number in range(parquet.metadata.num_row_groups):
                for batch in batches(parquet, number):
                    column = batch.column(path[0]).to_pylist() if is_there else [None] * batch.num_rows
                    yield pa.Table.from_batches([batch]), [_named(value, path[1:], field) for value in column]
    except (BrokenFileError, pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        blame_row(error)
        yield [b""], [Malformed(str(broken("a Parquet file", error)))]


def _lines(file: File, field: str, known: set[str]) -> Iterator[tuple[Rows, list[Value]]]:
    lines = (line + b"\n" for line in raw_lines(file))
    # A cell is text, and pandas writes `True` where JSON has `true`.
    is_cells = file.name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".csv", ".tsv"))
    while rows := list(_some(lines)):
        values = [_value(row, field, known) for row in rows]
        yield rows, [_BOOLEANS.get(each, each) if is_cells and isinstance(each, str) else each for each in values]


def _some(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The next lines, as many as are held at once."""
    size = 0
    for line in itertools.islice(lines, ROWS_PER_BATCH):
        yield line
        size += len(line)
        if size >= BATCH_BYTES:
            return


def _value(line: bytes, field: str, known: set[str]) -> Value:
    row = parse(line)
    if isinstance(row, Malformed):
        return row
    if len(known) < FIELDS_SHOWN:
        for name, value in row.items():
            known.update([f"{name}.{inside}" for inside in value] if isinstance(value, dict) and value else [name])
    path = [field] if field in row else field.split(".")
    return _named(row.get(path[0]), path[1:], field)


def _named(value: Any, path: Sequence[str], field: str) -> Value:
    """The name that a value stands for, once the fields inside of it are followed."""
    for name in path:
        if isinstance(value, str):
            with suppress(ValueError, RecursionError):
                value = json.loads(value)
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        with suppress(UnicodeDecodeError):
            value = value.decode()
    if isinstance(value, Decimal) and value.is_finite():
        value = value.normalize()
    if isinstance(value, (float, Decimal)) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, (int, float, date, Decimal)):
        return str(value)
    if not isinstance(value, str):
        return Malformed(f"'{field}' is null, missing or no name")
    try:
        value.encode()
    except UnicodeEncodeError:
        return Malformed(f"'{field}' is not valid Unicode")
    return value


def _shown(rows: Rows, place: int) -> str:
    if isinstance(rows, list):
        return printable(rows[place].rstrip(b"\n"))
    return repr(rows.slice(place, 1).to_pylist()[0])[:SHOWN_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def link_group(
    manifest_file: Path, name: str, source: Mapping[str, Any], folder: Path
) -> tuple[list[Path], dict[str, Any]]:
    """Link the files of one group into `folder`; its origin is that of the source it is a group of.

    source: {of, field, value}. Raises UserError where the manifest is of another source or field, or has no such value.
    """
    manifest = read_object(manifest_file)
    for key, found in (("of", manifest["source"]["source"]), ("field", manifest["field"])):
        if source[key] != found:
            raise UserError(f"sources.{name}.{key}: is '{source[key]}', but {manifest_file} was split from '{found}'.")
    if source["value"] not in manifest["groups"]:
        raise unknown("value", source["value"], manifest["groups"], f"sources.{name}.value")
    group = manifest["groups"][source["value"]]
    files, rows = [], {}
    for entry in group["files"]:
        target = manifest_file.parent / group["folder"] / entry["name"]
        if (wanted := entry.get("sha256")) and sha256(target) != wanted:
            raise UserError(f"{target}: damaged, by its SHA-256 in the manifest. {again(manifest_file)}")
        link = folder / entry["name"]
        link.symlink_to(os.path.relpath(target, folder))
        files.append(link)
        rows[link.name] = entry["rows"]
    origin = {**manifest["source"], **{key: source[key] for key in ("kind", "of", "field", "value")}}
    origin.pop("source")
    return files, {**origin, "documents": group["rows"], "rows": rows}
