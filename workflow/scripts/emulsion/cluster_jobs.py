"""SLURM jobs that a killed call of Snakemake left: they are waited for before anything is planned.

They are known by the folder they run in, and by the comment that Snakemake gives them.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
# Calls of Snakemake that run no job.
_ASKING = (
    "--unlock",
    "--lint",
    "--summary",
    "--detailed-summary",
    "--rulegraph",
    "--filegraph",
    "--dag",
    "--report",
    "--touch",
    "-t",
    "--archive",
    "--containerize",
)


def runs_jobs(arguments: Iterable[str]) -> bool:
    """Whether a call of Snakemake with these arguments is to run jobs, a dry run left aside."""
    names = [argument.partition("=")[0] for argument in arguments]
    return not any(name in _ASKING or name.startswith(("--list", "--delete", "--cleanup")) for name in names)


def unfinished(folder: Path, killed: bool) -> list[str]:
    """The numbers of Snakemake's jobs in a folder that SLURM has not ended yet; none without SLURM.

    killed: whether a call was killed here; where none was, it is no matter that SLURM does not answer.
    """
    if shutil.which("squeue") is None:
        return []
    ask = ["squeue", "--me", "--noheader", "--array", "--format=%i|%Z|%k"]
    asked = subprocess.run(ask, capture_output=True, text=True)
    if asked.returncode != 0 and killed:
        said = (asked.stderr.strip().splitlines() or ["squeue: failed"])[-1]
        log.warning("%s; jobs that an earlier call left on a cluster are not waited for", said)
    jobs = [line.split("|", 2) for line in asked.stdout.splitlines() if line.count("|") >= 2]
    return [
        number
        for number, place, comment in jobs
        if Path(place).resolve() == folder.resolve() and comment.startswith(("rule_", "group_"))
    ]


def wait_for_earlier(killed: bool) -> None:
    """Return when every job that an earlier call submitted from this folder has ended; killed: whether one was."""
    announced: list[str] = []
    while waiting := unfinished(Path.cwd(), killed):
        if not announced:
            log.warning(
                "Waiting for SLURM jobs that an earlier call of Snakemake submitted here: %s. They go on as they were "
                "submitted; end them with scancel, and they save and are submitted again.",
                ", ".join(waiting),
            )
        announced = waiting
        try:
            time.sleep(LOOK_SECONDS)
        except KeyboardInterrupt:
            sys.exit("Stopped waiting. The SLURM jobs go on; the next call waits for them again.")
