"""A source opened in place and read row by row: the one reader of fetching, normalising and merging.

    opened = open_source("notes", {"kind": "local", "files": ["notes/*.jsonl"]})
    for part in opened.parts:      # the files, in order
        part.path                  # what messages and the quarantine call the file
        part.columns()             # {column: fields of its records}; {} where no row can be read
        for row in part.rows(7):   # its rows from number 7 on: a dict, or Malformed(reason, content)
            ...
    opened.provenance              # what the source is, for a manifest

`columns_of_first(name, opened.parts)` in `raw` gives the columns of a source, or refuses it with the reasons of its
files. Rows that cannot be read never stop the reading; what can never be read (a pointer of git-lfs, a missing file, no
access, no connection) is a UserError when the source is opened or, where the connection breaks, when it is read.
A fetched source is read by the same parts: `raw_files(provenance, folder)`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from emulsion.data.sources.local import find_files
from emulsion.data.sources.raw import RawFile
from emulsion.files import sha256


@dataclass(frozen=True)
class Opened:
    """parts: the files of a source, in order; provenance: what was asked for and what it is."""

    parts: list[RawFile]
    provenance: dict[str, Any]


def open_source(name: str, source: Mapping[str, Any], where: str | None = None) -> Opened:
    """Open a source without copying it.

    source: {kind: local, files, exclude} of this machine, or {kind: hub, id, config, split, revision}: one split at one
    commit, whose files are read by ranges, so that nothing is downloaded but what is read. Of the hub's, `config` may
    be left out where the hub resolves it, and `revision` may be the commit of an earlier try. where: key path for
    messages about local files.
    """
    if source["kind"] == "local":
        parts = find_files(name, source, where)
        files = [{"path": part.path, "sha256": sha256(cast(Path, part.file))} for part in parts]
        return Opened(parts, {"kind": "local", "files": files})
    # The hub's client takes a second to load.
    from emulsion.data.sources.hub_plan import HubFile, resolve
    from emulsion.data.sources.network import start_session

    start_session()
    asked = {"config": None, "split": "train", "revision": None, **source}
    plan = resolve(name, asked)
    parts = [RawFile(HubFile(name, plan, entry), entry["path"], entry["bytes"]) for entry in plan["files"]]
    settled = {"id": plan["id"], "config": asked["config"], "split": asked["split"], "revision": plan["revision"]}
    return Opened(parts, {"kind": "hub", **settled})
