"""A real SLURM for tests: the workflow copied, started under the committed profile, and what became of its jobs."""

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

from emulsion.files import read_json, read_jsonl

HERE = Path(__file__).resolve().parent / "slurm"
ROOT = HERE.parents[1]
WORKFLOW = ("Snakefile", "config.yaml", "envs", "profiles", "report", "resources", "rules", "slurm", "workflow")
ADMIN_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
MISSING = [name for name in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(name, path=ADMIN_PATH)]

# Laid over `--profile slurm`: this SLURM keeps no accounts for sacct, and its jobs are over in seconds.
OVERLAY = ("--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", "--latency-wait", "15")
SOURCES = ("openhermes", "cosmopedia", "magpie", "fineweb")
FIGURE = "figures/exp3_capability_heatmap.png"
MODEL = "models/exp3-equal_mix/model.safetensors"
LONGER = ("--configfile", str(HERE / "tiny.yaml"), str(HERE / "longer.yaml"))


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


def edit_profile(folder: Path, found: str, instead: str) -> None:
    """Change the first place of a text in the profile of a copy."""
    profile = folder / "profiles/slurm/profile.yaml"
    text = profile.read_text(encoding="utf-8")
    assert found in text
    profile.write_text(text.replace(found, instead, 1), encoding="utf-8")


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
    if process.returncode != 0:
        ended = f"Snakemake ended with {process.returncode} (None: not in {timeout} s)"
        raise AssertionError("\n".join([ended, log[-6000:], "", *said_by_jobs(folder)]))
    return log


def said_by_jobs(folder: Path) -> Iterator[str]:
    """What tells why jobs fail or hang: those not over, processes, and the ends of logs."""
    for command in (["squeue"], ["ps", "axfww", "-o", "pid,stat,etime,wchan:20,args"]):
        shown = subprocess.run(command, text=True, capture_output=True).stdout
        yield from [" ".join(command), *(line[:200] for line in shown.splitlines() if "[" not in line[:60]), ""]
    for log in sorted(folder.glob("logs/**/*.log"), key=lambda path: path.stat().st_mtime)[-6:]:
        yield from [str(log), log.read_text(encoding="utf-8", errors="replace")[-2000:], ""]


def wait_until(
    condition: Callable[[], bool], what: str, process: subprocess.Popen[bytes], timeout: float = 180
) -> None:
    """Wait for something to come true while Snakemake runs."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert process.poll() is None, f"Snakemake ended before {what}"
        assert time.monotonic() < deadline, f"no {what} in {timeout} s"
        time.sleep(0.1)


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


def assert_same_model(cut: Path, whole: Path) -> None:
    """The same bytes, made with the same number of threads, and a log without a gap."""
    records = [read_json(folder / "models/exp3-equal_mix/run.json") for folder in (cut, whole)]
    assert records[0]["threads"] == records[1]["threads"]
    steps = [row["step"] for row in read_jsonl(cut / "models/exp3-equal_mix/training_log.jsonl")]
    assert steps == list(range(1, records[1]["steps"] + 1))
    assert (cut / MODEL).read_bytes() == (whole / MODEL).read_bytes()
