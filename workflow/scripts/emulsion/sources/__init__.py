"""Sources: fetch a named data group in its native schema, and read it back row by row.

`data/raw/{source}/` holds Parquet or JSON-lines files as the source has them, and `provenance.json`: what was
asked for, what was got, and a checksum of every file.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion import synthetic
from emulsion.files import sha256, write_json
from emulsion.sources.hub import download
from emulsion.sources.local import link_files
from emulsion.sources.rows import write_parquet

Source = Mapping[str, Any]


def fetch(name: str, source: Source, folder: Path) -> dict[str, Any]:
    """Bring a source to `folder` in its native schema; returns the provenance that is written beside it.

    Raises UserError where local files are missing or the hub does not answer.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        stale.unlink()
    files, origin = {"synthetic": _generate, "local": link_files, "hub": download}[source["kind"]](name, source, folder)
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
    files = write_parquet(rows, folder, synthetic.arrow_schema(like))
    return files, {"kind": "synthetic", "like": like, "documents": documents, "seed": seed}
