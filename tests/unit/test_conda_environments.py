"""What jobs import is in the conda environment of their rule."""

import subprocess
import sys
from pathlib import Path

import pytest

# Packages that some environment lists and nothing else there depends on.
APART = ("backports.zstd", "datasets", "gigatoken", "matplotlib", "pandas", "rensa", "sacrebleu")
MODULES = {
    "data": ("data.normalize", "data.tokens", "data.cleaning"),
    "train": ("training.run", "training.online_run", "training.swarm", "training.retrace", "evaluation.generation"),
}
WITHOUT = """
import importlib, sys
for name in sys.argv[1].split(","):
    sys.modules[name] = None
for name in sys.argv[2].split(","):
    importlib.import_module(f"emulsion.{name}")
"""


@pytest.mark.parametrize("name", MODULES)
def test_nothing_is_imported_that_the_environment_lacks(name: str) -> None:
    listed = Path(f"envs/{name}.yaml").read_text(encoding="utf-8")
    lacking = [package for package in APART if f"- {package}==" not in listed]
    command = [sys.executable, "-c", WITHOUT, ",".join(lacking), ",".join(MODULES[name])]
    done = subprocess.run(command, env={"PYTHONPATH": "workflow/scripts"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
