"""A run small enough to train in a test."""

import torch
from safetensors.torch import load_file

from emulsion.training.loop import Training

SPEC = {
    "recipe": 1,
    "model": {
        "architecture": "gpt2",
        "hidden_size": 16,
        "layers": 1,
        "heads": 2,
        "intermediate_size": 32,
        "context": 24,
        "dropout": 0.0,
    },
    "tokens": 12 * 8 * 24,
    "batch_tokens": 8 * 24,
    "learning_rate": 1e-2,
    "final_learning_rate": 1e-3,
    "warmup": 0.25,
    "weight_decay": 0.1,
    "betas": [0.9, 0.95],
    "epsilon": 1e-8,
    "clip": 1.0,
    "validations": 3,
    "validation_sequences": 4,
    "precision": "fp32",
    "seed": 0,
}
NEOX = {**SPEC["model"], "architecture": "gpt_neox"}
MIXTURE = {
    "experiment": "exp9",
    "name": "mixed",
    "schedule": [
        {"until": 0.5, "weights": {"alpha": 0.7, "beta": 0.2, "gamma": 0.1}},
        {"until": 1.0, "weights": {"alpha": 0.1, "beta": 0.2, "gamma": 0.7}},
    ],
}


def weights(folder):
    return load_file(folder / "model.safetensors")


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def killed_before(monkeypatch, step):
    """Make the next training die before the step after `step`, when all that comes before it is done."""
    original = Training._train_step

    def train_step(self):
        if self.step == step:
            raise Killed
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
