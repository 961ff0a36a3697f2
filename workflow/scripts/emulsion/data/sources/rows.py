"""Raw files read row by row, and written, in bounded memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.data.sources.formats import read_file, suffix_of
from emulsion.data.sources.streams import Malformed
from emulsion.files import whole_file

ROWS_PER_FILE = 100_000
ROWS_PER_GROUP = 2_000
ROWS_TO_KNOW = 100


def write_parquet(rows: Iterable[Mapping[str, Any]], folder: Path, schema: pa.Schema | None) -> list[Path]:
    """Write rows to numbered files in bounded memory; without a schema the first rows decide it."""
    files: list[Path] = []
    stream = iter(rows)
    while first := list(itertools.islice(stream, ROWS_PER_GROUP)):
        file = folder / f"part-{len(files):05d}.parquet"
        table = pa.Table.from_pylist(first, schema=schema)
        schema = table.schema
        with whole_file(file) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
            writer.write_table(table)
            for _ in range(ROWS_PER_FILE // ROWS_PER_GROUP - 1):
                if not (group := list(itertools.islice(stream, ROWS_PER_GROUP))):
                    break
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
        files.append(file)
    return files


def columns_of(file: Path) -> dict[str, frozenset[str]]:
    """{column: fields of its records where it is a list of records, else empty} of one raw file.

    Of Parquet by its schema, of other files by their first rows, for the very first may be the odd one; nothing of a
    file that cannot be read.
    """
    if suffix_of(file.name) == ".parquet":
        try:
            return {field.name: _record_fields(field.type) for field in pq.read_schema(file)}
        except (pa.ArrowException, OSError):
            return {}
    columns: dict[str, frozenset[str]] = {}
    readable = (row for row in read_file(file) if not isinstance(row, Malformed))
    for row in itertools.islice(readable, ROWS_TO_KNOW):
        for name, value in row.items():
            columns[name] = columns.get(name, frozenset()) | _first_record(value)
    return columns


def columns_of_first(files: Iterable[Path]) -> dict[str, frozenset[str]]:
    """The columns of the first of these files that has any."""
    return next((columns for file in files if (columns := columns_of(file))), {})


def _record_fields(kind: pa.DataType) -> frozenset[str]:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        kind = kind.value_type
        if pa.types.is_struct(kind):
            return frozenset(field.name for field in kind)
    return frozenset()


def _first_record(value: Any) -> frozenset[str]:
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return frozenset(value[0])
    return frozenset()
