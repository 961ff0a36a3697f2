"""Processes by host, number and start: one that lives, and one that has ended and whose number another may have now."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def this_process() -> dict[str, Any]:
    """{"host", "machine", "process", "start"} of this process, as `has_ended` reads it."""
    machine = _text(Path("/etc/machine-id"))
    return {"host": this_host(), "machine": machine, "process": os.getpid(), "start": start_of(os.getpid())}


def has_ended(found: Mapping[str, Any]) -> bool:
    """Whether a process is known to have ended: one of this host, by number and start. Of others nothing is known."""
    return found.get("host") == this_host() and start_of(found["process"]) != found["start"]


def host_has_restarted(found: Mapping[str, Any]) -> bool:
    """Whether this machine, by its own id and name, was started again since that process ran."""
    here, there = this_process(), str(found.get("host")).split(" ")
    name, *boot = here["host"].split(" ")
    same = bool(here["machine"]) and found.get("machine") == here["machine"] and there[0] == name
    return same and bool(boot) and len(there) > 1 and there[1] != boot[0]


def this_host() -> str:
    """This machine since it was started, and the container in it: within it, numbers of processes mean something."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts += [(PROC / "sys/kernel/random/boot_id").read_text().strip(), str((PROC / "self/ns/pid").readlink())]
    return " ".join(parts)


def start_of(process: int) -> str | None:
    """When a process was started, in words of the system; None where there is no such process."""
    try:
        status = _status(process)
    except OSError:
        if (PROC / "self/stat").exists():
            return None
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return None
        return "running"
    return None if status[0] in ("Z", "X") else status[19]


def descendants(process: int) -> Iterator[tuple[int, list[str]]]:
    """(number, command line) of the processes below one, parents first; none where the system does not list them."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            children.setdefault(int(_status(int(folder.name))[1]), []).append(int(folder.name))
    left = sorted(children.get(process, []))
    while left:
        number = left.pop(0)
        left += sorted(children.get(number, []))
        with contextlib.suppress(OSError):
            words = (PROC / str(number) / "cmdline").read_bytes().decode(errors="replace")
            yield number, words.split("\0")[:-1]


def _status(process: int) -> list[str]:
    """State, parent and so on: the fields of /proc/{process}/stat after the name, which may contain anything."""
    return (PROC / str(process) / "stat").read_text().rpartition(")")[2].split()


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
