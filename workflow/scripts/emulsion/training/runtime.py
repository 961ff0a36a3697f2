"""Execution settings. None changes what is learned (beyond rounding, and what dropout drops in a micro-batch)."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from emulsion.training.job import Job


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """The circumstances of a run.

    micro_batch         sequences a device takes at once
    sharding            none: every device holds the whole model; full: a part of it (`training.sharding`)
    checkpoint_seconds  time between checkpoints
    job                 which the run is part of; the run saves and stops before the job's time is over
    trackers            of accelerate: tensorboard, wandb, trackio
    tracker_folder      where trackers that write files write them
    after_step          called by every process with its `Training` after every step; says whether to continue
    compiled            whether to compile the model; None: where that pays (`forward.worth_compiling`)
    quiet               no progress in the log or on the terminal, for one of many short runs
    """

    micro_batch: int
    sharding: str = "none"
    checkpoint_seconds: float = 120.0
    job: Job = field(default_factory=Job)
    trackers: tuple[str, ...] = ()
    tracker_folder: Path = Path("logs/trackers")
    after_step: Callable[[Any], bool] = lambda training: True
    compiled: bool | None = None
    quiet: bool = False


def choose_precision(precision: str) -> str:
    """`auto` is bf16 where the device computes in it, else fp32 (bf16 on most CPUs is 20 times slower)."""
    if precision == "auto":
        return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "no"
    return "no" if precision == "fp32" else precision


def make_deterministic(threads: int) -> None:
    """The same bytes again on the same machine; to be called before anything is computed."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(threads)
    # To warn only would leave attention on a GPU as it is: not the same twice.
    torch.use_deterministic_algorithms(True, warn_only=not torch.cuda.is_available())
    # We read no memory that was not written.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
