"""Who trains a run: one process at a time, whatever was killed before.

The checkpoint folder of a run has `owner.json`: host, process and start time, and a count that the owner's heartbeat
raises. A process of this machine that has ended owns nothing. Of another machine's one sees only the heartbeat: its run
is free when the count has stood still for a minute of one's own time, so no clocks are compared.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from emulsion.errors import PassingError
from emulsion.files import make_folder, naming, read_note, remove_folder, write_json
from emulsion.processes import has_ended, host_has_restarted, this_process
from emulsion.training import devices
from emulsion.training.job import Job
from emulsion.training.runtime import Runtime

log = logging.getLogger(__name__)

FILE = "owner.json"
KILLED = "killed.json"
HEARTBEAT_SECONDS = 10.0
STALE_SECONDS = 60.0
LOOK_SECONDS = 1.0


class Owner:
    """The ownership of a folder by this process, from `take` to `release`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._holder = {**this_process(), "token": uuid.uuid4().hex}
        self._beats, self._ended, self._saved_at = 0, threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def take(self, job: Job) -> bool:
        """Become the owner, after the one there is has ended; returns whether there was one to wait for.

        Raises PassingError where the job is to stop meanwhile.
        """
        seen, since, waited = None, time.monotonic(), False
        while True:
            with _alone(self.folder):
                found = _read(self.folder)
                if found != seen:
                    seen, since = found, time.monotonic()
                if found is None or has_ended(found) or time.monotonic() - since > STALE_SECONDS:
                    with contextlib.suppress(FileNotFoundError):  # the owner has just ended and removed the folder
                        self._charge(found)
                        self._write()
                        self._thread.start()
                        return waited
                    continue
            if not waited:
                log.warning("%s: %s trains this run; waiting for its end, or %s", *self._words(found))
                waited = True
            if job.told_to_stop or job.short_of_time():
                raise PassingError("{}: {} trains this run; stopped waiting. Or {}.".format(*self._words(found)))
            time.sleep(LOOK_SECONDS)

    def confirm(self) -> None:
        """Raise PassingError where another process has taken over, since this one seemed to be dead."""
        if not self._is_owner():
            raise PassingError(
                f"{self.folder}: another process trains this run now, since this one gave no sign of life for "
                f"{STALE_SECONDS:g} seconds (it was suspended?), or the folder was removed. It stops and saves nothing."
            )

    def saved(self) -> None:
        """What was trained until now is in a checkpoint, whatever becomes of this process."""
        self._saved_at = time.monotonic()

    def _charge(self, found: dict[str, Any] | None) -> None:
        """Enter the time of an owner that was killed, as far as no checkpoint has it."""
        if not found:
            return
        lost, charged = float(found.get("unsaved_seconds", 0.0)), self.killed
        write_json(
            self.folder / KILLED, {"tries": charged["tries"] + 1, "seconds": round(charged["seconds"] + lost, 1)}
        )
        log.warning(
            "%s: %s, which trained this run, was killed, %.0f seconds after it last saved. If nobody ended it, memory "
            "ran out: lower micro_batch, or raise mem_mb.",
            *self._words(found)[:2],
            lost,
        )

    @property
    def killed(self) -> dict[str, Any]:
        """{"tries", "seconds"} of owners that were killed: seconds that no checkpoint has."""
        return read_note(self.folder / KILLED, ("tries", "seconds")) or {"tries": 0, "seconds": 0.0}

    def remove(self) -> None:
        """Remove the folder, unless another process owns it by now."""
        self._stop_beating()
        with _alone(self.folder):
            if self._is_owner():
                remove_folder(self.folder)

    def release(self) -> None:
        """Own it no longer; the folder may be gone by now, or be another's."""
        self._stop_beating()
        if not self.folder.exists():
            return
        # Alone, or another might become the owner of a folder that goes. It is gone where there are no locks.
        with _alone(self.folder), contextlib.suppress(FileNotFoundError):
            if self._is_owner():
                (self.folder / FILE).unlink(missing_ok=True)
            if {file.name for file in self.folder.iterdir()} == {_LOCK}:  # else it has what a run can resume from
                remove_folder(self.folder)

    def _is_owner(self) -> bool:
        """Unless the file is gone or another's: one that cannot be read, as a network's now and then, is its own."""
        found, own = _read(self.folder), self._holder["token"]
        return found is not None and found.get("token", own) == own

    def _stop_beating(self) -> None:
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_SECONDS):
            if not self._is_owner():
                return
            with contextlib.suppress(OSError):  # a full disk is for the training to report
                self._write()

    def _write(self) -> None:
        """Not synced, for after a power cut nobody owns anything."""
        self._beats += 1
        beside = self.folder / f".{FILE}.{os.getpid()}.part"
        content = {**self._holder, "beats": self._beats, "unsaved_seconds": time.monotonic() - self._saved_at}
        try:
            with naming(self.folder / FILE):
                beside.write_text(json.dumps(content))
                beside.replace(self.folder / FILE)
        finally:
            beside.unlink(missing_ok=True)  # of a full disk

    def _words(self, found: Mapping[str, Any] | None) -> tuple[Path, str, str]:
        if not found:
            return self.folder, "a process", f"delete {self.folder / FILE} if nobody does"
        process, host = found.get("process"), str(found.get("host")).partition(" ")[0]
        if host_has_restarted(found):  # its number may be another process's by now
            return (
                self.folder,
                f"process {process} on {host}",
                f"wait {STALE_SECONDS:g} s: {host} was started again since",
            )
        return self.folder, f"process {process} on {host}", f"end it with `kill {process}` there: it saves and stops"


@contextmanager
def owned(folder: Path, job: Job) -> Iterator[tuple[Owner, bool]]:
    """Own a folder for a while; gives the owner, and whether another process was waited for."""
    for left_by_a_kill in folder.parent.glob(f".{folder.name}.*.part"):
        shutil.rmtree(left_by_a_kill, ignore_errors=True)
    owner = Owner(folder)
    try:
        yield owner, owner.take(job)
    finally:
        owner.release()


@contextmanager
def owned_by_first(checkpoints: Path, runtime: Runtime) -> Iterator[tuple[Owner | None, bool]]:
    """The ownership of a run, by its first process, and whether another run's was waited for; the others wait, too."""
    if int(os.environ.get("RANK", "0")):
        devices.wait_for("owned", runtime.job)
        yield None, False
        return
    with owned(checkpoints, runtime.job) as (owner, waited):
        devices.tell("owned")
        yield owner, waited


def is_free(folder: Path) -> bool:
    """Whether a folder is there and its owner, if any, is known to have ended."""
    if not folder.is_dir():
        return False
    found = _read(folder)
    return found is None or has_ended(found)


_LOCK = ".owner.lock"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No two processes look and write at once, as far as the file system has locks."""
    while (lock := _lock(folder)) is None:
        pass
    with lock:
        yield


def _lock(folder: Path) -> IO[str] | None:
    """The lock of a folder, which is made; None where a former owner has just removed it."""
    make_folder(folder)
    with contextlib.suppress(FileNotFoundError):
        lock = (folder / _LOCK).open("w")
        with contextlib.suppress(OSError):
            fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_ino == (folder / _LOCK).stat().st_ino:
            return lock
        lock.close()
    return None


def _read(folder: Path) -> dict[str, Any] | None:
    """What the owner wrote; {} where it cannot be read, None where there is none."""
    try:
        found: dict[str, Any] = json.loads((folder / FILE).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
