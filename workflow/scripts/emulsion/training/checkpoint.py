"""Checkpoints to resume from: exact, whole or not there, without pickles.

A checkpoint is a folder `step-{n}`: `state.safetensors` with weights and Adam's moments, and `state.json` with the
step and the identity of the run. The state of the run's data, and of its randomness, needs no more than the step.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from emulsion.errors import UserError
from emulsion.files import read_json, whole_folder, write_json


@dataclass(frozen=True)
class Origin:
    """Where a run branches off from another one: the other's checkpoints, its identity, and the step."""

    folder: Path
    identity: str
    step: int


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


def load(folder: Path, identity: str, last: int, model: torch.nn.Module, optimizer: Any) -> dict[str, Any] | None:
    """Put the newest checkpoint of this very run into model and optimizer; None where there is none.

    last: a step; later checkpoints are left alone.
    """
    for checkpoint in reversed(checkpoints(folder)):
        state: dict[str, Any] = read_json(checkpoint / "state.json")
        if state.pop("identity") == identity and state["step"] <= last:
            _restore(load_file(checkpoint / "state.safetensors"), model, optimizer)
            return state
        if state["step"] <= last:
            logging.warning(
                "%s is of a run with other settings, data or mixture, so it is not gone on from; the next checkpoint "
                "replaces it.",
                checkpoint,
            )
    return None


def load_origin(origin: Origin, model: torch.nn.Module, optimizer: Any) -> dict[str, Any]:
    """Put the state that a branch starts from into model and optimizer.

    Raises UserError where the other run has no checkpoint of exactly that step.
    """
    state = load(origin.folder, origin.identity, origin.step, model, optimizer)
    if state is None or state["step"] != origin.step:
        raise UserError(
            f"{origin.folder}: no checkpoint of step {origin.step} of run {origin.identity} to branch from."
        )
    return state


def _tensors(model: torch.nn.Module, optimizer: Any) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[f"weight/{name}"] = parameter.detach()
        for key, value in optimizer.state[parameter].items():
            tensors[f"adam/{key}/{name}"] = value
    for name, buffer in model.named_buffers():
        tensors[f"buffer/{name}"] = buffer
    return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}


def _restore(tensors: dict[str, torch.Tensor], model: torch.nn.Module, optimizer: Any) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"weight/{name}"])
            for key in ("step", "exp_avg", "exp_avg_sq"):
                optimizer.state[parameter][key] = tensors[f"adam/{key}/{name}"].to(parameter.device)
        for name, buffer in model.named_buffers():
            buffer.copy_(tensors[f"buffer/{name}"])
