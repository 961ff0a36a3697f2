"""SLURM jobs that a killed call of Snakemake left: they are waited for, and never submitted twice.

Snakemake notes the cluster's number of every job that it submits until the job has ended. A job records its own end, so
a call that waits first finds its files finished, as it finds those of jobs that it submitted itself.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

MARKS = Path(".snakemake/incomplete")
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


def submitted(marks: Path = MARKS) -> set[str]:
    """The cluster's numbers of the jobs whose end is not recorded in this folder."""
    found = set()
    for file in marks.rglob("*"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            if number := json.loads(file.read_text()).get("external_jobid"):
                found.add(str(number))
    return found


def unfinished(numbers: set[str]) -> list[str]:
    """Those of the jobs that SLURM has still to run, runs or is ending, in order; none where there is no SLURM."""
    if not numbers or shutil.which("squeue") is None:
        return []
    asked = subprocess.run(["squeue", "--me", "--noheader", "--array", "--format=%i"], capture_output=True, text=True)
    if asked.returncode != 0:
        log.warning("squeue: %s", asked.stderr.strip())
    return sorted(numbers & set(asked.stdout.split()))


def wait_for_earlier() -> None:
    """Return when every job that an earlier call submitted from this folder has ended."""
    told: list[str] = []
    while waiting := unfinished(submitted()):
        if not told:
            log.warning(
                "Waiting for SLURM jobs that an earlier call of Snakemake submitted here: %s. They go on as they were "
                "submitted; end them with scancel, and they save and are submitted again.",
                ", ".join(waiting),
            )
        told = waiting
        time.sleep(LOOK_SECONDS)
