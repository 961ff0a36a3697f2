"""What the tests of sweeps share."""

import pytest
import torch
from sweep_cases import EARLY, MIXTURES, REST, TRUNKS, Killed
from training_cases import SPEC

from emulsion.files import write_json
from emulsion.training.loop import Training
from emulsion.training.runtime import Runtime


@pytest.fixture
def told_sweep(tmp_path, store_folders, tokenizer):
    """What `train_sweep` takes."""
    torch.set_num_threads(1)
    for name, weights in MIXTURES.items():
        schedule = [{"until": 1.0, "weights": weights}]
        write_json(tmp_path / f"{name}.json", {"experiment": "laws", "name": name, "schedule": schedule})
    return {
        "mixture_files": [tmp_path / f"{name}.json" for name in MIXTURES],
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
