"""A copy of the project in which the real Snakefile runs at miniature size."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from filelock import FileLock
from warm_python import warm_python
from workflow_project import CONCLUSIONS, TINY, copy_project, snakemake


@pytest.fixture(scope="session")
def warm() -> Iterator[Mapping[str, str]]:
    """The environment of Snakemake for fixtures of many small jobs: their `python` has loaded torch and the rest."""
    with warm_python() as environment:
        yield environment


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which nothing was made yet; only to be read."""
    return copy_project(tmp_path_factory.mktemp("fresh"))


def made_once(factory: pytest.TempPathFactory, name: str, warm: Mapping[str, str], *arguments: str) -> Path:
    """A copy of the project in which Snakemake made all that it was asked for: once, whatever number of processes test.

    Each process gets a copy of its own, with the same contents and times.
    """
    own = factory.mktemp(name) / "project"
    common = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        common = common.parent
    made, making = common / f"{name}-made", common / f"{name}-making"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            shutil.rmtree(making, ignore_errors=True)
            snakemake(copy_project(making), "--cores", "2", *arguments, environment=warm)
            making.rename(made)
        shutil.copytree(made, own, symlinks=True)
    return own


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, warm: Mapping[str, str]) -> Path:
    """A copy in which everything was made, at miniature size; only to be read."""
    return made_once(tmp_path_factory, "finished", warm, *TINY)


@pytest.fixture(scope="session")
def concluded(tmp_path_factory: pytest.TempPathFactory, warm: Mapping[str, str]) -> Path:
    """A copy in which every analysis was made, on two sources; only to be read."""
    return made_once(tmp_path_factory, "concluded", warm, *CONCLUSIONS)


@pytest.fixture
def editable(finished: Path, tmp_path: Path) -> Path:
    """The finished copy, to be edited: same contents, same times, same records of what was made how."""
    shutil.copytree(finished, tmp_path / "project", symlinks=True)
    return tmp_path / "project"
