"""The workflow on a real SLURM, under the committed profile: sbatch to figure, and runs that are cut off.

The SLURM is one node of this machine with pretended GPUs, started and stopped by up.sh and down.sh.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from emulsion.files import read_json, read_jsonl

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORKFLOW = ("Snakefile", "config.yaml", "envs", "profiles", "report", "resources", "rules", "slurm", "workflow")
ADMIN_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
MISSING = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name, path=ADMIN_PATH)]

# Laid over `--profile slurm`: this SLURM keeps no accounts for sacct, and its jobs are over in seconds.
OVERLAY = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "15")
SOURCES = ("openhermes", "cosmopedia", "magpie", "fineweb")
FIGURE = "figures/exp3_capability_heatmap.png"
MODEL = "models/exp3-equal_mix/model.safetensors"

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(os.geteuid() != 0, reason="starting a SLURM takes root"),
    pytest.mark.skipif(bool(MISSING), reason=f"no {', '.join(MISSING)}: apt-get install -y slurm-wlm munge"),
]


@dataclass(frozen=True)
class Job:
    """What SLURM knows of a job; `name` is rule and wildcards."""

    number: int
    name: str
    state: str
    gpus: int
    cpus: int
    memory_mb: int
    minutes: int

    @property
    def rule(self) -> str:
        return self.name.split("_wildcards_")[0].removeprefix("rule_")


@dataclass(frozen=True)
class Finished:
    """A run of the workflow that has ended well."""

    folder: Path
    log: str
    jobs: list[Job]


def slurm_jobs() -> list[Job]:
    """All jobs since SLURM was started, running or over, in order of submission."""
    shown = subprocess.run(["scontrol", "show", "job", "--oneliner"], check=True, text=True, capture_output=True).stdout
    records = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in shown.splitlines() if line.startswith("JobId=")]
    return sorted((read_job(record) for record in records), key=lambda job: job.number)


def read_job(record: dict[str, str]) -> Job:
    hours, minutes, _ = record["TimeLimit"].split(":")
    memory = record["MinMemoryNode"]
    gpus = re.fullmatch(r"gres:gpu:(\d+)", record.get("TresPerJob", ""))
    return Job(
        number=int(record["JobId"]),
        name=record["Comment"],
        state=record["JobState"],
        gpus=int(gpus[1]) if gpus else 0,
        cpus=int(record["NumCPUs"]),
        memory_mb=round(float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]]),
        minutes=int(hours) * 60 + int(minutes),
    )


def copy_workflow(folder: Path) -> None:
    folder.mkdir()
    for name in WORKFLOW:
        source = ROOT / name
        if source.is_dir() and not source.is_symlink():
            shutil.copytree(source, folder / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name, follow_symlinks=False)


@contextlib.contextmanager
def snakemake(folder: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Snakemake started in a folder, its output in driver.log there; it and its children end with the block."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    with (folder / "driver.log").open("wb") as log:
        process = subprocess.Popen(
            ["snakemake", *arguments],
            cwd=folder,
            env={
                **os.environ,
                "PATH": path,
                "OMP_WAIT_POLICY": "passive",
                **environment,
            },  # no spinning on a busy machine
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def finish(process: subprocess.Popen[bytes], folder: Path, timeout: float) -> str:
    """Wait for Snakemake to end well; its output."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout)
    log = (folder / "driver.log").read_text(encoding="utf-8")
    assert process.returncode == 0, (
        f"Snakemake ended with {process.returncode} (None: not in {timeout} s)\n{log[-6000:]}"
    )
    return log


def wait_until(
    condition: Callable[[], bool], what: str, process: subprocess.Popen[bytes], timeout: float = 180
) -> None:
    """Wait for something to come true while Snakemake runs."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert process.poll() is None, f"Snakemake ended before {what}"
        assert time.monotonic() < deadline, f"no {what} in {timeout} s"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([HERE / "up.sh", folder], text=True, capture_output=True)
    try:
        assert started.returncode == 0, started.stderr
        yield
    finally:
        subprocess.run([HERE / "down.sh", folder], check=True)


@pytest.fixture(scope="module")
def profile() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def finished(slurm: None, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A figure under `--profile slurm`, but for most of its data, which are made without: SLURM jobs start slowly."""
    folder = tmp_path_factory.mktemp("workflow") / "first"
    copy_workflow(folder)
    tiny = ("--configfile", str(HERE / "tiny.yaml"))
    stores = [f"data/tokens/demo/{source}/header.json" for source in SOURCES[:-1]]
    documents = [f"data/normalized/{SOURCES[-1]}.parquet"]
    with snakemake(folder, *stores, *documents, "--cores", "all", *tiny) as process:
        finish(process, folder, timeout=300)
    with snakemake(folder, FIGURE, "--profile", "slurm", *OVERLAY, *tiny) as process:
        log = finish(process, folder, timeout=600)
    return Finished(folder, log, slurm_jobs())


def test_committed_profile_makes_a_figure(finished: Finished) -> None:
    assert (finished.folder / FIGURE).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert {job.state for job in finished.jobs} == {"COMPLETED"}


def test_every_rule_that_is_not_local_runs_as_one_slurm_job(finished: Finished) -> None:
    runs = ("exp3_equal_mix", "exp3_conversation_heavy")
    expected = [f"rule_{rule}_wildcards_{run}" for rule in ("train", "evaluate") for run in runs]
    expected += [
        f"rule_tokenize_shard_wildcards_demo_{SOURCES[-1]}_0_1",
        f"rule_pack_tokens_wildcards_demo_{SOURCES[-1]}",
    ]
    assert sorted(job.name for job in finished.jobs) == sorted(expected)


def test_only_cheap_rules_run_beside_the_driver(finished: Finished) -> None:
    local = set(re.findall(r"^localrule (\w+):", finished.log, flags=re.MULTILINE))
    assert local <= {"generate_suite", "write_mixture", "describe_mixture", "plot_capability_heatmap"}


def test_only_training_and_evaluation_ask_for_a_gpu(finished: Finished) -> None:
    asked = {(job.rule, job.gpus) for job in finished.jobs if job.gpus}
    assert asked == {("train", 1), ("evaluate", 1)}


@pytest.mark.parametrize("rule", ["train", "evaluate"])
def test_jobs_get_the_cpus_and_memory_of_the_profile(finished: Finished, profile: dict[str, Any], rule: str) -> None:
    asked = {(job.cpus, job.memory_mb) for job in finished.jobs if job.rule == rule}
    memory = eval(str(profile["set-resources"][rule]["mem_mb"]), {"attempt": 1})
    assert asked == {(profile["set-threads"][rule], memory)}


def newest_checkpoint(folder: Path) -> int:
    """The step of the newest whole checkpoint of the run, 0 before the first."""
    names = [path.name for path in (folder / "checkpoints/exp3-equal_mix").glob("step-*")]
    return max((int(name.removeprefix("step-")) for name in names), default=0)


def cut_off(folder: Path, process: subprocess.Popen[bytes], *options: str) -> int:
    """scancel the training job as soon as it has saved a checkpoint; returns the step it had saved."""
    before = newest_checkpoint(folder)
    wait_until(lambda: newest_checkpoint(folder) > before, "a checkpoint", process)
    saved = newest_checkpoint(folder)
    (number,) = [job.number for job in slurm_jobs() if job.state == "RUNNING"]
    subprocess.run(["scancel", *options, str(number)], check=True)
    wait_until(lambda: state_of(number) not in {"RUNNING", "COMPLETING"}, "the end of the job", process)
    return saved


def state_of(number: int) -> str:
    return next(job.state for job in slurm_jobs() if job.number == number)


def test_training_cut_off_twice_is_retried_and_ends_with_the_very_same_model(
    finished: Finished, profile: dict[str, Any], tmp_path: Path
) -> None:
    """Cut off by scancel, on which it saves and stops, and by SIGKILL, as when a node is lost."""
    cut, whole = tmp_path / "cut", tmp_path / "whole"
    for folder in (cut, whole):
        shutil.copytree(finished.folder, folder, symlinks=True)
        shutil.rmtree(folder / "models")
    longer = ("--configfile", str(HERE / "tiny.yaml"), str(HERE / "longer.yaml"))
    threads = profile["set-threads"]["train"]  # a sum of floats depends on the number of threads
    with snakemake(whole, MODEL, "--cores", "all", "--set-threads", f"train={threads}", *longer) as process:
        finish(process, whole, timeout=300)

    with snakemake(cut, MODEL, "--profile", "slurm", *OVERLAY, *longer, EMULSION_CHECKPOINT_SECONDS="0.3") as process:
        cut_off(cut, process)
        saved = cut_off(cut, process, "--signal=KILL")
        finish(process, cut, timeout=300)

    attempts = slurm_jobs()[len(finished.jobs) :]
    # Memory grows with each try, as one may have been killed for it; time does not, as each goes on.
    ends = [(job.rule, job.state, job.minutes, job.memory_mb) for job in attempts]
    assert ends == [
        ("train", "CANCELLED", 240, 64000),
        ("train", "CANCELLED", 240, 96000),
        ("train", "COMPLETED", 240, 128000),
    ]
    resumed = re.search(r"resumed at step (\d+)", (cut / "logs/train/exp3-equal_mix.log").read_text(encoding="utf-8"))
    assert resumed and int(resumed[1]) >= saved > 0
    records = [read_json(folder / "models/exp3-equal_mix/run.json") for folder in (cut, whole)]
    assert records[0]["threads"] == records[1]["threads"]
    steps = [row["step"] for row in read_jsonl(cut / "models/exp3-equal_mix/training_log.jsonl")]
    assert steps == list(range(1, records[1]["steps"] + 1))
    assert (cut / MODEL).read_bytes() == (whole / MODEL).read_bytes()
