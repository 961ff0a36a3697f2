"""Calls of Snakemake in one folder: locks that a killed one left are removed, and one told to stop has its jobs save.

Every call notes its process in `.snakemake/drivers/` until it ends. Snakemake's own locks do not say whose they are, so
locks where all noted calls have ended are those of a killed one.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.processes import descendants, has_ended, host_has_restarted, this_process

FOLDER = Path(".snakemake/drivers")
LOCKS = Path(".snakemake/locks")
SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
REMIND_SECONDS = 30.0
# Goes before the command of every job. Clusters send a signal to all processes of a job: its shell must not end before
# what it runs has saved. And what is killed cannot say so itself.
JOB_SHELL = (
    "trap : TERM USR1 HUP; trap 'status=$?; if [ $status = 137 ]; then "
    'echo "killed by signal 9: if nobody did that, memory ran out, of this machine or of the job (mem_mb). '
    "Give it more, or lower micro_batch, or raise the number of shards.\" >&2; fi' EXIT; "
)


@dataclass(frozen=True)
class Begun:
    """notes: what the user is to know; killed_since: when the first call began that was killed here (seconds, as files
    have them), None where none was; at: when this one began; ended: the notes of those killed, where none lives
    """

    notes: list[str]
    killed_since: float | None = None
    at: float = 0.0
    ended: tuple[Path, ...] = ()

    def forget_killed(self) -> None:
        """Once what they left is dealt with, for a call that only plans, or ends before that, leaves it to the next."""
        for file in self.ended:
            file.unlink(missing_ok=True)


def begin() -> Begun:
    """Note this call, and remove the locks of those that were killed."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / ".lock").open("w") as alone:
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(alone, fcntl.LOCK_EX)
        earlier = {file: _read(file) for file in sorted(FOLDER.glob("*.json"))}
        ended = [file for file, found in earlier.items() if has_ended(found) or host_has_restarted(found)]
        living = [found for file, found in earlier.items() if file not in ended]
        notes = [_words(found) for found in living] if any(LOCKS.glob("*.lock")) else []
        since = min((file.stat().st_mtime for file in ended), default=None) if not living else None
        if ended and not living and any(LOCKS.glob("*.lock")):
            shutil.rmtree(LOCKS)
            LOCKS.mkdir()
            numbers = ", ".join(str(earlier[file].get("process")) for file in ended)
            notes = [f"An earlier call of Snakemake (process {numbers}) was killed here; the lock it left is removed."]
        own = FOLDER / f"{os.getpid()}-{time.time_ns()}.json"
        own.write_text(json.dumps({**this_process(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}))
    atexit.register(own.unlink, missing_ok=True)
    return Begun(notes, since, own.stat().st_mtime, () if living else tuple(ended))


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text())
    except (OSError, ValueError):  # cut by a power cut
        return {}
    return found if isinstance(found, dict) else {}


def _words(found: dict[str, Any]) -> str:
    process, host = found.get("process"), str(found.get("host")).partition(" ")[0]
    return (
        f"Another call of Snakemake, process {process} on {host}, has been at work in this folder since "
        f"{found.get('since')}. Where both would make the same files, this one is refused. Wait for its end, or end "
        f"it with `kill {process}` there: its jobs save. If that machine is gone, delete {FOLDER} and {LOCKS}."
    )


def listen(scripts: str, local: bool) -> None:
    """On Ctrl-C, SIGTERM and SIGHUP start no further job, have those that run save, and say which are waited for.

    scripts: the folder of the workflow's scripts, by which jobs are known. local: whether jobs run on this machine;
    those of a cluster are cancelled by Snakemake, and save as well. A second signal kills the jobs that are left. A
    signal that the caller ignores, as under `nohup`, stays ignored.
    """
    graceful: Any = signal.getsignal(signal.SIGTERM)
    stopping = threading.Event()

    def stop(number: int, frame: Any) -> None:
        if not local:
            raise KeyboardInterrupt
        if stopping.is_set():
            _send(_jobs(scripts), signal.SIGKILL)
            return
        stopping.set()
        # Not in the handler: it may have interrupted Snakemake where that holds the lock which `graceful` takes.
        threading.Thread(target=_stop, args=(graceful, scripts), daemon=True).start()

    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, stop)


def _stop(graceful: Callable[..., Any] | Any, scripts: str) -> None:
    if callable(graceful):
        graceful()
    jobs = _jobs(scripts)
    _say("Stopping: no further job starts.")
    _send(jobs, signal.SIGTERM)
    while jobs:
        names = ", ".join(name for _, name in jobs)
        _say(f"Waiting for {names} to save and end; a second signal kills what is left, which loses what is not saved.")
        until = time.monotonic() + REMIND_SECONDS
        while jobs and time.monotonic() < until:
            time.sleep(0.2)
            jobs = _jobs(scripts)


def _jobs(scripts: str) -> list[tuple[int, str]]:
    """(process, what it is) of every script of the workflow that this call runs; of one that starts copies, those."""
    found: dict[int, str] = {}
    for process, words in descendants(os.getpid()):
        script = next(
            (Path(word) for word in words if word.endswith(".py") and Path(word).parent == Path(scripts)), None
        )
        if script is not None:
            found[process] = f"{script.stem}{_made(words)} (process {process})"
    starters = {process for process in found for child, _ in descendants(process) if child in found}
    return [(process, name) for process, name in found.items() if process not in starters]


def _made(words: Sequence[str]) -> str:
    place = words.index("--output") + 1 if "--output" in words else len(words)
    return f" of {words[place]}" if place < len(words) else ""


def _send(jobs: Sequence[tuple[int, str]], number: int) -> None:
    for process, _ in jobs:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # of a terminal that was closed
        print(text, file=sys.stderr, flush=True)
