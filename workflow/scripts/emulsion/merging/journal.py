"""What a merge has finished, so that one that was killed goes on where it was.

`manifest.partial.json` holds the shards that are whole and the progress in every source after the last of them; it
makes way for `manifest.json` when the merge is done. Both name the request, by its fingerprint, that they belong to.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.files import read_json, sha256, write_json
from emulsion.merging.cursor import Progress

log = logging.getLogger(__name__)

OURS = ("shard-*.parquet", "quarantine-*.jsonl", "manifest.partial.json", "manifest.json")


class Journal:
    """The finished shards of one folder, and the provenance and progress of each source."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder, self.fingerprint = folder, fingerprint
        self.shards: list[dict[str, Any]] = []
        self.provenance: dict[str, Any] = {}
        self.progress: dict[str, Progress] = {}

    @classmethod
    def open(cls, folder: Path, fingerprint: str) -> Journal:
        """Go on with the same request, else begin afresh; raises UserError for a folder that holds something else."""
        journal = cls(folder, fingerprint)
        folder.mkdir(parents=True, exist_ok=True)
        for left_by_a_kill in folder.glob(".*.part"):
            left_by_a_kill.unlink()
        kept = _kept(folder, "manifest.partial.json")
        if kept and kept["fingerprint"] == fingerprint and _all_there(folder, kept):
            journal.shards, journal.provenance = kept["shards"], kept["provenance"]
            journal.progress = {name: Progress.from_json(value) for name, value in kept["progress"].items()}
            log.info("%s: goes on after %d shards", folder, len(journal.shards))
        elif kept or _kept(folder, "manifest.json"):
            log.warning("%s: holds a merge of another request, or not all of one; it is replaced", folder)
            for pattern in OURS:
                for file in folder.glob(pattern):
                    file.unlink()
        elif any(folder.iterdir()):
            raise UserError(f"{folder}: holds files that are not of a merge; name a folder that is new or empty.")
        return journal

    def add(self, name: str, documents: int) -> None:
        """Record a shard that is whole, and how far every source has come."""
        file = self.folder / name
        entry = {"name": name, "documents": documents, "bytes": file.stat().st_size, "sha256": sha256(file)}
        self.shards.append(entry)
        self._save({source: asdict(value) for source, value in self.progress.items()})

    def begin(self) -> None:
        """Record what the sources are, and no progress: what has been read of them so far is read again."""
        self._save({})

    def _save(self, progress: Mapping[str, Any]) -> None:
        partial = {"fingerprint": self.fingerprint, "shards": self.shards, "provenance": self.provenance}
        write_json(self.folder / "manifest.partial.json", {**partial, "progress": progress})

    def finish(self, manifest: Mapping[str, Any]) -> None:
        write_json(self.folder / "manifest.json", manifest)
        (self.folder / "manifest.partial.json").unlink()


def finished(folder: Path, fingerprint: str) -> dict[str, Any] | None:
    """The manifest of this request, where its merge is done and all shards are there."""
    manifest = _kept(folder, "manifest.json")
    done = manifest is not None and manifest["fingerprint"] == fingerprint and _all_there(folder, manifest)
    if done:
        (folder / "manifest.partial.json").unlink(missing_ok=True)
    return manifest if done else None


def _kept(folder: Path, name: str) -> dict[str, Any] | None:
    """A manifest of ours."""
    file = folder / name
    kept = read_json(file) if file.exists() else None
    return kept if isinstance(kept, dict) and "fingerprint" in kept else None


def _all_there(folder: Path, kept: Mapping[str, Any]) -> bool:
    files = [(folder / shard["name"], shard["bytes"]) for shard in kept["shards"]]
    return all(file.exists() and file.stat().st_size == size for file, size in files)
