"""A seeded sample of the rows of remote JSON and CSV files: downloaded whole, sampled, removed again.

Rows of such files cannot be reached without reading all before them. Files come in seeded order and are taken whole
until the limit; of the last one, as many rows as are missing, drawn by seed over all of it. Rows are kept as they are
written, as JSON lines: they need not fit one schema, and most of OpenHermes' columns are null for most rows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from emulsion.data.normalize import Kind
from emulsion.data.sources.draws import Limit, choose, order, size_of
from emulsion.data.sources.formats import parse
from emulsion.data.sources.hub_plan import Plan, headers, row_suffix, url_of
from emulsion.data.sources.journal import Journal, remove
from emulsion.data.sources.raw_lines import pack, raw_lines
from emulsion.data.sources.rows import columns_of
from emulsion.data.sources.transfer import download_file
from emulsion.files import whole_file
from emulsion.seeds import derive_seed

PART_ROWS = 10_000


def fetch_row_files(name: str, source: Mapping[str, Any], journal: Journal, limit: Limit, bar: tqdm[None]) -> int:
    """Fetch the sample into numbered parts; returns the number of files it is drawn from."""
    plan, seed = journal.plan, source["seed"]
    files = [plan["files"][place] for place in order(derive_seed(seed, "files"), len(plan["files"]))]
    finished = [part["file"] for part in journal.parts if part["last"]]
    for file in files:
        if file["path"] in finished:
            continue
        wanted = limit.amount - sum(part["size"] for part in journal.parts if part["file"] in finished)
        if wanted <= 0:
            break
        cached = _download(plan, file, journal.folder)
        kind = limit.kind(name, source, partial(columns_of, cached))
        _write_parts(cached, file["path"], journal, kind, wanted, seed, bar)
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
    cached: Path, path: str, journal: Journal, kind: Kind | None, wanted: int, seed: int, bar: tqdm[None]
) -> None:
    """Write the chosen rows of a file as parts, but for those that an earlier try has written."""
    sizes = _sizes(cached, kind)
    chosen = choose(sizes, wanted, derive_seed(seed, path))
    done = sum(part["file"] == path for part in journal.parts)
    rows = _picked(raw_lines(cached), chosen)
    for start in range(0, len(chosen), PART_ROWS):
        some = chosen[start : start + PART_ROWS]
        part = itertools.islice(rows, len(some))
        if start // PART_ROWS < done:
            next(itertools.islice(part, len(some), None), None)
            continue
        file = journal.folder / f"part-{len(journal.parts):05d}.jsonl.gz"
        with whole_file(file) as beside, beside.open("wb") as out, pack(out) as packed:
            packed.writelines(row + b"\n" for row in part)
        size, last = int(sizes[some].sum()), start + PART_ROWS >= len(chosen)
        journal.add({"name": file.name, "rows": len(some), "size": size, "file": path, "last": last})
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
