"""How many sequences a device takes at once where its memory is too small for as many as it was to take.

A run on one device takes half as many from that step on. Of several, the others wait in a sum that this one will not
come to, so the job ends, and the next try, which resumes from the checkpoint, takes half as many from its beginning.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulsion.files import read_note, write_json

FILE = "micro_batch.json"


def fitting(folder: Path, asked: int, circumstances: dict[str, Any]) -> int:
    """What a try begins with: what was found to fit under the same circumstances, else what is asked for."""
    found = read_note(folder / FILE, ("micro_batch", "circumstances"))
    same = found is not None and found["circumstances"] == {"asked": asked, **circumstances}
    return int(found["micro_batch"]) if found and same else asked


def remember(folder: Path, fits: int, asked: int, circumstances: dict[str, Any]) -> None:
    """Tell the next try under these circumstances."""
    write_json(folder / FILE, {"micro_batch": fits, "circumstances": {"asked": asked, **circumstances}})
