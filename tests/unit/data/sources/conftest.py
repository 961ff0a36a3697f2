"""The hub of the tests, and a fetch with variables of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fetch_server import SCRIPTS
from hub_fixtures import fetch_server, hub, served_hub  # noqa: F401


@pytest.fixture
def one_fetch(tmp_path: Path) -> Callable[[dict[str, str], dict[str, Any]], tuple[int, str]]:
    """Run the script once with variables of its own; returns exit status and what it wrote to standard error."""

    def fetch(variables: dict[str, str], source: dict[str, Any]) -> tuple[int, str]:
        arguments = ("--name", "tried", "--source", json.dumps(source), "--output", str(tmp_path / "raw"))
        command = [sys.executable, str(SCRIPTS / "fetch.py"), *arguments]
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stderr

    return fetch
