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
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from emulsion.errors import PassingError, UserError
from emulsion.files import read_object, remove_folder, sha256, sync, whole_folder, without_remedy, write_json
from emulsion.training.log import TrainingLog
from emulsion.training.sharding import gathered, placed_like, whole

log = logging.getLogger(__name__)

KEPT = 2
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)
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
    folder: Path, identity: str, state: Mapping[str, Any], tensors: Mapping[str, Tensor], written: TrainingLog
) -> Path:
    """Write the checkpoint of `state["step"]`; it and the one before stay, and what kills have left of others goes.

    tensors: of `tensors()`; written: the run's log, up to this step.
    """
    target = folder / f"step-{state['step']:09d}"
    for left_by_a_kill in folder.glob(".step-*.part"):
        shutil.rmtree(left_by_a_kill, ignore_errors=True)
    with whole_folder(target) as part:
        save_file(dict(tensors), part / TENSORS)
        checks = {"tensors": checksums(tensors), "log": written.copy(part / LOG)}
        write_json(part / STATE, {"identity": identity, **state, "sha256": checks})
    earlier = [other for other in checkpoints(folder) if other.name < target.name]
    for other in checkpoints(folder):
        if other != target and other not in earlier[1 - KEPT :]:
            remove_folder(other)
    return target


def checkpoints(folder: Path) -> list[Path]:
    """The whole checkpoints of a run, oldest first."""
    return sorted(folder.glob(f"step-{'[0-9]' * 9}"))


def load(folder: Path, identity: str, last: int, model: torch.nn.Module, optimizer: Any) -> Saved | None:
    """Put the newest sound checkpoint of this very run into model and optimizer; None if there is none.

    last: a step; later checkpoints are left alone. Damaged ones are set aside, which the log of the job says.
    """
    for checkpoint in reversed(checkpoints(folder)):
        try:
            state: dict[str, Any] = read_object(checkpoint / STATE)
            if state["step"] > last:
                continue
            if state.pop("identity") != identity:
                log.warning(
                    "%s is of a run with other settings, data or mixture, so it is not gone on from; the next "
                    "checkpoint replaces it.",
                    checkpoint,
                )
                continue
            _check(checkpoint, state.pop("sha256"))
        except (UserError, SafetensorError, *_ABSENT, KeyError, TypeError) as error:
            _set_aside(checkpoint, error)
            continue
        _restore(checkpoint, model, optimizer)
        _confirm(checkpoint, model, optimizer)
        return Saved(state, checkpoint / LOG)
    return None


def load_origin(origin: Origin, model: torch.nn.Module, optimizer: Any) -> Saved:
    """Put the state that a branch starts from into model and optimizer.

    Raises PassingError where the other run has no checkpoint of exactly that step.
    """
    saved = load(origin.folder, origin.identity, origin.step, model, optimizer)
    if saved is None or saved.state["step"] != origin.step:
        raise PassingError(
            f"{origin.folder}: no checkpoint of step {origin.step} of run {origin.identity} to branch from; start "
            "again, and it is trained to that step again."
        )
    return saved


def tensors(model: torch.nn.Module, optimizer: Any, *, keep: bool = True) -> dict[str, Tensor]:
    """{name: tensor on the processor} of weights, Adam's moments and buffers; every process of a sharded model gives.

    keep: whether this process wants them; else it gets none.
    """
    return gathered(_live(model, optimizer), keep=keep)


def checksums(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """{name: SHA-256 of the bytes of a tensor}."""
    return _checksums(list(tensors), tensors.__getitem__)


def _checksums(names: Sequence[str], tensor: Callable[[str], Tensor]) -> dict[str, str]:
    def checksum(name: str) -> str:
        return hashlib.sha256(tensor(name).reshape(-1).view(torch.uint8).numpy().data).hexdigest()

    # hashlib lets go of the interpreter, so large models take all the threads that they train on.
    if (threads := min(16, torch.get_num_threads())) == 1:
        return {name: checksum(name) for name in names}
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(names, pool.map(checksum, names), strict=True))


def _check(checkpoint: Path, checks: Mapping[str, Any]) -> None:
    """Raise UserError where the tensors of a checkpoint, or its log, are not what was saved."""
    with safe_open(checkpoint / TENSORS, "pt") as saved:
        found = _checksums(list(saved.keys()), saved.get_tensor)
    if found != checks["tensors"]:
        names = sorted(
            name for name in {**found, **checks["tensors"]} if found.get(name) != checks["tensors"].get(name)
        )
        raise UserError(f"{checkpoint / TENSORS}: {', '.join(names[:3])} differ from what was saved")
    if sha256(checkpoint / LOG) != checks["log"]:
        raise UserError(f"{checkpoint / LOG}: differs from what was saved")


def _set_aside(checkpoint: Path, error: Exception) -> None:
    aside = checkpoint.with_name(f"damaged-{checkpoint.name}")
    with contextlib.suppress(FileNotFoundError):  # another process of this run was first
        try:
            checkpoint.replace(aside)
        except FileNotFoundError:
            raise
        except OSError:  # an earlier one of this step is there
            remove_folder(aside)
            checkpoint.replace(aside)
    sync(checkpoint.parent)
    why = without_remedy(error).rstrip(".")
    log.warning("%s: damaged (%s); set aside as %s, and the one before is taken", checkpoint, why, aside.name)


def _live(model: torch.nn.Module, optimizer: Any) -> dict[str, Tensor]:
    """{name: tensor} of all that a checkpoint holds, where it is."""
    live = {}
    for name, parameter in model.named_parameters():
        live[f"weight/{name}"] = parameter.detach()
        for key, value in optimizer.state[parameter].items():
            live[f"adam/{key}/{name}"] = value
    for name, buffer in model.named_buffers():
        live[f"buffer/{name}"] = buffer
    return live


def _restore(checkpoint: Path, model: torch.nn.Module, optimizer: Any) -> None:
    """Put the tensors of a checkpoint into model and optimizer, one at a time."""
    with safe_open(checkpoint / TENSORS, "pt") as saved, torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(placed_like(saved.get_tensor(f"weight/{name}"), parameter))
            state = optimizer.state[parameter]
            state["step"] = saved.get_tensor(f"adam/step/{name}").to(parameter.device)
            for key in ("exp_avg", "exp_avg_sq"):
                state[key] = placed_like(saved.get_tensor(f"adam/{key}/{name}"), parameter)
        for name, buffer in model.named_buffers():
            buffer.copy_(saved.get_tensor(f"buffer/{name}"))


def _confirm(checkpoint: Path, model: torch.nn.Module, optimizer: Any) -> None:
    """Raise UserError unless model and optimizer are now exactly what the checkpoint holds."""
    live = _live(model, optimizer)
    with safe_open(checkpoint / TENSORS, "pt") as saved:
        names = set(saved.keys())
        wrong = [name for name in {**live, **dict.fromkeys(names)} if name not in live or name not in names]
        # A list of all, for every process of a sharded model has to give its part of each.
        wrong = wrong or [name for name in live if not torch.equal(whole(live[name]).cpu(), saved.get_tensor(name))]
    if wrong:
        raise UserError(
            f"{checkpoint}: {', '.join(wrong[:3])} did not become what was saved; delete {checkpoint.parent}."
        )
