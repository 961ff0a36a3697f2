"""A full or read-only disk, and a full memory, are said in words, and leave no file half-written."""

import errno
import os
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import save_file

from emulsion import command, refusals
from emulsion.files import json_line, whole_file, whole_folder, write_json, write_jsonl, write_text
from emulsion.tables import write_table
from emulsion.training.log import TrainingLog
from small_disk import small_disk

BIG = 4_000_000
WRITERS = {
    "text": lambda path: write_text(path, "a" * BIG),
    "json": lambda path: write_json(path, {"a": "a" * BIG}),
    "lines": lambda path: write_jsonl(path, [{"a": "a" * 1000}] * (BIG // 1000)),
    "table": lambda path: table(path),
    "tensors": lambda path: tensors(path),
    "folder": lambda path: folder(path),
}


def table(path):
    with whole_file(path) as part:
        write_table(pa.table({"a": np.random.default_rng(0).random(BIG // 8)}), part)


def tensors(path):
    with whole_file(path) as part:
        save_file({"a": torch.zeros(BIG)}, part)


def folder(path):
    with whole_folder(path) as part:
        (part / "rows.jsonl").write_text(json_line({"a": "a" * BIG}))


@pytest.fixture
def small(tmp_path):
    """A disk of 1 MB."""
    with small_disk(tmp_path / "disk", "1M") as disk:
        yield disk


def said(main, capsys):
    with pytest.raises(SystemExit) as left:
        command.run(main, [])
    assert left.value.code == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.json"), True),
        (OSError(errno.EDQUOT, os.strerror(errno.EDQUOT), "a.json"), True),
        (OSError(errno.EROFS, os.strerror(errno.EROFS), "a.json"), True),
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG), "a.json"), True),
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "a.json"), True),
        (NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), "a/b.json"), True),
        (IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), "a.json"), True),
        (RuntimeError("libfile: No space left on device"), True),
        (OSError(errno.EIO, os.strerror(errno.EIO), "a.json"), False),  # another machine's disk may be whole
        (MemoryError(), False),  # the next try gets more
    ],
    ids=[
        "full",
        "quota",
        "read-only",
        "limit",
        "rights",
        "no folder",
        "folder",
        "another library",
        "failing",
        "memory",
    ],
)
def test_what_nobody_but_the_user_changes_is_not_tried_again(error, final, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(refusals.CALL, "this call")

    def main():
        raise error

    first = said(main, capsys)
    assert first.startswith("error: ") and (refusals.FINAL in first) == final

    def healed():
        pass

    if final:  # at once, with the same words
        assert first.splitlines()[0] in said(healed, capsys)
    else:
        command.run(healed, [])


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_said_in_words_and_what_was_there_stays(small, writer, capsys):
    target = small / "made"
    if writer == "folder":
        target.mkdir()
        (target / "rows.jsonl").write_text("before")
    else:
        target.write_text("before")

    def main():
        WRITERS[writer](target)

    assert said(main, capsys).startswith(f"error: {target}: No space left on device. The disk is full")
    kept = target / "rows.jsonl" if writer == "folder" else target
    assert kept.read_text() == "before"
    assert [path.name for path in small.iterdir()] == ["made"]


def test_a_training_log_for_which_there_is_no_room_is_named(small, capsys):
    def main():
        TrainingLog(small / "run/training_log.jsonl").append({"step": 1, "loss": 1.0, "remark": "a" * BIG})

    assert said(main, capsys).startswith(f"error: {small / 'run/training_log.jsonl'}: No space left on device.")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_folder_that_can_only_be_read_is_said_in_words(small, writer, capsys):
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)

    def main():
        WRITERS[writer](small / "made")

    assert "Read-only file system. The disk can only be read" in said(main, capsys)


def test_a_file_that_could_not_be_read_is_named_rather_than_the_one_that_was_written(tmp_path, capsys):
    def main():
        with whole_file(tmp_path / "made"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "read.json")

    assert said(main, capsys).startswith("error: read.json: Permission denied.")


def test_full_memory_is_said_in_words_and_other_errors_keep_their_traceback(capsys):
    def full():
        raise MemoryError

    def gone():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a")

    assert said(full, capsys).startswith("error: Memory is full: give the job more (mem_mb)")
    with pytest.raises(FileNotFoundError):
        command.run(gone, [])


def test_a_script_told_to_end_removes_what_it_had_not_finished(tmp_path):
    code = (
        "import sys, time; from pathlib import Path\n"
        "from emulsion import command; from emulsion.files import whole_file\n"
        "def main():\n"
        "    with whole_file(Path(sys.argv[1]) / 'made') as part:\n"
        "        part.write_text('half'); print('writing', flush=True); time.sleep(60)\n"
        "command.run(main, [])"
    )
    environment = {**os.environ, "PYTHONPATH": "workflow/scripts"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], env=environment, **pipes)
    with process, suppress(ProcessLookupError):
        assert process.stdout.readline() == "writing\n"
        process.terminate()
        assert process.stderr.read() == "error: interrupted.\n"
    assert not list(tmp_path.iterdir())
