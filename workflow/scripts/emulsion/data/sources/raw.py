"""The files of a fetched source as its provenance lists them, and the share of them that is one shard's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.errors import UserError


@dataclass(frozen=True)
class RawFile:
    """A raw file: where it lies, what its source calls it, its size in bytes, and what is taken of Python code."""

    file: Path
    path: str
    bytes: int
    python: str | None = None


def raw_files(provenance: Mapping[str, Any], folder: Path) -> list[RawFile]:
    """The files of `folder` that its provenance lists, in their order; raises UserError for one elsewhere."""
    paths, python = provenance.get("paths", {}), provenance.get("python")
    files = []
    for entry in provenance["files"]:
        name = entry["name"]
        if name in ("", ".", "..") or Path(name).name != name:
            raise UserError(f"{folder / 'provenance.json'}: the file '{name}' is not in this folder; fetch it again.")
        files.append(RawFile(folder / name, paths.get(name, name), entry["bytes"], python))
    return files


def shard_files(files: Sequence[RawFile], shard: int, shards: int) -> list[RawFile]:
    """The files of a shard: one contiguous part of the list, all parts of about as many bytes.

    Every file is in exactly one shard, by where its middle lies in the whole; with few files some shards are empty.
    """
    if not 0 <= shard < shards:
        raise UserError(f"--shard {shard}: of {shards} shards the first is 0 and the last {shards - 1}.")
    # One more for each, so that empty files have a place as well.
    total = sum(file.bytes + 1 for file in files)
    chosen, before = [], 0
    for file in files:
        size = file.bytes + 1
        if (2 * before + size) * shards // (2 * total) == shard:
            chosen.append(file)
        before += size
    return chosen
