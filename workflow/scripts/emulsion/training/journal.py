"""The journal of a sweep: what was measured stays, each row by its identity.

So what was cut off goes on, and a change of the sweep trains only what is new. Two jobs may share a journal, for a file
is only ever written whole, by the job that measures what its name stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emulsion.files import fingerprint, read_json, write_json


class Journal:
    """A folder of `{identity}.json`: {"what": was measured, "row": the result}."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, what: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was measured of this, or None."""
        file = self._file(what)
        row: dict[str, Any] | None = read_json(file)["row"] if file.exists() else None
        return row

    def keep(self, what: Mapping[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        write_json(self._file(what), {"what": what, "row": row})
        return row

    def _file(self, what: Mapping[str, Any]) -> Path:
        return self.folder / f"{fingerprint(what)}.json"
