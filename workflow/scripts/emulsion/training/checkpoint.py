"""Checkpoints to resume from: exact, whole or not there, without pickles, and checked before they are used.

A checkpoint is a folder `step-{n}`: `state.safetensors` with weights and Adam's moments; `state.json` with the step,
the identity of the run, the SHA-256 of every tensor and of the log, and the receipt; and the log up to that step. The
state of the run's data, and of its randomness, needs no more than the step. Two are kept. One that is damaged is set
aside as `damaged-step-{n}`, and the one before it, or the start, is taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from emulsion.errors import UserError
from emulsion.files import read_json, remove_folder, sha256, sync, whole_folder, write_json
from emulsion.training.log import TrainingLog

log = logging.getLogger(__name__)

KEPT = 2
STATE, TENSORS, LOG = "state.json", "state.safetensors", "training_log.jsonl"


@dataclass(frozen=True)
class Origin:
    """Where a run branches off from another one: the other's checkpoints, its identity, and the step."""

    folder: Path
    identity: str
    step: int


@dataclass(frozen=True)
class Saved:
    """A checkpoint that was put into model and optimizer: what `save` was given as state, and the log up to then."""

    state: dict[str, Any]
    log: Path


def save(
    folder: Path, identity: str, state: Mapping[str, Any], model: torch.nn.Module, optimizer: Any, written: TrainingLog
) -> Path:
    """Write the checkpoint of `state["step"]`; it and the one before stay.

    written: the run's log, up to this step.
    """
    target = folder / f"step-{state['step']:09d}"
    tensors = _tensors(model, optimizer)
    with whole_folder(target) as part:
        save_file(tensors, part / TENSORS)
        checks = {"tensors": checksums(tensors), "log": written.copy(part / LOG)}
        write_json(part / STATE, {"identity": identity, **state, "sha256": checks})
    earlier = [other for other in checkpoints(folder) if other.name < target.name]
    for other in checkpoints(folder):
        if other != target and other not in earlier[1 - KEPT :]:
            remove_folder(other)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted(folder.glob("step-*"))


def load(folder: Path, identity: str, last: int, model: torch.nn.Module, optimizer: Any) -> Saved | None:
    """Put the newest sound checkpoint of this very run into model and optimizer; None if there is none.

    last: a step; later checkpoints are left alone. Damaged ones are set aside, which the log of the job says.
    """
    for checkpoint in reversed(checkpoints(folder)):
        try:
            state: dict[str, Any] = read_json(checkpoint / STATE)
            if state["step"] > last:
                continue
            if state.pop("identity") != identity:
                log.warning(
                    "%s is of a run with other settings, data or mixture, so it is not gone on from; the next "
                    "checkpoint replaces it.",
                    checkpoint,
                )
                continue
            tensors = _checked(checkpoint, state.pop("sha256"))
        except (UserError, SafetensorError, FileNotFoundError, KeyError) as error:
            _set_aside(checkpoint, error)
            continue
        _restore(tensors, model, optimizer)
        _confirm(tensors, model, optimizer, checkpoint)
        return Saved(state, checkpoint / LOG)
    return None


def load_origin(origin: Origin, model: torch.nn.Module, optimizer: Any) -> Saved:
    """Put the state that a branch starts from into model and optimizer.

    Raises UserError where the other run has no checkpoint of exactly that step.
    """
    saved = load(origin.folder, origin.identity, origin.step, model, optimizer)
    if saved is None or saved.state["step"] != origin.step:
        raise UserError(
            f"{origin.folder}: no checkpoint of step {origin.step} of run {origin.identity} to branch from; start "
            "again, and it is trained to that step again."
        )
    return saved


def checksums(tensors: Mapping[str, torch.Tensor]) -> dict[str, str]:
    """{name: SHA-256 of the bytes of a tensor}."""

    def checksum(tensor: torch.Tensor) -> str:
        return hashlib.sha256(tensor.reshape(-1).view(torch.uint8).numpy().data).hexdigest()

    # hashlib lets go of the interpreter, so large models take all the threads that they train on.
    with ThreadPoolExecutor(min(16, torch.get_num_threads())) as pool:
        return dict(zip(tensors, pool.map(checksum, tensors.values()), strict=True))


def _checked(checkpoint: Path, checks: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint; raises UserError where they, or its log, are not what was saved."""
    tensors: dict[str, torch.Tensor] = load_file(checkpoint / TENSORS)
    found = checksums(tensors)
    if found != checks["tensors"]:
        names = sorted(
            name for name in {**found, **checks["tensors"]} if found.get(name) != checks["tensors"].get(name)
        )
        raise UserError(f"{checkpoint / TENSORS}: {', '.join(names[:3])} differ from what was saved")
    if sha256(checkpoint / LOG) != checks["log"]:
        raise UserError(f"{checkpoint / LOG}: differs from what was saved")
    return tensors


def _set_aside(checkpoint: Path, error: Exception) -> None:
    aside = checkpoint.with_name(f"damaged-{checkpoint.name}")
    remove_folder(aside)
    with contextlib.suppress(FileNotFoundError):  # another process of this run was first
        checkpoint.replace(aside)
    sync(checkpoint.parent)
    log.warning("%s: damaged (%s); set aside as %s, and the one before is taken", checkpoint, error, aside.name)


def _confirm(tensors: Mapping[str, torch.Tensor], model: torch.nn.Module, optimizer: Any, checkpoint: Path) -> None:
    """Raise UserError unless model and optimizer are now exactly what the checkpoint holds."""
    live = _tensors(model, optimizer)
    wrong = [name for name in {**live, **tensors} if name not in live or name not in tensors]
    wrong = wrong or [name for name, tensor in live.items() if not torch.equal(tensor, tensors[name])]
    if wrong:
        raise UserError(
            f"{checkpoint}: {', '.join(wrong[:3])} did not become what was saved; delete {checkpoint.parent}."
        )


def _tensors(model: torch.nn.Module, optimizer: Any) -> dict[str, torch.Tensor]:
    tensors = {}
    for name, parameter in model.named_parameters():
        tensors[f"weight/{name}"] = parameter.detach()
        for key, value in optimizer.state[parameter].items():
            tensors[f"adam/{key}/{name}"] = value
    for name, buffer in model.named_buffers():
        tensors[f"buffer/{name}"] = buffer
    return {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}


def _restore(tensors: Mapping[str, torch.Tensor], model: torch.nn.Module, optimizer: Any) -> None:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(tensors[f"weight/{name}"])
            for key in ("step", "exp_avg", "exp_avg_sq"):
                optimizer.state[parameter][key] = tensors[f"adam/{key}/{name}"].to(parameter.device)
        for name, buffer in model.named_buffers():
            buffer.copy_(tensors[f"buffer/{name}"])
