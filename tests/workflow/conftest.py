"""A copy of the project in which the real Snakefile runs at miniature size."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from workflow_project import CONCLUSIONS, TINY, copy_project, snakemake


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which nothing was made yet; only to be read."""
    return copy_project(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which everything was made, at miniature size; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("finished"))
    snakemake(folder, "--cores", "2", *TINY)
    return folder


@pytest.fixture(scope="session")
def concluded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy in which every analysis was made, on two sources; only to be read."""
    folder = copy_project(tmp_path_factory.mktemp("concluded"))
    snakemake(folder, "--cores", "2", *CONCLUSIONS)
    return folder


@pytest.fixture
def editable(finished: Path, tmp_path: Path) -> Path:
    """The finished copy, to be edited: same contents, same times, same records of what was made how."""
    shutil.copytree(finished, tmp_path / "project", symlinks=True)
    return tmp_path / "project"
