"""What the tests of swarms share."""

import pytest
import torch
from swarm_cases import EARLY, MIXTURES, REST, TRUNKS, Killed
from training_cases import SPEC

from emulsion.mixture import Mixture
from emulsion.training.loop import Training
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
