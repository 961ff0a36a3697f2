"""Raw files read row by row, and written, in bounded memory."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.files import whole_file

ROWS_PER_FILE = 100_000
ROWS_PER_GROUP = 2_000


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
    """{column: fields of its records where it is a list of records, else empty} of one raw file."""
    if file.suffix == ".parquet":
        return {field.name: _record_fields(field.type) for field in pq.read_schema(file)}
    for row in _read_file(file):
        return {name: _first_record(value) for name, value in row.items()}
    return {}


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


def read_rows(files: Iterable[Path]) -> Iterator[dict[str, Any]]:
    """The native rows of raw files, in order, in bounded memory."""
    for file in files:
        yield from _read_file(file)


def _read_file(file: Path) -> Iterator[dict[str, Any]]:
    if file.suffix == ".parquet":
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(batch_size=ROWS_PER_GROUP):
                yield from batch.to_pylist()
        return
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        for line in lines:
            yield _parse(line)


def _parse(line: bytes) -> dict[str, Any]:
    """A row of JSON lines; a malformed one becomes a row without columns, which the normaliser sets aside."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
