"""Fetches in processes of their own, forked from one that has loaded the hub's client: a start takes no second.

The client reads HF_ENDPOINT when it is imported, and a process must be one that can be killed; so tests of the hub run
`fetch.py` and `probe_sources.py` here. Run as a script it is the process that forks: a line of JSON for each command
in, its process and then its exit status out.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"


def environment(endpoint: str, home: Path) -> dict[str, str]:
    """The variables of a process that knows no hub but the one at `endpoint`, and no token."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    hub = {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    return {**kept, **hub, "PYTHONPATH": str(SCRIPTS), "HF_HUB_DISABLE_XET": "1"}


@dataclass
class Ended:
    """How a command ended: its exit status (negative: the signal), and what it wrote."""

    status: int
    output: str
    errors: str


class Running:
    """A command that runs."""

    def __init__(self, server: FetchServer, pid: int, folder: Path) -> None:
        self._server, self.pid, self._folder = server, pid, folder
        self.runs = True

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        status = self._server.answer()["status"]
        self.runs = False
        return Ended(status, (self._folder / "output").read_text(), (self._folder / "errors").read_text())


class FetchServer:
    """The process that forks, from outside; one command at a time."""

    def __init__(self, endpoint: str, home: Path) -> None:
        home.mkdir(parents=True)
        self.home = home
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(endpoint, home),
        )

    def start(self, script: str, *arguments: str, token: str | None = None, **settings: Any) -> Running:
        """Start a script; settings: values of modules of `emulsion.data.sources`, such as hub_rows__PART_ROWS=100."""
        command = {"script": script, "arguments": arguments, "token": token, "settings": settings}
        self._process.stdin.write(json.dumps(command | {"folder": str(self.home)}) + "\n")
        self._process.stdin.flush()
        return Running(self, self.answer()["pid"], self.home)

    def run(self, script: str, *arguments: str, token: str | None = None, **settings: Any) -> Ended:
        return self.start(script, *arguments, token=token, **settings).wait()

    def fetch(self, source: dict[str, Any], folder: Path, **settings: Any) -> Ended:
        """Fetch a source of this name to the folder's child of that name."""
        return self.begin(source, folder, **settings).wait()

    def begin(self, source: dict[str, Any], folder: Path, **settings: Any) -> Running:
        arguments = ("--name", "tried", "--source", json.dumps(source), "--output", str(folder))
        return self.start("fetch", *arguments, **settings)

    def answer(self) -> dict[str, int]:
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=10)


def _serve() -> None:
    import datasets  # noqa: F401  the costly part, shared by all forks

    import emulsion.data.sources.hub
    import emulsion.data.sources.web  # noqa: F401

    for line in sys.stdin:
        command = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _run(command)
        print(json.dumps({"pid": pid}), flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"status": os.waitstatus_to_exitcode(status)}), flush=True)


def _run(command: dict[str, Any]) -> None:
    """Be the command, and end."""
    for number, name in ((1, "output"), (2, "errors")):
        with (Path(command["folder"]) / name).open("wb") as out:
            os.dup2(out.fileno(), number)
    status = 70
    try:
        if command["token"] is not None:
            os.environ["HF_TOKEN"] = command["token"]
        for setting, value in command["settings"].items():
            module, _, name = setting.partition("__")
            setattr(sys.modules[f"emulsion.data.sources.{module}"], name, value)
        sys.argv = [command["script"], *command["arguments"]]
        status = _main(command["script"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _main(script: str) -> int:
    import importlib
    import traceback

    from emulsion import command

    try:
        command.run(importlib.import_module(script).main)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0


if __name__ == "__main__":
    _serve()
