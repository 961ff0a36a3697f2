"""A merge that kills itself at given points, in processes forked from one that has loaded the library.

    python killed_merge.py CONFIG FOLDER POINT [POINT ...]

At each point, such as `before 3` or `after 3`, a try gets a SIGKILL around the third file that it gives its name; the
next try goes on with what is left. Prints the shards that each try leaves, and whether the last one, which has no
point, ended well.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import merge_datasets
from emulsion import command

OPTIONS = ("--use-weights", "--max-samples", "400", "--shard-megabytes", "0.004", "--max-loss", "0.1", "--deduplicate")


def arguments(config: Path, folder: Path) -> list[str]:
    return ["--config", str(config), "--output-dir", str(folder), *OPTIONS]


def killing(point: str) -> Callable[[Path, Path], Path]:
    """`Path.replace`, deadly at the point."""
    side, _, number = point.partition(" ")
    left, replace = int(number), Path.replace

    def replaced(file: Path, target: Path) -> Path:
        nonlocal left
        left -= 1
        if left == 0 and side == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        given = replace(file, target)
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return given

    return replaced


def run(config: Path, folder: Path, point: str | None) -> int:
    """The exit status of one try; negative: the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            if point is not None:
                Path.replace = killing(point)  # type: ignore[method-assign, assignment]
            command.run(merge_datasets.main, arguments(config, folder))
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    config, folder, *points = sys.argv[1:]
    for point in (*points, None):
        status = run(Path(config), Path(folder), point)
        print(status, len(list(Path(folder).glob("shard-*"))), flush=True)
