"""Which code is running: what a record says of the program that made it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import emulsion

# Floors above training, which imports nothing of them: an edited figure is no other code of a run.
_ABOVE = ("analysis", "study", "report", "figures")


@cache
def code_version() -> dict[str, str | None]:
    """{"version", "commit", "library"}: the release, the commit of a checkout, and a hash of what training may import.

    The commit is null where the program is no checkout, or git is missing. The hash tells an edited library from the
    one that the commit has, and one edited while a study runs from the one that made its first models.
    """
    folder = Path(__file__).parent
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        if file.relative_to(folder).parts[0] in _ABOVE:
            continue
        digest.update(f"{file.relative_to(folder).as_posix()}\n".encode())
        digest.update(file.read_bytes())
    return {"version": emulsion.__version__, "commit": _commit(folder), "library": digest.hexdigest()[:16]}


def _commit(folder: Path) -> str | None:
    try:
        found = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=10
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()


def own_python_first() -> None:
    """Put the folder of this interpreter first in PATH, for the jobs that are started from here.

    So `.venv/bin/snakemake` works where its environment is not activated: the `python` of jobs is then that of the
    environment too. One that conda or a container provides comes before it.
    """
    folder = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])


def different_code(libraries: dict[str, str]) -> str:
    """' The library was edited ...', naming whose runs differ from the first; empty where all are of one library.

    libraries: {run: hash of the library that trained it}
    """
    first = next(iter(libraries.values()), None)
    others = [run for run, library in libraries.items() if library != first]
    if not others:
        return ""
    named = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    return (
        f" The library was edited between trainings: {named} ran on other code than {next(iter(libraries))}. If what a "
        "training means has changed, train them again."
    )
