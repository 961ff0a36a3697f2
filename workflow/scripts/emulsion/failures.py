"""Why jobs failed, said even where Snakemake is asked to be quiet.

`-q rules` leaves out the errors of jobs together with their announcements, and `-q all` every error.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from emulsion import machine, refusals
from emulsion.reason import reason, text_of

_NAME, _FINAL, _NEAREST = "emulsion.failures", "emulsion.final", "emulsion.nearest"
# Snakemake's own handler, whose filter is what `-q` sets.
_TERMINAL = "DefaultStreamHandler"


def end_tries(logger: logging.Logger, workflow: Any) -> None:
    """From now on Snakemake does not restart a job whose log says that this would end the same."""
    if all(handler.name != _FINAL for handler in logger.handlers):
        logger.addHandler(_Final(workflow))


class _Final(logging.Handler):
    """Counts the tries of such a job as used up; Snakemake logs the error of a job before it counts them."""

    def __init__(self, workflow: Any) -> None:
        super().__init__(logging.ERROR)
        self.name = _FINAL
        self._workflow = workflow

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "event", None) != "job_error":
            return
        if any(refusals.FINAL in text_of(Path(log)) for log in getattr(record, "log", None) or ()):
            dag = self._workflow.dag
            for job in dag.jobs:
                if dag.jobid(job) == getattr(record, "jobid", None):
                    # Not `attempt`, which would ask for the resources of that try, and these are about to be freed.
                    job._attempt = max(job.attempt, job.restart_times + 1)


def tell(logger: logging.Logger, stream: TextIO | None = None) -> None:
    """From now on write the errors that Snakemake keeps from the terminal, those of jobs with the end of their logs.

    Where Snakemake itself falls over what a machine refuses, its traceback becomes what to do about it.
    """
    if all(handler.name != _NAME for handler in logger.handlers):
        logger.addHandler(_Untold(logger, stream or sys.stderr))
        logger.addFilter(_in_words)


_NO_RULE = re.compile(r"No rule to produce (.+?) \(if you use input functions")
_OF_MACHINE = ("OSError", "PermissionError", "NotADirectoryError", "IsADirectoryError")
_OF_SYSTEM = re.compile(rf"(?:{'|'.join(_OF_MACHINE)}): (?:\[Errno \d+\] )?(.+)")
# While rules are read, as where this call is noted: its traceback comes after it.
_OF_RULES = re.compile(rf"(?:{'|'.join(_OF_MACHINE)}) in file .+:\n(?:\[Errno \d+\] )?(.+)")


def _in_words(record: logging.LogRecord) -> bool:
    if getattr(record, "exception", None) in (*_OF_MACHINE, "WorkflowError"):
        said = record.getMessage().rstrip()
        found = _OF_SYSTEM.fullmatch(said.rpartition("\n")[2]) or _OF_RULES.match(said)
        if found and (words := machine.refused_elsewhere(found[1])):
            record.msg, record.args = f"error: {words}", ()
    return True


def suggest(
    logger: logging.Logger, nearest: Callable[[str], Sequence[str]], lacking: Callable[[str], str] = lambda asked: ""
) -> None:
    """From now on name the nearest files where one is asked for that no rule makes, or what is `lacking` for it."""
    if all(getattr(each, "name", None) != _NEAREST for each in logger.filters):
        logger.addFilter(_Nearest(nearest, lacking))


class _Nearest(logging.Filter):
    """Says more of what cannot be made than Snakemake, which speaks of input functions."""

    def __init__(self, nearest: Callable[[str], Sequence[str]], lacking: Callable[[str], str]) -> None:
        super().__init__()
        self.name = _NEAREST
        self._nearest, self._lacking = nearest, lacking

    def filter(self, record: logging.LogRecord) -> bool:
        asked = _NO_RULE.search(record.getMessage())
        if asked and getattr(record, "exception", None) == "MissingRuleException":
            if need := self._lacking(asked[1]):
                more = f"It needs {need}."
            elif near := ", ".join(self._nearest(asked[1])):
                more = f"The nearest: {near}."
            else:
                more = "docs/files.md has the files that can be asked for."
            record.msg, record.args = f"error: No rule to produce {asked[1]}. {more}", ()
        return True


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
