"""Runs one after the other in one group of processes, whose start is what takes the time; a script for torchrun."""

import functools
import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from emulsion.errors import PassingError
from emulsion.evaluation.generation import continue_text
from emulsion.training.forward import SequenceLosses
from emulsion.training.job import Job
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime
from emulsion.training.smoke import SmokeCheck


@contextmanager
def memory_of(most: int | None) -> Iterator[None]:
    """Devices whose memory holds so many sequences at once."""
    forward = SequenceLosses.forward

    def limited(self: SequenceLosses, tokens: torch.Tensor) -> torch.Tensor:
        if most is not None and len(tokens) > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(self, tokens)

    SequenceLosses.forward = limited  # type: ignore[method-assign]
    try:
        yield
    finally:
        SequenceLosses.forward = forward  # type: ignore[method-assign]


def train_all(told: dict[str, Any]) -> None:
    """Train `runs` into `folder`: lists of name, spec, and what a try has.

    That is sharding, micro_batch, minutes, memory, and the steps after which the smoke check looks.
    """
    torch.set_num_threads(1)
    folder, tokenizer = Path(told["folder"]), Path(told["tokenizer"])
    continued = functools.partial(continue_text, tokenizer=tokenizer)
    for name, spec, has in told["runs"]:
        runtime = Runtime(
            micro_batch=has.get("micro_batch", 8),
            sharding=has.get("sharding", "none"),
            checkpoint_seconds=0.0,
            job=Job(has.get("minutes")),
            after_step=SmokeCheck(steps=has.get("smoke", 0), least_fall=0.0, continued=continued),
        )
        try:
            with memory_of(has.get("memory")):
                train_run(
                    mixture_file=folder / "mixture.json",
                    store_folders=[Path(store) for store in told["stores"]],
                    tokenizer=tokenizer,
                    spec_values=spec,
                    output=folder / name,
                    checkpoints=folder / f"{name}.checkpoints",
                    runtime=runtime,
                )
        except PassingError as error:
            logging.warning("%s: %s", name, error)


def end_busy(accelerator: Accelerator) -> None:
    """End a training while the group of processes still waits for one of them to join in a sum."""
    if accelerator.is_main_process:
        time.sleep(2)
    torch.distributed.all_reduce(torch.ones(1), async_op=True)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    told = json.loads(sys.argv[1])
    # A run ends with the process group; here the next one goes on in it, but where the end is what is looked at.
    Accelerator.end_training = end_busy if told.get("busy") else lambda self: None
    logging.basicConfig(level=logging.INFO)
    train_all(told)
