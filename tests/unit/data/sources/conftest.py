"""A hub on this machine and a process that fetches from it, shared by the tests of sources."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fetch_server import SCRIPTS, FetchServer
from stand_in_hub import StandInHub


@pytest.fixture(scope="session")
def served_hub() -> Iterator[StandInHub]:
    with StandInHub() as hub:
        yield hub


@pytest.fixture(scope="session")
def fetch_server(served_hub: StandInHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FetchServer]:
    server = FetchServer(served_hub.endpoint, tmp_path_factory.mktemp("fetches") / "home")
    yield server
    server.close()


@pytest.fixture
def hub(served_hub: StandInHub) -> Iterator[StandInHub]:
    """The hub, empty and without faults."""
    served_hub.reset()
    yield served_hub
    served_hub.reset()


@pytest.fixture
def one_fetch(tmp_path: Path) -> Callable[[dict[str, str], dict[str, Any]], tuple[int, str]]:
    """Run the script once with variables of its own; returns exit status and what it wrote to standard error."""

    def fetch(variables: dict[str, str], source: dict[str, Any]) -> tuple[int, str]:
        arguments = ("--name", "tried", "--source", json.dumps(source), "--output", str(tmp_path / "raw"))
        command = [sys.executable, str(SCRIPTS / "fetch.py"), *arguments]
        ended = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
        return ended.returncode, ended.stderr

    return fetch
