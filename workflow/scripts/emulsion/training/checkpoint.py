"""Checkpoints to resume from: exact, whole or not there, without pickles.

A checkpoint is a folder `step-{n}`: `state.safetensors` with weights, Adam's moments and the states of the
random generators, and `state.json` with the step and the identity of the run. The state of the run's data
needs no more than the step.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from emulsion.files import read_json, whole_folder, write_json


def save(folder: Path, identity: str, state: dict[str, Any], model: torch.nn.Module, optimizer: Any) -> Path:
    """Write the checkpoint of `state["step"]`, then remove older ones."""
    target = folder / f"step-{state['step']:09d}"
    with whole_folder(target) as part:
        save_file(_tensors(model, optimizer), part / "state.safetensors")
        write_json(part / "state.json", {"identity": identity, **state})
    for older in checkpoints(folder):
        if older != target:
            shutil.rmtree(older)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*"))


def load(folder: Path, identity: str, model: torch.nn.Module, optimizer: Any) -> dict[str, Any] | None:
    """Put the newest checkpoint of this very run into model and optimizer; None where there is none."""
    for checkpoint in reversed(checkpoints(folder)):
        state: dict[str, Any] = read_json(checkpoint / "state.json")
        if state.pop("identity") == identity:
            _restore(load_file(checkpoint / "state.safetensors"), model, optimizer)
            return state
    return None


def _tensors(model: torch.nn.Module, optimizer: Any) -> dict[str, torch.Tensor]:
    tensors = {"random/torch": torch.get_rng_state()}
    for name, parameter in model.named_parameters():
        tensors[f"weight/{name}"] = parameter.detach()
        for key, value in optimizer.state[parameter].items():
            tensors[f"adam/{key}/{name}"] = value
    for name, buffer in model.named_buffers():
        tensors[f"buffer/{name}"] = buffer
    for device in range(torch.cuda.device_count()):
        tensors[f"random/cuda/{device}"] = torch.cuda.get_rng_state(device)
    return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}


def _restore(tensors: dict[str, torch.Tensor], model: torch.nn.Module, optimizer: Any) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"weight/{name}"])
            for key in ("step", "exp_avg", "exp_avg_sq"):
                value = tensors[f"adam/{key}/{name}"]
                on_device = key != "step" or optimizer.param_groups[0]["fused"]
                optimizer.state[parameter][key] = value.to(parameter.device) if on_device else value
        for name, buffer in model.named_buffers():
            buffer.copy_(tensors[f"buffer/{name}"])
    torch.set_rng_state(tensors["random/torch"])
    for device in range(torch.cuda.device_count()):
        if f"random/cuda/{device}" in tensors:
            torch.cuda.set_rng_state(tensors[f"random/cuda/{device}"], device)


def seed_everything(seed: int) -> None:
    """Seed the generators that a model's initialisation or dropout may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)
