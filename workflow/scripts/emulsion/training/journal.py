"""The journal of a sweep: what was measured stays, each row by its identity.

So what was cut off resumes, and a change of the sweep trains only what is new. Two jobs may share a journal, for a file
is only ever written whole, by the job that owns the trunk (`training.owner`) and measures what the name stands for. A
damaged row is set aside and measured again.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.files import fingerprint, read_object, without_remedy, write_json

log = logging.getLogger(__name__)


class Journal:
    """A folder of `{identity}.json`: {"what": was measured, "row": the result}."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, what: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was measured of this, or None."""
        file = self._file(what)
        if not file.exists():
            return None
        try:
            kept = read_object(file, ("what", "row"))
            if fingerprint(kept["what"]) != file.stem or "seconds" not in kept["row"]:
                raise UserError(f"{file}: holds the row of something else.")
        except UserError as error:
            aside = file.with_suffix(".damaged")
            file.replace(aside)
            log.warning("%s It is set aside as %s and measured again.", without_remedy(error), aside.name)
            return None
        row: dict[str, Any] = kept["row"]
        return row

    def keep(self, what: Mapping[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        write_json(self._file(what), {"what": what, "row": row})
        return row

    def _file(self, what: Mapping[str, Any]) -> Path:
        return self.folder / f"{fingerprint(what)}.json"


def packed(values: NDArray[np.float32]) -> dict[str, Any]:
    """An array of any shape as plain JSON of a fifth of the size of its decimals: little-endian float32 in base 64."""
    data = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return {"shape": list(values.shape), "float32": base64.b64encode(data).decode("ascii")}


def unpacked(content: Mapping[str, Any]) -> NDArray[Any]:
    """The array that `packed` made JSON of."""
    return np.frombuffer(base64.b64decode(content["float32"]), dtype="<f4").reshape(content["shape"])
