"""Edits while jobs wait, and a driver that was killed while its SLURM jobs run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from emulsion import cluster_jobs, submission
from emulsion.errors import PassingError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory with a script and the library as it is."""
    monkeypatch.chdir(tmp_path)
    for name in (submission.CODE, submission.CONFIGURATION):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    library = ROOT / "workflow/scripts/emulsion"
    shutil.copytree(library, tmp_path / "scripts/emulsion", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "scripts/mean.py").write_text(
        "from emulsion import command\n"
        "def main() -> None:\n"
        "    from emulsion.seeds import derive_seed\n"
        "    print(derive_seed(1, 'a'))\n"
        "command.run(main)\n"
    )
    return tmp_path


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, folder / "scripts/mean.py"], text=True, capture_output=True)


def test_a_job_does_not_start_with_an_edited_configuration(folder):
    submission.fix({"a": 1, "b": [0.1]}, folder / "scripts")
    submission.compare_configuration({"b": [0.1], "a": 1})
    with pytest.raises(PassingError, match="edited after this job was submitted"):
        submission.compare_configuration({"a": 2, "b": [0.1]})


@pytest.mark.parametrize("edited", ["mean.py", "emulsion/command.py", "emulsion/seeds.py"])
def test_a_job_runs_no_code_that_was_edited_since_snakemake_started(folder, edited):
    submission.fix({}, folder / "scripts")
    assert run(folder).returncode == 0
    with (folder / "scripts" / edited).open("a") as file:
        file.write("# faster\n")
    ended = run(folder)
    assert ended.returncode == 1
    assert f"{edited}: was edited after Snakemake started" in ended.stderr
    submission.fix({}, folder / "scripts")
    assert run(folder).returncode == 0


def test_an_edit_of_what_a_job_does_not_import_is_no_matter(folder):
    submission.fix({}, folder / "scripts")
    with (folder / "scripts/emulsion/plan.py").open("a") as file:
        file.write("# faster\n")
    assert run(folder).returncode == 0


@pytest.fixture
def squeue(folder, monkeypatch):
    """A squeue that lists the numbers in a file, and one fewer each time."""
    program, listed = folder / "bin/squeue", folder / "listed"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncat {listed}\nsed -i 1d {listed}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(program.parent), os.environ["PATH"]]))
    monkeypatch.setattr(cluster_jobs, "LOOK_SECONDS", 0.0)
    return listed


def test_jobs_that_a_killed_driver_left_here_are_waited_for_and_named(folder, squeue, caplog):
    others = ["7|/elsewhere|rule_train_wildcards_a", f"8|{folder}|my own job", f"9|{folder}|(null)"]
    here = [f"12|{folder}|rule_train_wildcards_a|b", f"14_3|{folder}|group_small"]
    squeue.write_text("\n".join([here[0], *others, here[1], ""]))
    cluster_jobs.wait_for_earlier(killed=True)
    assert [record.getMessage().partition("submitted here: ")[2][:9] for record in caplog.records] == ["12, 14_3."]
    assert squeue.read_text() == ""


def test_to_stop_waiting_is_no_error_of_python(folder, squeue, monkeypatch):
    def interrupted(seconds):
        raise KeyboardInterrupt

    squeue.write_text(f"12|{folder}|rule_train_wildcards_a\n")
    monkeypatch.setattr(cluster_jobs.time, "sleep", interrupted)
    with pytest.raises(SystemExit, match="The SLURM jobs go on"):
        cluster_jobs.wait_for_earlier(killed=True)


def test_without_slurm_nothing_is_waited_for(folder, squeue, monkeypatch):
    squeue.write_text(f"12|{folder}|rule_train\n")
    monkeypatch.setenv("PATH", str(folder))
    cluster_jobs.wait_for_earlier(killed=True)
    assert squeue.read_text() != ""


@pytest.mark.parametrize("killed", [True, False])
def test_slurm_that_does_not_answer_is_named_where_a_call_was_killed(folder, squeue, caplog, killed):
    (folder / "bin/squeue").write_text("#!/bin/sh\necho 'squeue: error: no slurm.conf' >&2\nexit 1\n")
    cluster_jobs.wait_for_earlier(killed)
    words = ["squeue: error: no slurm.conf; jobs that an earlier call left on a cluster are not waited for"]
    assert [record.getMessage() for record in caplog.records] == (words if killed else [])


@pytest.mark.parametrize("arguments", [["--unlock"], ["--list-rules"], ["--report=a.html"], ["all", "--lint"]])
def test_calls_that_run_no_job_wait_for_none(arguments):
    assert not cluster_jobs.runs_jobs(["snakemake", *arguments])
    assert cluster_jobs.runs_jobs(["snakemake", "--profile", "slurm", "-j", "4"])
