"""The trainings of a copy of the project once more, each killed by the system once and resumed."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

# Loads torch once, and trains each run in a process of its own: it saves at a step of its own, and dies there.
_AGAIN = """
import json
import os
import runpy
import signal
import sys
import zlib
from pathlib import Path

from transformers import GPT2LMHeadModel
from transformers.conversion_mapping import get_checkpoint_conversion_mapping

import emulsion.evaluation.generation
import emulsion.methods
import emulsion.training.rounds
import emulsion.training.run
from emulsion.training.loop import Training

get_checkpoint_conversion_mapping("gpt2")  # builds what every saved model asks for
_step, _save = Training._train_step, Training._save


def _here(self):
    mark = Path("killed", Path(sys.argv[sys.argv.index("--output") + 1]).name)
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


def attempt(script, arguments, log):
    if not (child := os.fork()):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), 2)
        sys.argv, code = [script, *arguments], 1
        try:
            runpy.run_path(script, run_name="__main__")
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


for script, arguments, log in json.load(sys.stdin):
    codes = [attempt(script, arguments, log)]
    if codes == [-signal.SIGKILL]:
        codes.append(attempt(script, arguments, log))
    assert codes[-1] == 0, (codes, Path(log).read_text())
"""


def train_again(folder: Path, output: str, fixed: Collection[str]) -> None:
    """Train into again/{run} runs whose commands Snakemake printed (`-p`); again/{run}.log is what they say.

    These are all that decide while they train, and of those on a given mixture, which are of one code, the ones named.
    """
    (folder / "again").mkdir()
    told = []
    for script, online, line in re.findall(r"python (workflow/scripts/train(_online)?\.py) (.*) 2> logs/", output):
        words = shlex.split(re.sub(r"\$\{.*?\}", "", line))
        run = Path(words[words.index("--output") + 1]).name
        if not online and run not in fixed:
            continue
        words[words.index("--output") + 1] = f"again/{run}"
        words[words.index("--checkpoints") + 1] = f"checkpoints/again-{run}"
        told.append((script, words, f"again/{run}.log"))
    environment = {**os.environ, "PYTHONPATH": "workflow/scripts"}
    subprocess.run(
        [sys.executable, "-c", _AGAIN], cwd=folder, input=json.dumps(told), text=True, env=environment, check=True
    )
