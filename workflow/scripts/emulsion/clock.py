"""Files dated in the future, as where the clock was set back: they are dated back, in their order.

Snakemake compares the times of files. Of a job with an input of the future it finds the output too old once it has
ended, and removes it: a training would be lost, and lost again at each of its tries.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

# Clocks of machines that share a disk differ by less.
TOLERATED = 2.0
_STEP = 10_000  # nanoseconds between two files, for file systems and clocks that know no less


def date_back(folders: Sequence[str], before: float) -> str | None:
    """Date the files of the future in these folders just before a time of now, in seconds; what to tell the user.

    Which of two is newer stays as it was, among them and against all others: where any is of the future, all that are
    dated after that time are dated back.
    """
    found = list(made_since(folders, before))
    ahead = [file for made, file in found if made > (time.time() + TOLERATED) * 1e9]
    if not ahead:
        return None
    order = {made: place for place, made in enumerate(sorted({made for made, _ in found}, reverse=True), start=1)}
    refused = []
    for made, file in found:
        dated = int(before * 1e9) - order[made] * _STEP
        try:
            os.utime(file, ns=(dated, dated))
        except FileNotFoundError:
            continue
        except OSError as error:  # another user's, or on a disk that is read only
            refused.append(f"{file} ({error.strerror})")
    note = f"{len(ahead)} files were dated in the future, such as {ahead[0]}, as where the clock was set back."
    if not refused:
        return f"{note} They are dated now."
    return (
        f"{note} They are dated now, except {len(refused)}, such as {refused[0]}: Snakemake removes what is made from "
        "them. Have their owner `touch` them."
    )


def made_since(folders: Sequence[str], since: float) -> Iterator[tuple[int, Path]]:
    """Files in folders dated at a time or later, each with its time in nanoseconds; no links, which may lead elsewhere.

    Jobs that a killed call left may still write there: what is gone meanwhile is left out.
    """
    for top in folders:
        for folder, _, names in os.walk(top):
            for name in names:
                file = Path(folder, name)
                try:
                    found = file.lstat()
                except OSError:
                    continue
                if stat.S_ISREG(found.st_mode) and found.st_mtime >= since:
                    yield found.st_mtime_ns, file
