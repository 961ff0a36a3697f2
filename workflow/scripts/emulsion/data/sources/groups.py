"""Groups of a source, such as the seven of SlimPajama: split by the value of a field, each a source of its own."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from emulsion.data.sources.formats import parse
from emulsion.data.sources.parquet import ROWS_PER_FILE, ROWS_PER_GROUP
from emulsion.data.sources.raw import pack, raw_files, raw_lines
from emulsion.data.sources.streams import Malformed
from emulsion.errors import UserError, unknown
from emulsion.files import read_json, whole_folder, write_json

MOST_GROUPS = 200  # each keeps a file open
ROWS_PER_BATCH = 20_000
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

    def add(self, rows: Rows) -> None:
        if isinstance(rows, list):
            self._flush()
            self._put(rows, len(rows), None)
            return
        if self._waiting and self._waiting[0].schema != rows.schema:
            self._flush()
        self._waiting.append(rows)
        if sum(table.num_rows for table in self._waiting) >= ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._file.close()

    def _flush(self) -> None:
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


def split_groups(provenance: Mapping[str, Any], raw: Path, field: str, output: Path) -> dict[str, Any]:
    """Write one folder of files per value of the field, and manifest.json; returns the manifest.

    field: a column, or a field inside of one (`meta.redpajama_set_name`). Rows where it is null, missing or no name are
    set aside in quarantine.jsonl and counted by reason. Raises UserError where no row has the field, or where it has
    more values than groups could have.
    """
    parts: dict[str, _Parts] = {}
    reasons = Counter[str]()
    with whole_folder(output) as folder, (folder / "quarantine.jsonl").open("w", encoding="utf-8") as aside:
        try:
            for value, rows, places in _by_value(provenance, raw, field):
                if value is None:
                    reason = f"'{field}' is null, missing or no name"
                    reasons[reason] += len(places)
                    for (file, row), content in zip(places, _shown(rows), strict=True):
                        record = {"file": file, "row": row, "reason": reason, "content": content}
                        aside.write(json.dumps(record) + "\n")
                    continue
                if value not in parts:
                    _check_count(len(parts), field)
                    parts[value] = _Parts(folder / _folder_name(value))
                parts[value].add(rows)
        finally:
            for each in parts.values():
                each.close()
        if not parts:
            raise UserError(f"--field {field}: no row of '{provenance['source']}' has it: {dict(reasons)}.")
        groups = {value: _entry(parts[value]) for value in sorted(parts)}
        origin = {key: provenance[key] for key in ORIGIN if key in provenance}
        manifest = {"field": field, "source": origin, "groups": groups, "set_aside": dict(reasons)}
        write_json(folder / "manifest.json", manifest)
    for value, group in groups.items():
        logging.info("%s: %d rows", value, group["rows"])
    return manifest


def _entry(parts: _Parts) -> dict[str, Any]:
    return {"folder": parts.folder.name, "rows": sum(file["rows"] for file in parts.files), "files": parts.files}


def _check_count(groups: int, field: str) -> None:
    if groups == MOST_GROUPS:
        raise UserError(f"--field {field}: has more than {MOST_GROUPS} values, so it does not name groups.")


def _folder_name(value: str) -> str:
    """The value where it is harmless as a name, else what is harmless of it and a hash, so that no two are one."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", value)[:60]
    return value if plain == value and value else f"{plain}.{hashlib.sha256(value.encode()).hexdigest()[:8]}"


def _by_value(
    provenance: Mapping[str, Any], raw: Path, field: str
) -> Iterator[tuple[str | None, Rows, list[tuple[str, int]]]]:
    """(value, rows that have it, file and number of each) of one batch after the other; None for no value."""
    for entry in raw_files(provenance, raw):
        before = 0
        batches = _tables(entry.file, field) if entry.file.suffix == ".parquet" else _lines(entry.file, field)
        for values, rows in batches:
            places: dict[str | None, list[int]] = {}
            for place, value in enumerate(values):
                places.setdefault(value, []).append(place)
            for value, chosen in places.items():
                some = [rows[place] for place in chosen] if isinstance(rows, list) else rows.take(chosen)
                yield value, some, [(entry.path, before + place) for place in chosen]
            before += len(values)


def _tables(file: Path, field: str) -> Iterator[tuple[list[str | None], pa.Table]]:
    with pq.ParquetFile(file) as parquet:
        path = _path(parquet.schema_arrow, field)
        for batch in parquet.iter_batches(ROWS_PER_BATCH):
            values = batch.column(path[0])
            if path[1:]:
                values = pc.struct_field(values, path[1:])
            yield values.cast(pa.string()).to_pylist(), pa.Table.from_batches([batch])


def _path(schema: pa.Schema, field: str) -> list[str]:
    """The column and the fields inside of it that a dotted name means; raises UserError where the file has none."""
    kind: Any = schema
    path = [field] if field in schema.names else field.split(".")
    for step, name in enumerate(path):
        known = [each.name for each in kind] if step == 0 or pa.types.is_struct(kind) else []
        if name not in known:
            raise unknown(
                "field", ".".join(path[: step + 1]), [".".join([*path[:step], each]) for each in known], "--field"
            )
        kind = kind.field(name).type
    if pa.types.is_nested(kind):
        raise UserError(f"--field {field}: is {kind}, not a name.")
    return path


def _lines(file: Path, field: str) -> Iterator[tuple[list[str | None], list[bytes]]]:
    rows: list[bytes] = []
    for line in raw_lines(file):
        rows.append(line + b"\n")
        if len(rows) == ROWS_PER_BATCH:
            yield [_value(row, field) for row in rows], rows
            rows = []
    if rows:
        yield [_value(row, field) for row in rows], rows


def _value(line: bytes, field: str) -> str | None:
    row: Any = parse(line)
    if isinstance(row, Malformed):
        return None
    for name in [field] if field in row else field.split("."):
        row = row.get(name) if isinstance(row, dict) else None
    return str(row) if isinstance(row, str | int | float) else None


def _shown(rows: Rows) -> list[str]:
    if isinstance(rows, list):
        return [row.decode("utf-8", "backslashreplace").rstrip("\n")[:2000] for row in rows]
    return [repr(row)[:2000].encode("utf-8", "backslashreplace").decode() for row in rows.to_pylist()]


def link_group(
    manifest_file: Path, name: str, source: Mapping[str, Any], folder: Path
) -> tuple[list[Path], dict[str, Any]]:
    """Link the files of one group into `folder`; its origin is that of the source it is a group of.

    source: {of, field, value}. Raises UserError where the manifest is of another source or field, or has no such value.
    """
    manifest = read_json(manifest_file)
    for key, found in (("of", manifest["source"]["source"]), ("field", manifest["field"])):
        if source[key] != found:
            raise UserError(f"sources.{name}.{key}: is '{source[key]}', but {manifest_file} was split from '{found}'.")
    if source["value"] not in manifest["groups"]:
        raise unknown("value", source["value"], manifest["groups"], f"sources.{name}.value")
    group = manifest["groups"][source["value"]]
    files, rows = [], {}
    for entry in group["files"]:
        target = manifest_file.parent / group["folder"] / entry["name"]
        link = folder / entry["name"]
        link.symlink_to(os.path.relpath(target, folder))
        files.append(link)
        rows[link.name] = entry["rows"]
    origin = {**manifest["source"], **{key: source[key] for key in ("kind", "of", "field", "value")}}
    origin.pop("source")
    return files, {**origin, "documents": group["rows"], "rows": rows}
