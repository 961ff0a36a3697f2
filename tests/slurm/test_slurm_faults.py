"""Trainings on a real SLURM that are cut off in each way that a cluster knows: all end with the very same model."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from slurm_cluster import (
    LONGER,
    MODEL,
    OVERLAY,
    Finished,
    Job,
    assert_same_model,
    cut_off,
    edit_profile,
    finish,
    newest_checkpoint,
    slurm_jobs,
    snakemake,
    state_of,
    wait_until,
)

pytestmark = pytest.mark.slurm
ARGUMENTS = (MODEL, "--profile", "slurm", *OVERLAY, *LONGER)
OFTEN = {"EMULSION_CHECKPOINT_SECONDS": "0.3"}


@pytest.fixture
def cut(finished: Finished, tmp_path: Path) -> Path:
    """A copy in which the data are made and nothing is trained."""
    folder = tmp_path / "cut"
    shutil.copytree(finished.folder, folder, symlinks=True)
    shutil.rmtree(folder / "models")
    return folder


@pytest.fixture(autouse=True)
def jobs_before(finished: Finished) -> int:
    return len(slurm_jobs())


def running() -> Job | None:
    return next((job for job in slurm_jobs() if job.state == "RUNNING"), None)


def training_process(folder: Path) -> int:
    """The process that trains: the owner of the checkpoint folder says which it is."""
    owner = (folder / "checkpoints/exp3-equal_mix/owner.json").read_text(encoding="utf-8")
    return int(re.search(r'"(?:pid|process)": (\d+)', owner)[1])  # type: ignore[index]


def resumed_at(folder: Path) -> int:
    log = (folder / "logs/train/exp3-equal_mix.log").read_text(encoding="utf-8")
    found = re.search(r"resumed at step (\d+)", log)
    assert found, log
    return int(found[1])


def test_cancelled_twice_by_scancel_and_by_sigkill(cut: Path, whole: Path, jobs_before: int) -> None:
    """By scancel, on which it saves and stops, and by SIGKILL, as when a node is lost."""
    with snakemake(cut, *ARGUMENTS, **OFTEN) as process:
        cut_off(cut, process)
        saved = cut_off(cut, process, "--signal=KILL")
        finish(process, cut, timeout=300)
    # Memory grows with each try, as one may have been killed for it; time does not, as each goes on.
    ends = [(job.rule, job.state, job.minutes, job.memory_mb // 1000) for job in slurm_jobs()[jobs_before:]]
    assert ends == [
        ("train", "CANCELLED", 240, 8),
        ("train", "CANCELLED", 240, 12),
        ("train", "COMPLETED", 240, 16),
    ]
    assert resumed_at(cut) >= saved > 0
    assert_same_model(cut, whole)


def test_the_time_limit_of_a_job_that_can_not_react(cut: Path, whole: Path, jobs_before: int) -> None:
    """The training stands still from its first checkpoint on, so SLURM ends it at its limit of one minute."""
    edit_profile(cut, "  train:\n    nodes: 1\n", "  train:\n    nodes: 1\n    runtime: 1\n")
    with snakemake(cut, *ARGUMENTS, **OFTEN) as process:
        wait_until(lambda: newest_checkpoint(cut) > 0, "a checkpoint", process)
        os.kill(training_process(cut), signal.SIGSTOP)
        saved = newest_checkpoint(cut)
        first = slurm_jobs()[jobs_before].number
        wait_until(lambda: state_of(first) == "TIMEOUT", "the time limit", process, timeout=240)
        finish(process, cut, timeout=300)
    ends = [(job.state, job.minutes) for job in slurm_jobs()[jobs_before:]]
    assert ends == [("TIMEOUT", 1), ("COMPLETED", 1)]
    assert resumed_at(cut) >= saved > 0
    assert_same_model(cut, whole)


def test_a_job_killed_for_its_memory_gets_more(cut: Path, whole: Path, jobs_before: int) -> None:
    edit_profile(cut, "  train:\n    nodes: 1\n", "  train:\n    nodes: 1\n    mem_mb: 300 * attempt ** 3\n")
    with snakemake(cut, *ARGUMENTS) as process:
        finish(process, cut, timeout=400)
    ends = [(job.state, job.memory_mb) for job in slurm_jobs()[jobs_before:]]
    assert [memory for _, memory in ends] == [300, 2400]
    assert ends[0][0] != "COMPLETED" and ends[1][0] == "COMPLETED"
    assert_same_model(cut, whole)


def test_nodes_that_go_down_and_come_back(cut: Path, whole: Path, jobs_before: int) -> None:
    nodes = "nodename=emulsion[1-2]"
    with snakemake(cut, *ARGUMENTS, **OFTEN) as process:
        wait_until(lambda: newest_checkpoint(cut) > 0 and running() is not None, "a checkpoint", process)
        saved = newest_checkpoint(cut)
        subprocess.run(["scontrol", "update", nodes, "state=down", "reason=test"], check=True)
        wait_until(lambda: running() is None, "the end of the job", process)
        # Their daemons answer, so that they may be back by themselves before they are told to.
        subprocess.run(["scontrol", "update", nodes, "state=resume"], check=False)
        finish(process, cut, timeout=300)
    assert slurm_jobs()[-1].state == "COMPLETED"
    assert resumed_at(cut) >= saved > 0
    assert_same_model(cut, whole)


def test_a_driver_killed_while_a_job_trains_finds_the_job_again(cut: Path, whole: Path, jobs_before: int) -> None:
    with snakemake(cut, *ARGUMENTS, **OFTEN) as process:
        wait_until(lambda: newest_checkpoint(cut) > 0, "a checkpoint", process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert running() is not None
        with snakemake(cut, *ARGUMENTS) as again:
            finish(again, cut, timeout=300)
    # A second job takes the model that the first one finished: the driver that was there did not see its end.
    assert [job.state for job in slurm_jobs()[jobs_before:]] == ["COMPLETED", "COMPLETED"]
    log = (cut / "logs/train/exp3-equal_mix.log").read_text(encoding="utf-8")
    assert "was finished by an earlier job, whose success Snakemake did not see" in log and "step 1/" not in log
    assert_same_model(cut, whole)
