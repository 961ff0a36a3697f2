"""Trainings that the system kills once, and the same trainings undisturbed, to be held against each other."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

SCRIPTS = ("train", "train_online")
# Put into the training scripts of a copy of the project: each run saves at a step of its own, and is killed there.
_KILL = """
import os
import signal
import sys
import zlib

from emulsion.training.loop import Training

_step, _save = Training._train_step, Training._save


def _here(self):
    mark = Path("killed", Path(sys.argv[sys.argv.index("--checkpoints") + 1]).name)
    at = 2 + zlib.crc32(mark.name.encode()) % (self.spec.steps - 4)
    return mark if self.step == at and not mark.exists() else None


def _step_to_the_end(self):
    _step(self)
    if _here(self):
        self.saved_at = -1e9  # a checkpoint is due


def _save_and_die(self):
    _save(self)
    if mark := _here(self):
        mark.parent.mkdir(exist_ok=True)
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


Training._train_step, Training._save = _step_to_the_end, _save_and_die
"""
# All in one process, which loads torch once.
_AGAIN = """
import json, runpy, sys

for script, arguments in json.load(sys.stdin):
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as end:
        assert not end.code, (script, arguments)
"""
_MAIN = 'if __name__ == "__main__":'


def plant(folder: Path) -> None:
    """Let every training of this copy of the project be killed once; its own scripts stay beside those that do it."""
    for name in SCRIPTS:
        script = folder / "workflow/scripts" / f"{name}.py"
        text = script.read_text()
        script.with_name(f"{name}_undisturbed.py").write_text(text)
        script.write_text(text.replace(_MAIN, f"{_KILL}\n\n{_MAIN}"))


def killed(folder: Path) -> set[str]:
    """The runs that were killed."""
    return {mark.name for mark in (folder / "killed").iterdir()}


def train_undisturbed(folder: Path, output: str) -> None:
    """Train all runs again whose commands Snakemake printed (`-p`), without a kill, into whole/{run}."""
    commands = {}
    for script, line in re.findall(rf"python workflow/scripts/({'|'.join(SCRIPTS)})\.py (.*) 2> logs/", output):
        words = shlex.split(re.sub(r"\$\{.*?\}", "", line))
        run = Path(words[words.index("--output") + 1]).name
        words[words.index("--output") + 1] = f"whole/{run}"
        words[words.index("--checkpoints") + 1] = f"checkpoints/whole-{run}"
        commands[run] = (f"workflow/scripts/{script}_undisturbed.py", words)
    environment = {**os.environ, "PYTHONPATH": "workflow/scripts"}
    told = json.dumps(list(commands.values()))
    subprocess.run([sys.executable, "-c", _AGAIN], cwd=folder, input=told, text=True, env=environment, check=True)
