"""Train one run: a mixture, token stores and a run spec become a model.

Facts of the machine come from the environment: EMULSION_TRACKERS (tensorboard, wandb, trackio; comma-separated) and
EMULSION_CHECKPOINT_SECONDS (time between checkpoints, 120).
"""

import functools
import os
import sys
from pathlib import Path

from emulsion import command
from emulsion.training.job import Job
from emulsion.training.options import JobOptions, TrainingOptions


def launch(processes: int) -> None:
    """Start this same command once per device, where there is more than one."""
    import torch

    devices = min(processes, torch.cuda.device_count())
    if devices > 1 and "RANK" not in os.environ:
        runner = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}"]
        os.execv(sys.executable, [*runner, *sys.argv])


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    mixture: Path,
    output: Path,
    smoke_steps: int = 0,
    smoke_fall: float = 0.0,
    processes: int = 1,
) -> None:
    """
    :param mixture: mixture file
    :param output: model folder to make
    :param smoke_steps: look after so many steps whether the loss falls
    :param smoke_fall: nats per token that it must have fallen by
    :param processes: devices to train on
    """
    job = Job(saving.minutes)
    launch(processes)

    from emulsion.evaluation.generation import continue_text
    from emulsion.training.run import make_deterministic, train_run
    from emulsion.training.runtime import Runtime
    from emulsion.training.smoke import SmokeCheck

    make_deterministic(training.threads)
    smoke = SmokeCheck(
        steps=smoke_steps,
        least_fall=smoke_fall,
        continued=functools.partial(continue_text, tokenizer=training.tokenizer),
    )
    trackers = tuple(filter(None, os.environ.get("EMULSION_TRACKERS", "").split(",")))
    runtime = Runtime(
        micro_batch=training.micro_batch,
        checkpoint_seconds=saving.checkpoint_seconds,
        job=job,
        trackers=trackers,
        after_step=smoke,
    )
    train_run(
        mixture_file=mixture,
        store_folders=training.stores,
        tokenizer=training.tokenizer,
        spec_values=training.spec,
        output=output,
        checkpoints=saving.checkpoints,
        runtime=runtime,
        most_epochs=saving.most_epochs,
        weights=training.start,
    )


if __name__ == "__main__":
    command.run(main)
