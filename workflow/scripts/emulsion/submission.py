"""A job does what was submitted: configuration and code are noted when Snakemake starts, and compared by its jobs.

A job on a cluster may start days later, and reads the configuration and the library again. What was edited meanwhile
would change it without a word, so it is refused; Snakemake, started again, plans by what there is then. Code is
compared as it is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

from emulsion.errors import PassingError
from emulsion.files import fingerprint, read_json, sha256, write_json

CONFIGURATION = "EMULSION_CONFIGURATION"
CODE = "EMULSION_CODE"
FOLDER = Path(".snakemake/code")
SCRIPTS = Path(__file__).resolve().parents[1]


def fix(config: Mapping[str, Any], scripts: Path) -> None:
    """Note the configuration and the code for all jobs of this call of Snakemake, by environment variables."""
    code = {str(file.relative_to(scripts)): sha256(file) for file in sorted(scripts.rglob("*.py"))}
    noted = (FOLDER / f"{fingerprint(code)}.json").absolute()
    if not noted.exists():
        write_json(noted, {"scripts": code})
    os.environ[CODE] = str(noted)
    os.environ[CONFIGURATION] = fingerprint(config)


def compare_configuration(config: Mapping[str, Any]) -> None:
    """Raise PassingError where the configuration is not the one this job was submitted with."""
    noted = os.environ.get(CONFIGURATION)
    if noted is not None and noted != fingerprint(config):
        raise PassingError(
            "the configuration was edited after this job was submitted, so it does not start. Put it back, or end "
            "Snakemake and start it again: it plans by what there is then."
        )


def compare_code() -> None:
    """Let nothing of the library run that was edited since Snakemake started: raise PassingError, now or at an import.

    What is imported stays what it was, so an edit after that changes nothing of this process.
    """
    noted = os.environ.get(CODE)
    if noted is None or not Path(noted).exists():
        return
    known: dict[str, str] = read_json(noted)["scripts"]
    for module in list(sys.modules.values()):
        _compare(getattr(module, "__file__", None), known)
    sys.meta_path.insert(0, _Comparing(known))


class _Comparing(MetaPathFinder):
    """Finds no module itself, and compares those of the library before they are imported."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self.known = known

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name.partition(".")[0] == "emulsion" and (found := PathFinder.find_spec(name, path, target)):
            _compare(found.origin, self.known)
        return None


def _compare(file: str | None, known: Mapping[str, str]) -> None:
    # By its text: thousands of modules of others are asked for too.
    if not file or not file.startswith(f"{SCRIPTS}{os.sep}") or not file.endswith(".py"):
        return
    path = Path(file)
    if known.get(str(path.relative_to(SCRIPTS))) != sha256(path):
        raise PassingError(
            f"{path}: was edited after Snakemake started, so this job would not do what was planned. Put it back, or "
            "end Snakemake and start it again."
        )
