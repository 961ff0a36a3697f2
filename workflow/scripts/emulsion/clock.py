"""Files dated in the future, as where the clock was set back: they are dated back, in their order.

Snakemake compares the times of files. Of a job with an input of the future it finds the output too old once it has
ended, and removes it: a training would be lost, and lost again at each of its tries.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

# Clocks of machines that share a disk differ by less.
TOLERATED = 2.0
_STEP = 10_000  # nanoseconds between two files, for file systems and clocks that know no less


def date_back(folders: Sequence[str], before: float) -> str | None:
    """Date the files of the future in these folders just before a time of now, in seconds; what to tell the user.

    Which of two is newer stays as it was, among them and against all files that were made by then.
    """
    found = [(time_of, file) for folder in folders for file in Path(folder).rglob("*") if (time_of := _of_future(file))]
    if not found:
        return None
    order = {each: place for place, each in enumerate(sorted({time_of for time_of, _ in found}, reverse=True), start=1)}
    for time_of, file in found:
        dated = int(before * 1e9) - order[time_of] * _STEP
        with suppress(OSError):  # gone, or another user's
            os.utime(file, ns=(dated, dated))
    named = f"{len(found)} files were dated in the future, such as {found[0][1]}"
    return f"{named}, as where the clock was set back. They are dated now."


def _of_future(file: Path) -> int:
    """The time of a file in nanoseconds where it lies in the future, else 0; no link, which may lead to a user's."""
    try:
        found = file.lstat()
    except OSError:  # gone since
        return 0
    return found.st_mtime_ns if stat.S_ISREG(found.st_mode) and found.st_mtime > time.time() + TOLERATED else 0
