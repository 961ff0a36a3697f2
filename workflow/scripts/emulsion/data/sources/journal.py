"""What a fetch has settled and finished, so that one that was killed goes on where it was.

`.plan.json` holds what was asked for and what it was resolved to; `.parts.json` the parts that are whole. Both lie in
the source's folder and go when the fetch is done.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from emulsion.files import fingerprint, read_json, write_json

Part = dict[str, Any]  # {name, rows, size: what it counts against the limit, ...}


class Journal:
    """The plan and the finished parts of one folder."""

    def __init__(self, folder: Path, plan: dict[str, Any], parts: list[Part]) -> None:
        self.folder, self.plan, self.parts = folder, plan, parts

    @classmethod
    def open(cls, folder: Path, request: dict[str, Any], settle: Callable[[], dict[str, Any]]) -> Journal:
        """Go on with the same request, else empty the folder and settle a plan.

        request: everything that decides the result; settle: resolves it, such as a branch to a commit. A later try
        keeps what the first one settled, though the branch may have moved meanwhile.
        """
        asked, plan_file = fingerprint(request), folder / ".plan.json"
        if plan_file.exists() and (kept := read_json(plan_file))["asked"] == asked:
            parts_file = folder / ".parts.json"
            journal = cls(folder, kept["plan"], read_json(parts_file) if parts_file.exists() else [])
            journal._remove_rest()
            return journal
        clear(folder)
        plan = settle()
        write_json(plan_file, {"asked": asked, "plan": plan})
        return cls(folder, plan, [])

    @property
    def size(self) -> int:
        """What the finished parts count against the limit."""
        return sum(part["size"] for part in self.parts)

    def add(self, part: Part) -> None:
        """Record a part that is whole."""
        self.parts.append(part)
        write_json(self.folder / ".parts.json", self.parts)

    def _remove_rest(self) -> None:
        """What a kill left half written."""
        for entry in list(self.folder.rglob(".*.part")):
            remove(entry)


def clear(folder: Path) -> None:
    """Remove everything in a folder."""
    for entry in folder.iterdir():
        remove(entry)


def clear_hidden(folder: Path) -> None:
    """Leave nothing in a folder but what was fetched."""
    for entry in folder.glob(".*"):
        remove(entry)


def remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
