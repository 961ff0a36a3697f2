"""The account of a merge: what has been finished, so that a killed one resumes, and what it came to.

`manifest.partial.json` holds the shards that are whole and the progress in every source after the last of them; it
makes way for `manifest.json` when the merge is done. Both name the request that they belong to, and its fingerprint.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.data.lost import loss_text
from emulsion.errors import UserError
from emulsion.files import fingerprint, read_json, sha256, write_json
from emulsion.merging.cursor import Progress, Seen
from emulsion.merging.request import Request, differences

log = logging.getLogger(__name__)

PARTIAL, FINISHED = "manifest.partial.json", "manifest.json"
OURS = ("shard-*.parquet", "quarantine-*.jsonl", ".seen-*.npy", PARTIAL, FINISHED)

# Repeated up to four times, data is worth nearly what fresh data is; beyond that less and less (Muennighoff et al.,
# Scaling data-constrained language models, 2023).
MANY_PASSES = 4


class MergeFolder:
    """The finished shards of one folder, and the provenance and progress of each source.

    asked: the request as JSON. done: the manifest, where the folder holds this merge, finished.
    """

    def __init__(self, folder: Path, asked: Mapping[str, Any], overwrite: bool = False) -> None:
        """Go on with the same request; raises UserError for a folder that holds something else.

        overwrite: what another request has merged there may go; it goes when the first shard is due (`begin`).
        """
        self.folder, self.asked, self.fingerprint = folder, dict(asked), fingerprint(asked)
        self.shards: list[dict[str, Any]] = []
        self._seen: list[dict[str, Any]] = []
        self.provenance: dict[str, Any] = {}
        self.progress: dict[str, Progress] = {}
        self.done: dict[str, Any] | None = None
        self._lock: int | None = None
        self._found = self._manifests()
        finished = (kept := _kept(folder / FINISHED)) is not None
        kept = kept or _kept(folder / PARTIAL)
        if kept is None:
            self._refuse_what_is_there(overwrite)
            return
        same, damaged = kept["fingerprint"] == self.fingerprint, self._damaged(kept)
        if same and not damaged:
            self.shards = kept["shards"]
            if finished:
                self.done = kept
                self._tidy()
                return
            self.provenance, self._seen = kept["provenance"], kept.get("seen", [])
            self.progress = {name: Progress.from_json(value) for name, value in kept["progress"].items()}
            log.info("%s: goes on after %d shards", folder, len(self.shards))
        elif not overwrite:
            state = "a finished merge" if finished else "an unfinished merge"
            why = f"of which {damaged} is missing or damaged" if same else f"of another request ({self._changes(kept)})"
            raise UserError(
                f"{folder}: holds {state} {why}. Name another folder, or give --overwrite, which removes what is there."
            )

    def _manifests(self) -> list[bytes | None]:
        files = (self.folder / PARTIAL, self.folder / FINISHED)
        return [file.read_bytes() if file.exists() else None for file in files]

    def _refuse_what_is_there(self, overwrite: bool) -> None:
        """Raise UserError where a folder without a manifest of ours is not empty.

        overwrite: shards whose manifest is damaged or gone may go, if nothing else is there.
        """
        entries = self.folder.iterdir() if self.folder.exists() else ()
        names = [Path(entry.name) for entry in entries if not entry.match(".*.part")]
        ours = all(any(map(name.match, OURS)) for name in names) and any(
            name.match(OURS[0]) or name.name == PARTIAL for name in names
        )
        if names and not ours:
            raise UserError(f"{self.folder}: holds files that are not of a merge; name a folder that is new or empty.")
        if names and not overwrite:
            raise UserError(
                f"{self.folder}: holds shards of a merge whose manifest is damaged or gone. Name another folder, or "
                "give --overwrite, which removes what is there."
            )

    def _damaged(self, kept: Mapping[str, Any]) -> str | None:
        """The first shard, or state to resume from, that is not what its manifest says."""
        for entry in [*kept["shards"], *kept.get("seen", [])]:
            file = self.folder / entry["name"]
            if not file.is_file() or sha256(file) != entry["sha256"]:
                return str(entry["name"])
        return None

    def _changes(self, kept: Mapping[str, Any]) -> str:
        if kept.get("asked", {}).get("format") != self.asked["format"]:
            return "made by another version of Emulsion"
        found = differences(self.asked, kept["asked"])
        return "; ".join([*found[:5], *([f"and {len(found) - 5} more"] if found[5:] else [])])

    def begin(self, seen: Seen | None) -> None:
        """Take the folder for a merge that starts, or load what a resumed one has seen; until `close`.

        Raises UserError where another merge is at work there, or was since this one looked.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder, os.O_RDONLY)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{self.folder}: another merge writes there now. Wait for its end, or name another folder."
            ) from None
        except OSError:
            log.debug("%s: on a file system without locks", self.folder)
        if self._manifests() != self._found:
            raise UserError(f"{self.folder}: another merge wrote there meanwhile. Give the same command again.")
        for left_by_a_kill in self.folder.glob(".*.part"):
            left_by_a_kill.unlink()
        if not self.shards:
            for pattern in OURS:
                for file in self.folder.glob(pattern):
                    file.unlink()
            # What has been read of the sources so far is read again.
            self._save({})
        elif seen is not None:
            for number in range(len(self.shards)):
                seen.load(self.folder / f".seen-{number:05d}.npy")

    def close(self) -> None:
        """Let other merges into the folder."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def add(self, name: str, documents: int) -> None:
        """Record a shard that is whole, and how far every source has come."""
        file = self.folder / name
        entry = {"name": name, "documents": documents, "bytes": file.stat().st_size, "sha256": sha256(file)}
        self.shards.append(entry)
        if (seen := self.folder / f".seen-{len(self._seen):05d}.npy").exists():
            self._seen.append({"name": seen.name, "sha256": sha256(seen)})
        self._save({source: value.to_json() for source, value in self.progress.items()})

    def _save(self, progress: Mapping[str, Any]) -> None:
        partial = {"fingerprint": self.fingerprint, "asked": self.asked, "shards": self.shards, "seen": self._seen}
        write_json(self.folder / PARTIAL, {**partial, "provenance": self.provenance, "progress": progress})

    def finish(self, manifest: Mapping[str, Any]) -> None:
        write_json(self.folder / FINISHED, manifest)
        self._tidy()

    def _tidy(self) -> None:
        """Remove what only an unfinished merge needs."""
        for file in (self.folder / PARTIAL, *self.folder.glob(".seen-*.npy")):
            file.unlink(missing_ok=True)


def _kept(file: Path) -> dict[str, Any] | None:
    """A manifest of ours that is whole."""
    try:
        kept = read_json(file) if file.exists() else None
    except UserError as error:
        log.warning("%s", str(error).partition(". Make it again")[0])
        return None
    return kept if isinstance(kept, dict) and {"fingerprint", "shards"} <= set(kept) else None


def manifest(request: Request, merged: MergeFolder, notes: list[str]) -> dict[str, Any]:
    """notes: what the readers of the sources say."""
    progress = {source.name: merged.progress.get(source.name, Progress()) for source in request.sources}
    documents = sum(each.documents for each in progress.values())
    processed = sum(each.processed for each in progress.values())
    tokenizer = merged.asked["tokenizer"]
    return {
        "fingerprint": merged.fingerprint,
        "mode": "weighted: a weight is a share of documents" if request.weighted else "concatenated",
        "seed": request.seed,
        "max_samples": request.max_samples,
        "max_passes": request.max_passes,
        "shard_bytes": request.shard_bytes,
        "cleaning": merged.asked["cleaning"],
        "tokenizer": tokenizer,
        "ended": _ended(request, progress, documents),
        "processed": processed,
        "documents": documents,
        "kept": f"{documents:,} ({100 * _share(documents, processed):.2f} %)",
        "bytes": sum(each.bytes for each in progress.values()),
        "tokens": sum(each.tokens for each in progress.values()) if tokenizer else None,
        "notes": [*notes, *_notes(request, progress)],
        "drift": drift(request.mixture, progress, by_tokens=bool(tokenizer)) if request.weighted else None,
        "sources": {
            source.name: {
                "weight": source.weight,
                "share_due": request.mixture[source.name] if request.weighted else None,
                **_drawn(progress[source.name], documents),
                "type": source.type,
                "evidence": source.evidence,
                **merged.provenance.get(source.name, {}),
            }
            for source in request.sources
        },
        "shards": merged.shards,
        "asked": merged.asked,
    }


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _drawn(progress: Progress, documents: int) -> dict[str, Any]:
    return {
        "processed": progress.processed,
        "documents": progress.documents,
        "share_kept": _share(progress.documents, progress.processed),
        "removed": dict(progress.removed),
        "share_of_documents": _share(progress.documents, documents),
        "bytes": progress.bytes,
        "tokens": progress.tokens or None,
        "passes_completed": progress.passes,
        "documents_per_pass": progress.documents_per_pass,
        "rows_read": progress.rows,
        "set_aside": dict(progress.set_aside),
        "columns": progress.columns.shares(),
    }


def _ended(request: Request, progress: Mapping[str, Progress], documents: int) -> str:
    if documents == request.max_samples:
        return "at max_samples"
    drawn = [progress[source.name] for source in request.drawn]
    if all(each.passes for each in drawn):
        return "every source was read to its end"
    return "at max_passes of a source"


def _notes(request: Request, progress: Mapping[str, Progress]) -> list[str]:
    """What the user should know, in sentences."""
    notes = request.notes()
    for source in request.sources:
        name, each = source.name, progress[source.name]
        if loss := loss_text(name, each.rows, each.set_aside, each.places):
            notes.append(f"{loss} They lie in quarantine-*.jsonl.")
        notes += filter(None, [each.columns.text(name)])
        if each.documents == 0:
            share = f" (share {request.mixture[name]:.3g})" if request.weighted else ""
            why = "too small for so few documents." if request.weighted else "max_samples is reached before it."
            why = "nothing of it is left." if each.passes else why
            why = "its weight is 0." if request.weighted and not source.weight else why
            notes.append(f"'{name}'{share} is not drawn: {why}")
        elif request.weighted and each.documents_per_pass and each.documents > MANY_PASSES * each.documents_per_pass:
            passes = each.documents / each.documents_per_pass
            notes.append(
                f"'{name}' is read {passes:.1f} times; data repeated more than {MANY_PASSES} times teaches less."
            )
    return notes


def drift(weights: Mapping[str, float], progress: Mapping[str, Progress], by_tokens: bool) -> dict[str, Any]:
    """How far the shares of text, by tokens or by bytes of UTF-8, are from the weights, which are shares of documents.

    misplaced: the share of the text that would have to be of other sources for the weights to be met, half the sum of
    all differences.
    """
    unit = "tokens" if by_tokens else "bytes"
    sizes = {name: each.tokens if by_tokens else each.bytes for name, each in progress.items()}
    total = sum(sizes.values())
    shares = {name: size / total for name, size in sizes.items()}
    gaps = {name: share - weights[name] for name, share in shares.items()}
    most = max(gaps, key=lambda name: abs(gaps[name]))
    note = (
        f"A weight is a share of documents here, and sources differ in the length of their documents. By {unit} "
        f"'{most}' makes {100 * shares[most]:.2f} %, its weight is {100 * weights[most]:.2f} %. "
        + ("" if by_tokens else "Bytes stand for tokens, of which they are an estimate. ")
        + "Runs of the workflow draw packed sequences, so their shares are of tokens and exact."
    )
    return {
        "unit": unit,
        "misplaced": sum(map(abs, gaps.values())) / 2,
        "largest": {"source": most, "difference": gaps[most]},
        "shares": shares,
        "differences": gaps,
        "note": note,
    }
