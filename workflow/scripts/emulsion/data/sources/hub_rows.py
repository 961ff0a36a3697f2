"""The rows of a sample from the hub, brought into numbered parts.

JSON and CSV files are downloaded whole, sampled and removed again, for their rows cannot be reached without reading all
before them. Files come in seeded order and are taken whole until the limit; of the last one, as many rows as are
missing, drawn by seed over all of it. Rows are kept as they are written, as JSON lines: they need not fit one schema,
and most of OpenHermes' columns are null for most rows.

Of Parquet files nothing is downloaded but footers and the row groups that are taken. Groups come in seeded order, drawn
across all files (across FILES_AT_ONCE of them at a time where a dataset has more, so that a sample of a thousand files
does not read a thousand footers). They are taken whole until the limit; of the last one, as many rows as are missing,
drawn by seed. The parts are a function of files, seed and limit alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from tqdm import tqdm

from emulsion.data.schemas import Kind
from emulsion.data.sources.formats import parse
from emulsion.data.sources.hub_draws import Columns, Limit, choose, order, size_of
from emulsion.data.sources.hub_plan import Plan, headers, open_remote, row_suffix, url_of
from emulsion.data.sources.network import TRANSIENT
from emulsion.data.sources.parquet import ROWS_PER_GROUP, columns_of_schema
from emulsion.data.sources.raw import RawFile, columns_of_first, pack, raw_lines
from emulsion.data.sources.transfer import Download, download_file, remove
from emulsion.errors import UserError
from emulsion.files import whole_file
from emulsion.seeds import derive_seed

FILES_AT_ONCE = 64
CONNECTIONS = 8
PART_ROWS = 10_000
PART_BYTES = 256 << 20  # before compression


def fetch_row_files(name: str, source: Mapping[str, Any], download: Download, limit: Limit, bar: tqdm[None]) -> int:
    """Fetch the sample into numbered parts; returns the number of files it is drawn from."""
    plan, seed = download.plan, source["seed"]
    files = [plan["files"][place] for place in order(derive_seed(seed, "files"), len(plan["files"]))]
    finished = [part["file"] for part in download.parts if part["last"]]
    for file in files:
        if file["path"] in finished:
            continue
        wanted = limit.amount - sum(part["size"] for part in download.parts if part["file"] in finished)
        if wanted <= 0:
            break
        cached = _download(plan, file, download.folder)
        kind = limit.kind(name, source, partial(columns_of_first, name, [RawFile(cached, file["path"], 0)]))
        _write_parts(cached, file["path"], download, kind, wanted, seed, bar)
        finished.append(file["path"])
        remove(cached)
    return len(finished)


def _download(plan: Plan, file: Mapping[str, Any], folder: Path) -> Path:
    """The whole file; a JSON array as lines, so that it is taken apart once though its rows are gone through twice."""
    cache = folder / ".cache"
    cache.mkdir(exist_ok=True)
    stem, suffix = f"{plan['files'].index(file):05d}", row_suffix(file["path"])
    as_lines, whole = cache / f"{stem}.lines.jsonl", cache / f"{stem}{suffix}"
    if as_lines.exists():
        return as_lines
    download_file(url_of(plan, file), file["path"], whole, headers(), file["bytes"], file["sha256"])
    if suffix.startswith(".jsonl") or not suffix.startswith(".json"):
        return whole
    with whole_file(as_lines) as beside, beside.open("wb") as out:
        out.writelines(row + b"\n" for row in raw_lines(whole))
    remove(whole)
    return as_lines


def _write_parts(
    cached: Path, path: str, download: Download, kind: Kind | None, wanted: int, seed: int, bar: tqdm[None]
) -> None:
    """Write the chosen rows of a file as parts, except those that an earlier try has written."""
    sizes = _sizes(cached, kind)
    chosen = choose(sizes, wanted, derive_seed(seed, path))
    done = sum(part["file"] == path for part in download.parts)
    rows = _picked(raw_lines(cached), chosen)
    for start in range(0, len(chosen), PART_ROWS):
        some = chosen[start : start + PART_ROWS]
        part = itertools.islice(rows, len(some))
        if start // PART_ROWS < done:
            next(itertools.islice(part, len(some), None), None)
            continue
        file = download.folder / f"part-{len(download.parts):05d}.jsonl.gz"
        with whole_file(file) as beside, beside.open("wb") as out, pack(out) as packed:
            packed.writelines(row + b"\n" for row in part)
        size, last = int(sizes[some].sum()), start + PART_ROWS >= len(chosen)
        download.add({"name": file.name, "rows": len(some), "size": size, "file": path, "last": last})
        bar.update(size)


def _sizes(cached: Path, kind: Kind | None) -> NDArray[np.int64]:
    """[rows] what each row counts against the limit."""
    if kind is None:
        return np.ones(sum(1 for _ in raw_lines(cached)), np.int64)
    return np.fromiter((size_of(parse(row), kind) for row in raw_lines(cached)), np.int64)


def _picked(rows: Iterator[bytes], places: NDArray[np.int64]) -> Iterator[bytes]:
    place = 0
    for wanted in places:
        yield next(itertools.islice(rows, int(wanted) - place, None))
        place = int(wanted) + 1


@dataclass(frozen=True)
class Group:
    """One row group of a remote file."""

    file: Mapping[str, Any]
    footer: pq.FileMetaData
    number: int

    @property
    def rows(self) -> int:
        return int(self.footer.row_group(self.number).num_rows)

    @property
    def size(self) -> int:
        """Bytes before compression."""
        return int(self.footer.row_group(self.number).total_byte_size)


def fetch_row_groups(name: str, source: Mapping[str, Any], download: Download, limit: Limit, bar: tqdm[None]) -> int:
    """Fetch the sample into numbered parts; returns the number of row groups it is drawn from.

    Raises UserError for a file that is not Parquet or whose columns do not fit those of the others.
    """
    kind: Kind | None = None
    parts = _parts(download.plan, source["seed"])
    for number, groups in enumerate(itertools.islice(parts, len(download.parts), None), len(download.parts)):
        wanted = limit.amount - download.size
        if wanted <= 0:
            break
        kind = kind or limit.kind(name, source, partial(columns_of_footer, groups[0].footer))
        tables, size = _sample(download.plan, groups, kind, wanted, source["seed"])
        file = download.folder / f"part-{number:05d}.parquet"
        with whole_file(file) as beside:
            pq.write_table(_together(name, tables), beside, compression="zstd", row_group_size=ROWS_PER_GROUP)
        rows = sum(table.num_rows for table in tables)
        download.add({"name": file.name, "rows": rows, "size": size, "groups": len(tables)})
        bar.update(size)
    return sum(part["groups"] for part in download.parts)


def columns_of_footer(metadata: pq.FileMetaData) -> Columns:
    """The columns as `columns_of` tells them of a whole file."""
    return columns_of_schema(metadata.schema.to_arrow_schema())


def footer(plan: Plan, file: Mapping[str, Any]) -> pq.FileMetaData:
    """The metadata at the end of a remote Parquet file; raises UserError where there is none."""
    with _readable(plan, file), pq.ParquetFile(pa.PythonFile(open_remote(plan, file), mode="r")) as parquet:
        return parquet.metadata


@contextmanager
def _readable(plan: Plan, file: Mapping[str, Any]) -> Iterator[None]:
    """Within the block a file that is not whole is a UserError; what the connection does stays what it is."""
    try:
        yield
    except TRANSIENT:
        raise
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"'{file['path']}' of '{plan['id']}' is damaged, or not Parquet: {error}") from None


def _groups(plan: Plan, seed: int) -> Iterator[Group]:
    """All row groups in seeded order; footers are read when their turn comes."""
    files = [plan["files"][place] for place in order(derive_seed(seed, "files"), len(plan["files"]))]
    for start in range(0, len(files), FILES_AT_ONCE):
        some = files[start : start + FILES_AT_ONCE]
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            footers = list(pool.map(partial(footer, plan), some))
        found = [
            Group(file, metadata, number)
            for file, metadata in zip(some, footers, strict=True)
            for number in range(metadata.num_row_groups)
        ]
        yield from (found[place] for place in order(derive_seed(seed, "groups", start), len(found)))


def _parts(plan: Plan, seed: int) -> Iterator[list[Group]]:
    """The groups of each part. Parts are small, for a kill costs one; a group is never cut."""
    part: list[Group] = []
    for group in _groups(plan, seed):
        part.append(group)
        if sum(each.rows for each in part) >= PART_ROWS or sum(each.size for each in part) >= PART_BYTES:
            yield part
            part = []
    if part:
        yield part


def _sample(plan: Plan, groups: list[Group], kind: Kind | None, wanted: int, seed: int) -> tuple[list[pa.Table], int]:
    """The rows of a part up to what is wanted, one table a group, and what they count against the limit."""
    tables: list[pa.Table] = []
    total = 0
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for start in range(0, len(groups), CONNECTIONS):
            some = groups[start : start + CONNECTIONS]
            if kind is None:  # how many rows a group has is known before it is read
                before = itertools.accumulate((group.rows for group in some), initial=total)
                some = [group for group, reached in zip(some, before, strict=False) if reached < wanted]
            for group, table in zip(some, pool.map(partial(_read, plan), some), strict=True):
                if total >= wanted:
                    break
                sizes = np.ones(table.num_rows, np.int64) if kind is None else _text_sizes(table, kind)
                rows = choose(sizes, wanted - total, derive_seed(seed, group.file["path"], group.number))
                tables.append(table if len(rows) == table.num_rows else table.take(rows))
                total += int(sizes[rows].sum())
    return tables, total


def _together(name: str, tables: list[pa.Table]) -> pa.Table:
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise UserError(
            f"sources.{name}: its files disagree about their columns: {error}. Make a source of each part of it that "
            "agrees, by `config` or `split`."
        ) from None


def _text_sizes(table: pa.Table, kind: Kind) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.array([size_of(row, kind) for batch in table.to_batches(2000) for row in batch.to_pylist()], np.int64)


def _read(plan: Plan, group: Group) -> pa.Table:
    source = pa.PythonFile(open_remote(plan, group.file), mode="r")
    with _readable(plan, group.file), pq.ParquetFile(source, metadata=group.footer, pre_buffer=True) as parquet:
        return parquet.read_row_group(group.number).replace_schema_metadata()
