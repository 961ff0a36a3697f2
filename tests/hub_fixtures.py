"""A hub on this machine and a process that reads from it, for the tests that import these fixtures."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fetch_server import FetchServer
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
