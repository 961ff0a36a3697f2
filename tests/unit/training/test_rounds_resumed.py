"""Runs on online methods that are killed, go on, take over from another mixture, or have several processes."""

import itertools
import json
import os
import signal
import subprocess
import sys

import pytest
from rounds_cases import (
    KINDS,
    LOSSES,
    METHODS,
    REFERENCE,
    SOURCES,
    UNEVEN,
    Ascent,
    files,
)
from training_cases import SPEC, Killed, killed_before

from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl
from emulsion.methods import create
from emulsion.methods.stretches import opening
from emulsion.mixture import Mixture
from emulsion.training.loop import Training
from emulsion.training.rounds import Prelude

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.mark.parametrize("seconds", [0.0, 1e9], ids=["saved at every step", "never saved"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_in_and_between_rounds_ends_with_the_bytes_of_one_that_was_not(
    train, tmp_path, monkeypatch, kind, seconds
):
    told = {"reference": REFERENCE if kind == "excess_losses" else None}
    whole = train("whole", KINDS[kind](), {"kind": kind}, checkpoint_seconds=1e9, **told)
    for step in (1, 3, 4, 6, 8, 9, 11):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", KINDS[kind](), {"kind": kind}, checkpoint_seconds=seconds, **told)
    record = train("killed", KINDS[kind](), {"kind": kind}, checkpoint_seconds=seconds, **told)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    for key in ("identity", "schedule", "method", "sequences_per_source", "validation"):
        assert record[key] == whole[key], key


@pytest.mark.parametrize("kind", METHODS)
def test_every_method_killed_in_and_between_its_rounds_ends_with_the_same_bytes(train, tmp_path, monkeypatch, kind):
    def method():
        return create(kind, sources=SOURCES, **METHODS[kind])

    told = {"values": METHODS[kind], "reference": REFERENCE if kind == "doremi" else None}
    whole = train("whole", method(), checkpoint_seconds=1e9, **told)
    for step in (1, 5, 8):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", method(), **told)
    record = train("killed", method(), **told)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    assert record["schedule"] == whole["schedule"] and record["method"] == whole["method"]


PRELUDE = Prelude(mixture=Mixture(UNEVEN), share=1 / 3)


@pytest.mark.parametrize("kind", ["losses", "probes"])
def test_a_method_takes_over_from_another_ones_mixture(train, tmp_path, monkeypatch, kind):
    method = KINDS[kind]()
    whole = train("whole", method, {"kind": kind}, checkpoint_seconds=1e9, prelude=PRELUDE)
    first, second = whole["schedule"][:2]
    assert first == {"until": pytest.approx(1 / 3), "weights": dict(PRELUDE.mixture)}
    # Rounds begin where it ends, with what the method starts from, and none of it was seen by the method.
    opened = opening(KINDS[kind]())
    assert second["weights"] == dict(opened[0])
    assert sum(method.seen[0].counts.values()) < 8 * 8 and method.seen[0].step > 4
    for step in (2, 4, 5, 9):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, step)
            train("killed", KINDS[kind](), {"kind": kind}, prelude=PRELUDE)
    train("killed", KINDS[kind](), {"kind": kind}, prelude=PRELUDE)
    assert files(tmp_path / "whole") == files(tmp_path / "killed")
    alone = train("alone", KINDS[kind](), {"kind": kind})
    assert alone["identity"] != whole["identity"]


@pytest.mark.parametrize("kind", ["losses", "probes"])
def test_rounds_that_came_after_the_last_checkpoint_are_decided_again(train, tmp_path, monkeypatch, kind):
    train("whole", KINDS[kind](), {"kind": kind})
    original = Training._save
    for saved, dies in ((2, 5), (5, 11), (9, 10)):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            killed_before(patched, dies)
            patched.setattr(Training, "_save", lambda self, at=saved: original(self) if self.step == at else None)
            train("killed", KINDS[kind](), {"kind": kind})
        newest = max((tmp_path / "killed.checkpoints").glob("step-*"))
        assert newest.name == f"step-{saved:09d}"
    train("killed", KINDS[kind](), {"kind": kind})
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


def test_a_run_that_is_short_of_time_saves_and_the_next_job_goes_on_with_its_rounds(train, tmp_path):
    train("whole", Ascent(), checkpoint_seconds=1e9)
    with pytest.raises(UserError, match=r"stopped at step \d+ of 12, saved"):
        train("late", Ascent(), checkpoint_seconds=1e9, minutes=1e-9)
    train("late", Ascent(), checkpoint_seconds=1e9)
    assert files(tmp_path / "whole") == files(tmp_path / "late")


def test_a_run_killed_while_a_method_decides_decides_again(train, tmp_path, monkeypatch):
    train("whole", Ascent())

    def dies(self, seen):
        original(self, seen)
        raise Killed

    original = Ascent.update
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Ascent, "update", dies)
        train("killed", Ascent())
    train("killed", Ascent())
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


def test_another_setting_is_another_run_and_does_not_go_on_from_its_checkpoint(train, tmp_path, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        killed_before(patched, 7)
        train("run", Ascent(rate=2.0), {"rate": 2.0})
    other = train("run", Ascent(rate=-2.0), {"rate": -2.0})
    fresh = train("fresh", Ascent(rate=-2.0), {"rate": -2.0})
    assert files(tmp_path / "run") == files(tmp_path / "fresh")
    assert other["identity"] == fresh["identity"] != train("first", Ascent(), {"rate": 2.0})["identity"]


JOB = """
import os, signal, sys, json
from pathlib import Path
import torch
from emulsion.training.job import Job
from emulsion.training.loop import Training
from emulsion.training.runtime import Runtime
from rounds_cases import Ascent, RunOn

told = json.loads(sys.argv[1])
torch.set_num_threads(1)
original = Training._save

def save(self):
    original(self)
    if self.step == told["dies"]:
        os.kill(os.getpid(), signal.SIGKILL)

def train():
    RunOn(made=Ascent(), spec=told["spec"]).train(
        experiment="exp9", name="killed",
        store_folders=[Path(folder) for folder in told["stores"]], tokenizer=Path(told["tokenizer"]),
        output=Path(told["output"]), checkpoints=Path(told["output"] + ".checkpoints"),
        runtime=Runtime(micro_batch=8, checkpoint_seconds=0.0),
    )

Training._save = save
codes = []
for told["dies"] in told["dies"]:  # each in a process of its own
    if not (child := os.fork()):
        train()
        os._exit(0)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(codes))
"""


def test_a_process_killed_by_the_system_in_and_between_rounds_ends_with_the_same_bytes(
    train, tmp_path, store_folders, tokenizer
):
    train("whole", Ascent())
    told = {"stores": list(map(str, store_folders.values())), "tokenizer": str(tokenizer), "spec": SPEC}
    told |= {"output": str(tmp_path / "killed"), "dies": [3, 7, None]}
    command = [sys.executable, "-c", JOB, json.dumps(told)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [-signal.SIGKILL, -signal.SIGKILL, 0]
    assert files(tmp_path / "whole") == files(tmp_path / "killed")


RANKS = """
import json, sys
from pathlib import Path
import torch
from accelerate import Accelerator
from emulsion.methods.interface import Evidence
from emulsion.training.evidence import Reference
from emulsion.training.online_run import OnlineRun
from emulsion.training.runtime import Runtime

told = json.loads(sys.argv[1])
torch.set_num_threads(1)
# A run ends with the process group; here the next one goes on in it.
Accelerator.end_training = lambda self: None
for sharding, kind in [(sharding, kind) for sharding in ("none", "full") for kind in told["methods"]]:
    settings, folder = told["methods"][kind], Path(told["output"], sharding)
    run = OnlineRun(
        method={"kind": kind, **settings}, evidence=Evidence(), sources=told["sources"], spec=told["spec"],
        reference=Reference(losses=told["losses"]) if kind == "doremi" else None,
    )
    run.train(
        experiment="exp9", name=kind,
        store_folders=[Path(folder) for folder in told["stores"]], tokenizer=Path(told["tokenizer"]),
        output=folder / kind, checkpoints=folder / (kind + ".work"),
        runtime=Runtime(micro_batch=8, checkpoint_seconds=1e9, sharding=sharding),
    )
"""


def test_two_processes_decide_and_train_as_one_with_every_method(train, tmp_path, store_folders, tokenizer):
    """All kinds, each process with the whole model or with a part, in one group, whose start is what takes the time."""
    for kind, values in METHODS.items():
        reference = REFERENCE if kind == "doremi" else None
        train(kind, create(kind, sources=SOURCES, **values), values, reference=reference)
    told = {"stores": list(map(str, store_folders.values())), "tokenizer": str(tokenizer), "spec": SPEC}
    told |= {"methods": METHODS, "sources": SOURCES, "losses": LOSSES, "output": str(tmp_path / "two")}
    (tmp_path / "job.py").write_text(RANKS)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    environment = {**ENVIRONMENT, "ACCELERATE_USE_CPU": "1"}
    command = [*launcher, str(tmp_path / "job.py"), json.dumps(told)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for kind, together in itertools.product(METHODS, (tmp_path / "two/none", tmp_path / "two/full")):
        one, two = (read_json(folder / kind / "run.json") for folder in (tmp_path, together))
        assert (one["devices"], two["devices"]) == (1, 2)
        # The same plan: of every source as many sequences, in every stage.
        assert [stage["sequences_per_source"] for stage in two["stages"]] == [
            stage["sequences_per_source"] for stage in one["stages"]
        ], kind
        for first, second in zip(one["schedule"], two["schedule"], strict=True):
            assert second["weights"] == pytest.approx(first["weights"], abs=1e-3), kind
        # The same order: each step draws from the same sources, and its losses are those of the same sequences.
        logs = (read_jsonl(folder / kind / "training_log.jsonl") for folder in (tmp_path, together))
        for first, second in zip(*logs, strict=True):
            assert second["source_losses"] == pytest.approx(first["source_losses"], abs=5e-3), (kind, first["step"])
        assert two["validation"] == pytest.approx(one["validation"], abs=5e-3), kind
