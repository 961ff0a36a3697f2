"""What jobs import is in the conda environment of their rule."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

# Packages that some environment lists and nothing else there depends on.
APART = ("backports.zstd", "datasets", "gigatoken", "matplotlib", "pandas", "rensa", "sacrebleu", "torch")
OPTIONAL = {"emulsion.evaluation.harness"}  # needs lm-eval, which the lock leaves out
WITHOUT = """
import importlib, sys

class Lacking:
    def find_spec(self, name, path=None, target=None):
        if name in sys.argv[1].split(","):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Lacking())
for name in sys.argv[2].split(","):
    importlib.import_module(name)
"""


def imported_in(environment: str) -> set[str]:
    """The modules of the library that the scripts of its rules import, at their head or when they run."""
    rules = [rule for file in Path("rules").glob("*.smk") for rule in re.split(r"(?m)^rule ", file.read_text("utf-8"))]
    found = {
        name
        for rule in rules
        if f"envs/{environment}.yaml" in rule
        for name in re.findall(r"script(?:_file)?\([\"'](\w+)", rule)
    }
    texts = [Path(f"workflow/scripts/{name}.py").read_text("utf-8") for name in found]
    return {module for text in texts for module in re.findall(r"(?m)^ *from (emulsion[\w.]*) import", text)}


@pytest.mark.parametrize("name", ["analysis", "data", "downstream", "train"])
def test_nothing_is_imported_that_the_environment_lacks(name: str) -> None:
    listed = Path(f"envs/{name}.yaml").read_text(encoding="utf-8")
    lacking = {package for package in APART if f"- {package}==" not in listed}
    if "datasets" not in lacking:
        lacking.discard("pandas")  # which it depends on
    command = [sys.executable, "-c", WITHOUT, ",".join(sorted(lacking)), ",".join(sorted(imported_in(name) - OPTIONAL))]
    done = subprocess.run(command, env={"PYTHONPATH": "workflow/scripts"}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
