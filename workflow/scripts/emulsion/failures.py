"""Why jobs failed, told whatever Snakemake is asked to be quiet about.

`-q rules` leaves out the errors of jobs together with their announcements, and `-q all` every error.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_NAME = "emulsion.failures"
# Snakemake's own handler, whose filter is what `-q` sets.
_TERMINAL = "DefaultStreamHandler"
# What is shown of a log that has no message of an error.
_LINES = 20


def tell(logger: logging.Logger, stream: TextIO | None = None) -> None:
    """From now on write the errors that Snakemake keeps from the terminal, those of jobs with the end of their logs."""
    if all(handler.name != _NAME for handler in logger.handlers):
        logger.addHandler(_Untold(logger, stream or sys.stderr))


class _Untold(logging.Handler):
    """Writes what the terminal's handler filters out."""

    def __init__(self, logger: logging.Logger, stream: TextIO) -> None:
        super().__init__(logging.ERROR)
        self.name = _NAME
        self._logger, self._stream = logger, stream

    def emit(self, record: logging.LogRecord) -> None:
        shown = [handler.filter(record) for handler in self._logger.handlers if handler.name == _TERMINAL]
        if shown and not any(shown):
            print("\n".join(_lines(record)), file=self._stream, flush=True)


def _lines(record: logging.LogRecord) -> Iterator[str]:
    """The error, and for each job that it is of Snakemake's remark and the reason in its logs."""
    yield record.getMessage()
    # Snakemake's fields of an error of a job; those of a group of jobs list them by job.
    for job in getattr(record, "job_error_info", None) or [vars(record)]:
        if job.get("rule_msg"):
            yield f"    {job['rule_msg']}"
        for log in job.get("log") or ():
            yield f"    log: {log}"
            yield from (f"    {line}" for line in reason(Path(log)))
    for log in getattr(record, "aux_logs", None) or ():
        yield f"    log: {log}"


def reason(log: Path) -> list[str]:
    """The lines of a log from its last error on, or its last ones; none where it is not there."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    begins = [at for at, line in enumerate(lines) if line.startswith(("error: ", "Traceback (most recent call last)"))]
    return lines[begins[-1] :] if begins else lines[-_LINES:]
