"""Bring a source to its folder of raw files, by its kind, and say what was got."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from emulsion.data.sources.transfer import clear, clear_hidden
from emulsion.errors import UserError
from emulsion.files import sha256, write_json

Source = Mapping[str, Any]
# The files in order, and their origin for the provenance record; its `rows`, {name: rows}, go to the list of files.
Fetched = tuple[list[Path], dict[str, Any]]

RESUMED = ("hub", "web")


def fetch(name: str, source: Source, folder: Path, groups: Path | None = None) -> dict[str, Any]:
    """Bring a source to `folder` in its native schema; returns the provenance that is written beside it.

    groups: manifest of the split source, for a source of kind `group`. A fetch from the hub or the web that was cut off
    resumes where it stopped. Raises UserError where something is missing or refused.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if source["kind"] not in RESUMED:
        clear(folder)
    files, origin = _fetcher(source["kind"], groups)(name, source, folder)
    rows = origin.pop("rows", {})
    provenance = {
        "source": name,
        **origin,
        "licence": source.get("licence", "unstated"),
        "files": [_entry(file, rows) for file in files],
    }
    write_json(folder / "provenance.json", provenance)
    clear_hidden(folder)
    return provenance


def _fetcher(kind: str, groups: Path | None) -> Callable[[str, Source, Path], Fetched]:
    """What brings a source of this kind. The hub's client is loaded only for what needs it."""
    if kind == "hub":
        from emulsion.data.sources.hub import download

        return download
    if kind == "web":
        from emulsion.data.sources.web import fetch_files

        return fetch_files
    if kind == "group":
        from emulsion.data.sources.groups import link_group

        if groups is None:
            raise UserError("a source of kind 'group' needs --groups: the manifest.json of the source that was split.")
        return partial(link_group, groups)
    if kind == "local":
        from emulsion.data.sources.local import link_files

        return link_files
    return _generate


def _entry(file: Path, rows: Mapping[str, int]) -> dict[str, Any]:
    counted = {"rows": rows[file.name]} if file.name in rows else {}
    return {"name": file.name, **counted, "bytes": file.stat().st_size, "sha256": sha256(file)}


def _generate(name: str, source: Source, folder: Path) -> Fetched:
    from emulsion import synthetic
    from emulsion.data.sources.parquet import write_parquet

    like, documents, seed = source["like"], source["documents"], source["seed"]
    rows = synthetic.rows(like, documents, seed)
    files = write_parquet(rows, folder, synthetic.arrow_schema(like))
    return files, {"kind": "synthetic", "like": like, "documents": documents, "seed": seed}
