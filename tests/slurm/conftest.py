"""A SLURM of two nodes, a figure made on it, and the same trainings without it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from slurm_cluster import (
    FIGURE,
    HERE,
    LONGER,
    MISSING,
    MODEL,
    OVERLAY,
    ROOT,
    SOURCES,
    Finished,
    copy_workflow,
    finish,
    slurm_jobs,
    snakemake,
)


@pytest.fixture(scope="session", autouse=True)
def possible() -> None:
    if os.geteuid() != 0:
        pytest.skip("starting a SLURM takes root")
    if MISSING:
        pytest.skip(f"no {', '.join(MISSING)}: apt-get install -y slurm-wlm munge")


@pytest.fixture(scope="session")
def slurm(possible: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("slurm")
    started = subprocess.run([HERE / "up.sh", folder], text=True, capture_output=True)
    try:
        assert started.returncode == 0, started.stderr
        yield
    finally:
        subprocess.run([HERE / "down.sh", folder], check=True)


@pytest.fixture(scope="session")
def profile() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "profiles/slurm/profile.yaml").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def whole(finished: Finished, profile: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The longer training undisturbed, without SLURM and with as many threads: sums of floats depend on them."""
    folder = tmp_path_factory.mktemp("whole") / "project"
    shutil.copytree(finished.folder, folder, symlinks=True)
    shutil.rmtree(folder / "models")
    threads = profile["set-threads"]["train"]
    with snakemake(folder, MODEL, "--cores", "all", "--set-threads", f"train={threads}", *LONGER) as process:
        finish(process, folder, timeout=300)
    return folder
