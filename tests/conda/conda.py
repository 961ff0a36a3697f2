"""Stands in for conda where there is none: the calls that Snakemake makes; rattler solves, links and keeps packages.

CONDA_STAND_IN is the folder whose `bin` holds `conda` and `activate`, CONDA_STAND_IN_CHANNEL the folder that is taken
for every channel.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from rattler import install, solve

HOME = Path(os.environ["CONDA_STAND_IN"])
CHANNEL = Path(os.environ["CONDA_STAND_IN_CHANNEL"])


def create(file: Path, prefix: Path) -> None:
    """`conda env create --file FILE --prefix PREFIX`: packages of the channel, then those of pip."""
    *packages, pip = yaml.safe_load(file.read_text(encoding="utf-8"))["dependencies"]
    asyncio.run(_install(packages, prefix))
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as wanted:
        wanted.write("\n".join(pip["pip"]))
        wanted.flush()
        command = [prefix / "bin/python", "-m", "pip", "install", "--quiet", "--no-input", "-r", wanted.name]
        subprocess.run(command, check=True)


async def _install(packages: list[str], prefix: Path) -> None:
    specs = [package.replace("=", " ", 1) + ".*" for package in packages]
    records = await solve([CHANNEL.as_uri()], specs, platforms=["linux-64", "noarch"])
    await install(records, prefix, cache_dir=HOME / "packages", show_progress=False)


def main(arguments: list[str]) -> None:
    words = [word for word in arguments if not word.startswith("-")]
    if words[:1] == ["info"]:
        print(json.dumps({"conda_prefix": str(HOME), "platform": "linux-64"}))
    elif "--version" in arguments:
        print("conda 26.1.0")
    elif words[:1] == ["config"]:
        print(json.dumps({"get": {"channel_priority": "strict"}}))
    elif words[:2] == ["env", "create"]:
        told = dict(itertools.pairwise(arguments))
        create(Path(told["--file"]), Path(told["--prefix"]))
    elif words[:1] != ["clean"]:  # packages stay in the cache
        sys.exit(f"conda (stand-in): {' '.join(arguments)}: not known")


if __name__ == "__main__":
    main(sys.argv[1:])
