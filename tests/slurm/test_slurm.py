"""The workflow on a real SLURM, under the committed profile: sbatch to figure, and what its jobs ask for.

The SLURM is two nodes, both this machine, with pretended GPUs, started and stopped by up.sh and down.sh.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from emulsion.files import read_json, read_jsonl
from slurm_cluster import (
    FIGURE,
    HERE,
    MODEL,
    OVERLAY,
    SOURCES,
    Finished,
    edit_profile,
    finish,
    slurm_jobs,
    snakemake,
)

pytestmark = pytest.mark.slurm


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


@pytest.mark.parametrize(("rule", "memory_gb"), [("train", 8), ("evaluate", 4)])
def test_jobs_get_the_cpus_of_the_profile_and_the_memory_of_their_model(
    finished: Finished, profile: dict[str, Any], rule: str, memory_gb: int
) -> None:
    asked = {(job.cpus, job.memory_mb // 1000) for job in finished.jobs if job.rule == rule}
    assert asked == {(profile["set-threads"][rule], memory_gb)}


def test_trainings_submitted_as_one_array_make_the_same_models(finished: Finished, tmp_path: Path) -> None:
    folder, before = tmp_path / "array", len(slurm_jobs())
    shutil.copytree(finished.folder, folder, symlinks=True)
    shutil.rmtree(folder / "models")
    models = [f"models/exp3-{name}/model.safetensors" for name in ("equal_mix", "conversation_heavy")]
    arguments = ("--profile", "slurm", "--slurm-array-jobs", "train", *OVERLAY, "--configfile", str(HERE / "tiny.yaml"))
    with snakemake(folder, *models, *arguments) as process:
        finish(process, folder, timeout=400)
    shown = subprocess.run(["scontrol", "show", "job", "--oneliner"], check=True, text=True, capture_output=True).stdout
    arrays = re.findall(r"ArrayJobId=(\d+) ArrayTaskId=\d+", shown)
    assert len(arrays) == 2 and len(set(arrays)) == 1
    assert {job.state for job in slurm_jobs()[before:]} == {"COMPLETED"}
    for model in models:
        assert (folder / model).read_bytes() == (finished.folder / model).read_bytes()


def test_a_training_on_two_nodes_makes_the_model_of_one_device(finished: Finished, tmp_path: Path) -> None:
    folder = tmp_path / "nodes"
    shutil.copytree(finished.folder, folder, symlinks=True)
    shutil.rmtree(folder / "models")
    several = "    nodes: 2\n    gpu: 4\n    mpi: srun\n    tasks_per_node: 2\n"
    edit_profile(folder, "  train:\n    nodes: 1\n", f"  train:\n{several}")
    arguments = ("--profile", "slurm", *OVERLAY, "--configfile", str(HERE / "tiny.yaml"))
    with snakemake(folder, MODEL, *arguments, ACCELERATE_USE_CPU="1") as process:
        finish(process, folder, timeout=300)
    job = slurm_jobs()[-1]
    assert (job.state, job.gpus) == ("COMPLETED", 4)
    records, logs = ([read(root / MODEL) for root in (finished.folder, folder)] for read in (record_of, log_of))
    assert [record["devices"] for record in records] == [1, 4]
    assert records[1]["sequences_per_source"] == records[0]["sequences_per_source"]
    for first, second in zip(*logs, strict=True):
        assert second["source_losses"] == pytest.approx(first["source_losses"], abs=1e-3), first["step"]


def record_of(model: Path) -> dict[str, Any]:
    record: dict[str, Any] = read_json(model.with_name("run.json"))
    return record


def log_of(model: Path) -> list[dict[str, Any]]:
    return read_jsonl(model.with_name("training_log.jsonl"))
