"""Why a job failed, from its log: its last error, or of several processes the one that the others ended because of."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

# What is shown of a log that has no message of an error.
_LINES = 20
# In a group of processes, torch writes the number of each before every line of its tracebacks.
_BEGIN = re.compile(r"(?:\[rank\d+\]: ?)?(?:error: |Traceback \(most recent call last\))")
# torchrun's own errors, and what it says of the processes that it started.
_LAUNCHER = "torch.distributed.elastic."
_SAID_BY_LAUNCHER = re.compile(r"[EWI]\d{4} [\d:.]+ +\d+ torch/distributed/")
_ROOT_CAUSE = re.compile(r"^Root Cause .*?^ +exitcode +: -(\d+) ", re.MULTILINE | re.DOTALL)
# How processes end because another one has.
_FOLLOWING = re.compile(r"error: interrupted|Connection (?:closed|reset) by peer")


def reason(log: Path) -> list[str]:
    """The lines of a log from its last error on, or its last ones; none where it is not there."""
    lines = text_of(log).splitlines()
    if any(line.startswith(_LAUNCHER) for line in lines):
        return _of_processes(lines)
    begins = [at for at, line in enumerate(lines) if _BEGIN.match(line)]
    return lines[begins[-1] :] if begins else lines[-_LINES:]


def _of_processes(lines: list[str]) -> list[str]:
    """The first error of processes that torchrun started, as far as it is none of those that follow from another's."""
    raised = next(at for at, line in enumerate(lines) if line.startswith(_LAUNCHER))
    own = max((at for at in range(raised) if lines[at].startswith("Traceback")), default=raised)
    said = [line for line in lines[:own] if line and not _SAID_BY_LAUNCHER.match(line)]
    begins = [at for at, line in enumerate(said) if _BEGIN.match(line)]
    errors = [said[begin:end] for begin, end in pairwise([*begins, len(said)])]
    first = [error for error in errors if not any(map(_FOLLOWING.search, error))][:1]
    killed = _ROOT_CAUSE.search("\n".join(lines[raised:]))
    if killed is None:
        return first[0] if first else said[-_LINES:]
    why = ": if nobody did that, memory ran out, of this machine or of the job (mem_mb)" if killed[1] == "9" else ""
    return [*(first[0] if first else []), f"one of its processes was killed by signal {killed[1]}{why}"]


def text_of(log: Path) -> str:
    """All of a log, as far as it is text; empty where it is not there."""
    try:
        return log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
