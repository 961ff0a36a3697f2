"""The workflow in its conda environments, `--sdm conda`: each is solved, made and activated, and results are the same.

Where there is no conda, a stand-in over rattler takes its place, with a channel of this machine's Python and pip.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_project import ROOT, copy_project

pytestmark = pytest.mark.conda
HERE = Path(__file__).parent
TINY = ("--configfile", "tests/slurm/tiny.yaml")
FIGURE = "figures/exp3_capability_heatmap.png"
MODEL = "models/exp3-equal_mix/model.safetensors"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where `conda` is found."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if shutil.which("conda", path=path):
        return {**os.environ, "PATH": path}
    folder = tmp_path_factory.mktemp("conda")
    home, tools = folder / "home", folder / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    pip = [tools / "bin/pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--requirement", HERE / "requirements.txt"], check=True)
    [wanted] = set(re.findall(r"pip=([\d.]+)", "".join(file.read_text() for file in (ROOT / "envs").glob("*.yaml"))))
    subprocess.run([*pip, "download", "--no-deps", "--dest", folder, f"pip=={wanted}"], check=True)
    [wheel] = folder.glob("pip-*.whl")
    with_tools = {**os.environ, "PATH": f"{tools}/bin{os.pathsep}{path}"}
    subprocess.run([tools / "bin/python", HERE / "channel.py", folder / "channel", wheel], env=with_tools, check=True)
    (home / "bin").mkdir(parents=True)
    shutil.copy2(HERE / "activate", home / "bin")
    conda = home / "bin/conda"
    conda.write_text(f'#!/bin/sh\nexec "{tools}/bin/python" "{HERE}/conda.py" "$@"\n', encoding="utf-8")
    conda.chmod(0o755)
    told = {"CONDA_STAND_IN": str(home), "CONDA_STAND_IN_CHANNEL": str(folder / "channel")}
    return {**os.environ, **told, "PATH": f"{home}/bin{os.pathsep}{path}"}


def make(folder: Path, environment: dict[str, str], *arguments: str) -> str:
    command = ["snakemake", FIGURE, "--cores", "2", *TINY, *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def test_a_figure_made_in_conda_environments_is_that_of_the_lock(environment: dict[str, str], tmp_path: Path) -> None:
    said = make(copy_project(tmp_path / "conda"), environment, "--sdm", "conda")
    made = {path.name for path in (tmp_path / "conda/.snakemake/conda").iterdir() if path.is_dir()}
    assert set(re.findall(r"Activating conda environment: \.snakemake/conda/(\w+)", said)) == made
    assert len(made) == 3, "of data, training and analysis"
    make(copy_project(tmp_path / "lock"), environment)
    for name in (FIGURE, MODEL):
        assert (tmp_path / "conda" / name).read_bytes() == (tmp_path / "lock" / name).read_bytes(), name
