"""What the tests of swarms and of rounds share."""

import pytest
import torch
from rounds_cases import RunOn
from swarm_cases import EARLY, MIXTURES, REST, TRUNKS
from training_cases import MIXTURE, SPEC, Killed

from emulsion.files import read_json, write_json
from emulsion.mixture import Mixture
from emulsion.spec import RunSpec
from emulsion.training.inputs import RunInputs
from emulsion.training.job import Job
from emulsion.training.loop import Training
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime


@pytest.fixture
def swarm(tmp_path, store_folders, tokenizer):
    """What `train_swarm` takes."""
    torch.set_num_threads(1)
    return {
        "mixtures": {name: Mixture(weights) for name, weights in MIXTURES.items()},
        "stores": list(store_folders.values()),
        "tokenizer": tokenizer,
        "spec": SPEC,
        "trunks": TRUNKS,
        "branches": {"early": EARLY, "rest": REST},
        "checkpoints": tmp_path / "journal",
        "runtime": Runtime(micro_batch=8, checkpoint_seconds=0.0),
    }


@pytest.fixture
def steps(monkeypatch):
    """The steps trained, as they come; set `dies` to the number of the step before which the process is killed."""

    class Steps(list):
        dies = None

    seen, original = Steps(), Training._train_step

    def train_step(self):
        if len(seen) == seen.dies:
            raise Killed
        seen.append(self.step)
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
    return seen


@pytest.fixture
def settings(tmp_path, store_folders, tokenizer):
    """What a run of this name takes besides its mixture or method."""
    torch.set_num_threads(1)

    def of(name, checkpoint_seconds=0.0, minutes=None, **changes):
        return {
            "store_folders": list(store_folders.values()),
            "tokenizer": tokenizer,
            "spec_values": {**SPEC, **changes},
            "output": tmp_path / name,
            "checkpoints": tmp_path / f"{name}.checkpoints",
            "runtime": Runtime(micro_batch=8, checkpoint_seconds=checkpoint_seconds, job=Job(minutes)),
        }

    return of


@pytest.fixture
def train(tmp_path, settings):
    """Train on a method into a folder of this name; returns the run's record."""

    def run(name, method, values=(), *, max_epochs=0, reference=None, prelude=None, needed=(), **changes):
        told = settings(name, **changes)
        RunOn(
            made=method,
            told=dict(values),
            spec=told.pop("spec_values"),
            max_epochs=max_epochs,
            reference=reference,
            prelude=prelude,
            needed=needed,
        ).train(experiment="exp9", name=name, **told)
        return read_json(tmp_path / name / "run.json")

    return run


@pytest.fixture
def train_mixture(tmp_path, store_folders, tokenizer):
    """Train on the mixture of `training_cases` into a folder of this name; returns the run's record."""
    write_json(tmp_path / "mixture.json", MIXTURE)
    torch.set_num_threads(1)

    def run(
        name, micro_batch=8, checkpoint_seconds=0.0, minutes=None, trackers=(), reuse=False, max_epochs=0, **changes
    ):
        train_run(
            mixture_file=tmp_path / "mixture.json",
            store_folders=list(store_folders.values()),
            tokenizer=tokenizer,
            spec_values={**SPEC, **changes},
            output=tmp_path / name,
            checkpoints=tmp_path / f"{name}.checkpoints",
            runtime=Runtime(
                micro_batch=micro_batch,
                checkpoint_seconds=checkpoint_seconds,
                job=Job(minutes),
                trackers=trackers,
                tracker_folder=tmp_path / "trackers",
            ),
            max_epochs=max_epochs,
            reuse=reuse,
        )
        return read_json(tmp_path / name / "run.json")

    return run


@pytest.fixture
def inputs(store_folders, tokenizer):
    return RunInputs.open(list(store_folders.values()), tokenizer, RunSpec.from_json(SPEC), None)
