"""Sources: fetch a named data group in its native schema, and read it back row by row.

`data/raw/{source}/` holds Parquet or JSON-lines files as the source has them, and `provenance.json`: what was
asked for, what was got, and a checksum of every file.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion import synthetic
from emulsion.errors import UserError
from emulsion.files import sha256, whole_file, write_json

ROWS_PER_FILE = 100_000
ROWS_PER_GROUP = 2_000
LOCAL_SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz")

Source = Mapping[str, Any]


def fetch(name: str, source: Source, folder: Path) -> dict[str, Any]:
    """Bring a source to `folder` in its native schema; returns the provenance that is written beside it.

    Raises UserError where local files are missing or the hub does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    files, origin = {"synthetic": _generate, "local": _link, "hub": _download}[source["kind"]](name, source, folder)
    provenance = {
        "source": name,
        **origin,
        "licence": source.get("licence", "unstated"),
        "files": [{"name": file.name, "bytes": file.stat().st_size, "sha256": sha256(file)} for file in files],
    }
    write_json(folder / "provenance.json", provenance)
    return provenance


def _generate(name: str, source: Source, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    like, documents, seed = source["like"], source["documents"], source["seed"]
    rows = synthetic.rows(like, documents, seed)
    files = _write_parquet(rows, folder, synthetic.arrow_schema(like))
    return files, {"kind": "synthetic", "like": like, "documents": documents, "seed": seed}


def local_files(name: str, source: Source) -> list[Path]:
    """The files a local source names, in order; raises UserError where a pattern matches none."""
    files: list[Path] = []
    for pattern in source["files"]:
        path = Path(pattern)
        found = sorted(Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)) if path.anchor else pattern))
        if not found:
            raise UserError(f"sources.{name}.files: no file matches '{pattern}'.")
        files += found
    for file in files:
        if not file.name.endswith(LOCAL_SUFFIXES):
            raise UserError(f"sources.{name}.files: '{file}' is not one of {', '.join(LOCAL_SUFFIXES)}.")
    return files


def _link(name: str, source: Source, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    links = []
    for number, file in enumerate(local_files(name, source)):
        suffix = next(suffix for suffix in LOCAL_SUFFIXES if file.name.endswith(suffix))
        link = folder / f"part-{number:05d}{suffix}"
        link.symlink_to(file.resolve())
        links.append(link)
    return links, {"kind": "local", "patterns": list(source["files"])}


def _download(name: str, source: Source, folder: Path) -> tuple[list[Path], dict[str, Any]]:
    """A seeded sample of a hub dataset, streamed; the revision asked for is resolved to a commit and recorded."""
    import datasets
    import huggingface_hub

    token = os.environ.get("HF_TOKEN")
    where = f"sources.{name}"
    try:
        found = huggingface_hub.HfApi(token=token).dataset_info(source["id"], revision=source.get("revision"))
        stream = datasets.load_dataset(
            source["id"], source.get("config"), split=source["split"], revision=found.sha, streaming=True, token=token
        )
        stream = stream.shuffle(seed=source["seed"], buffer_size=source["shuffle_buffer"])
        schema = stream.features.arrow_schema if stream.features else None
        files = _write_parquet(itertools.islice(stream, source["documents"]), folder, schema)
    except (OSError, ValueError, huggingface_hub.errors.HfHubHTTPError) as error:
        raise UserError(f"{where}: the hub dataset '{source['id']}' could not be read: {error}") from error
    origin = {"kind": "hub", "id": source["id"], "config": source.get("config"), "split": source["split"]}
    return files, {**origin, "revision": found.sha, "documents": source["documents"], "seed": source["seed"]}


def _write_parquet(rows: Iterable[Mapping[str, Any]], folder: Path, schema: pa.Schema | None) -> list[Path]:
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
