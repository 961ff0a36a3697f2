"""Copies of the project in which the real Snakefile runs, and what a dry run of it says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warm_python import warm_snakemake

ROOT = Path(__file__).parents[2]
PARTS = ("Snakefile", "config.yaml", "config", "rules", "workflow", "envs", "profiles", "report", "resources", "tests")
CONCLUSIONS = ("--configfile", "tests/config/conclusions.yaml")
TINY = ("--configfile", "tests/config/tiny.yaml")


def copy_project(folder: Path) -> Path:
    """The parts of the project that the workflow needs, without anything it made."""
    folder.mkdir(exist_ok=True)
    compiled = shutil.ignore_patterns("__pycache__")
    for part in PARTS:
        if (ROOT / part).is_dir():
            # What the library was compiled to saves every process of the copy half a second.
            shutil.copytree(ROOT / part, folder / part, ignore=None if part == "workflow" else compiled)
        else:
            shutil.copy2(ROOT / part, folder / part)
    (folder / "slurm").symlink_to("profiles/slurm")
    return folder


def snakemake(
    folder: Path, *arguments: str, check: bool = True, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What Snakemake says in a folder, from an interpreter that has loaded it."""
    status, said = warm_snakemake(folder, arguments, os.environ if environment is None else environment)
    assert not check or status == 0, said
    return subprocess.CompletedProcess(["snakemake", *arguments], status, said)


def planned(folder: Path, *arguments: str) -> dict[str, list[str]]:
    """{rule: the wildcards of each of its jobs} in a dry run."""
    cores = () if "--profile" in arguments else ("--cores", "1")
    output = snakemake(folder, *arguments, *cores, "-n").stdout
    jobs: dict[str, list[str]] = {}
    for block in re.split(r"\n(?=\[|rule |localrule |Job stats)", output):
        if match := re.match(r"(?:local)?rule (\w+):", block):
            wildcards = re.search(r"wildcards: (.*)", block)
            jobs.setdefault(match[1], []).append(wildcards[1] if wildcards else "")
    jobs.pop("all", None)
    return {rule: sorted(wildcards) for rule, wildcards in jobs.items()}


def read(folder: Path, path: str) -> Any:
    """The content of a JSON file of the project in a folder."""
    return json.loads((folder / path).read_text())
