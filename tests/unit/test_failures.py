import io
import logging
from types import SimpleNamespace

import pytest

from emulsion import failures, refusals

LOG = (
    "12:00:00 Reading.\nerror: first try.\n12:00:01 Reading.\nerror: sources.a: no such column.\nWrite `text_field`.\n"
)


@pytest.fixture
def logger():
    """A logger whose terminal leaves out errors of jobs, as Snakemake's does under `-q rules`."""
    made = logging.Logger("jobs")
    terminal = logging.StreamHandler(io.StringIO())
    terminal.name = "DefaultStreamHandler"
    terminal.addFilter(lambda record: getattr(record, "event", "") not in ("job_error", "group_error"))
    made.addHandler(terminal)
    return made


@pytest.fixture
def told(logger):
    stream = io.StringIO()
    failures.tell(logger, stream)
    failures.tell(logger, stream)  # a Snakefile that is read again
    return stream.getvalue


def job(tmp_path, text, **fields):
    log = tmp_path / "fetch.log"
    log.write_text(text)
    return {"event": "job_error", "rule_name": "fetch", "log": [str(log)], "rule_msg": None, **fields}


def test_an_error_that_the_terminal_leaves_out_is_told_once_with_its_reason(logger, told, tmp_path):
    logger.error("Error in rule fetch, jobid: 3", extra=job(tmp_path, LOG))
    lines = told().splitlines()
    assert lines[0] == "Error in rule fetch, jobid: 3"
    assert lines[1].endswith("fetch.log")
    assert [line.strip() for line in lines[2:]] == ["error: sources.a: no such column.", "Write `text_field`."]


def test_an_error_that_the_terminal_shows_is_not_told_again(logger, told):
    logger.error("The configuration cannot be used.", extra={"event": "error"})
    logger.info("Job stats", extra={"event": "job_error"})
    assert told() == ""


def test_what_snakemake_itself_says_of_a_job_is_told(logger, told, tmp_path):
    logger.error("Error in rule train", extra=job(tmp_path, "", rule_msg="SLURM status is: 'OUT_OF_MEMORY'"))
    assert "OUT_OF_MEMORY" in told()


TRACEBACK = (
    'Traceback (most recent call last):\n  File "jobs.py", line 836, in prepare\n'
    "{}: [Errno {}] {}: 'data/suites/world.json'\n"
)


@pytest.mark.parametrize(
    ("error", "number", "says", "remedy"),
    [
        ("OSError", 30, "Read-only file system", "mount it to be written"),
        ("OSError", 28, "No space left on device", "free some of it"),
        ("PermissionError", 13, "Permission denied", "change its rights"),
        ("NotADirectoryError", 20, "Not a directory", "A file lies where a folder is to be: move it away"),
    ],
)
def test_what_the_machine_refuses_snakemake_itself_is_told_in_words(logger, told, error, number, says, remedy):
    terminal = logger.handlers[0].stream
    logger.error(TRACEBACK.format(error, number, says), extra={"event": "error", "exception": error})
    said = terminal.getvalue()
    assert said.startswith(f"error: {says}: 'data/suites/world.json'. ") and remedy in said
    assert "Traceback" not in said and told() == ""


def test_so_is_a_folder_that_snakemake_cannot_make(logger, told):
    said = "WorkflowError:\nFailed to create output directory a/b.\nOSError: [Errno 30] Read-only file system: 'a'"
    logger.error(said, extra={"event": "error", "exception": "WorkflowError"})
    assert logger.handlers[0].stream.getvalue().startswith("error: Read-only file system: 'a'. The disk can only be")


def test_so_is_a_note_of_a_call_that_cannot_be_written(logger, told):
    said = 'OSError in file "study.smk", line 56:\n[Errno 30] Read-only file system: \'.lock\'\n  File "drivers.py"'
    logger.error(said, extra={"event": "error", "exception": "OSError"})
    assert (
        logger.handlers[0].stream.getvalue().startswith("error: Read-only file system: '.lock'. The disk can only be")
    )


def test_other_errors_of_snakemake_keep_their_traceback(logger, told):
    said = TRACEBACK.format("FileNotFoundError", 2, "No such file or directory")
    logger.error(said, extra={"event": "error", "exception": "FileNotFoundError"})
    logger.error("AttributeError: Permission denied", extra={"event": "error", "exception": "AttributeError"})
    assert logger.handlers[0].stream.getvalue() == f"{said}\nAttributeError: Permission denied\n"


def test_every_job_of_a_group_is_told(logger, told, tmp_path):
    group = {"event": "group_error", "job_error_info": [job(tmp_path, LOG)], "aux_logs": ["slurm.log"]}
    logger.error("Error in group a", extra=group)
    assert "no such column" in told() and "slurm.log" in told()


class Job:
    """A job as Snakemake has it."""

    def __init__(self, restarts):
        self.restart_times, self._attempt = restarts, 1

    attempt = property(lambda self: self._attempt)


@pytest.mark.parametrize(("text", "attempt"), [(f"error: no.\n{refusals.FINAL}\n", 10), ("error: saved.\n", 1)])
def test_a_job_that_would_end_the_same_has_no_tries_left(logger, tmp_path, text, attempt):
    jobs = [Job(9), Job(9)]
    failures.end_tries(logger, SimpleNamespace(dag=SimpleNamespace(jobs=jobs, jobid=jobs.index)))
    logger.error("Error in rule train", extra={"jobid": 1, **job(tmp_path, text)})
    assert [each.attempt for each in jobs] == [1, attempt]


def test_a_file_that_no_rule_makes_is_told_with_the_nearest(logger, told):
    shown = io.StringIO()
    logger.handlers[0].setStream(shown)
    for _ in range(2):
        failures.suggest(
            logger,
            lambda asked: [f"{asked}.png"] if asked == "figures/a" else [],
            lambda asked: "experiments.b.laws" if asked == "figures/b" else "",
        )
    for asked in ("figures/a", "figures/b", "xyzzy"):
        words = f"MissingRuleException:\nNo rule to produce {asked} (if you use input functions make sure ...)."
        logger.error(words, extra={"event": "error", "exception": "MissingRuleException"})
    assert shown.getvalue().splitlines() == [
        "error: No rule to produce figures/a. The nearest: figures/a.png.",
        "error: No rule to produce figures/b. It needs experiments.b.laws.",
        "error: No rule to produce xyzzy. docs/files.md has the files that can be asked for.",
    ]
