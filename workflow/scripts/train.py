"""Train one run: a mixture, token stores and a run spec become a model.

Facts of the machine come from the environment: EMULSION_TRACKERS (tensorboard, wandb, trackio; comma-separated) and
EMULSION_CHECKPOINT_SECONDS (time between checkpoints, 120).
"""

import functools
import os
from pathlib import Path

from emulsion import command
from emulsion.environment import installed_trackers
from emulsion.training.job import Job
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    mixture: Path,
    output: Path,
    smoke_steps: int = 0,
    smoke_fall: float = 0.0,
    again: bool = False,
    processes: int = 1,
    nodes: int = 1,
) -> None:
    """
    :param mixture: mixture file
    :param output: model folder to make
    :param smoke_steps: after how many steps to look whether the loss falls; 0: never
    :param smoke_fall: nats per token that it must have fallen by
    :param again: train even where a finished run is the same
    :param processes: devices to train on, over all nodes
    :param nodes: of a SLURM job, to train on
    """
    job = Job(saving.minutes)

    from emulsion.evaluation.generation import continue_text
    from emulsion.training.devices import launch, threads_of_process
    from emulsion.training.run import train_run
    from emulsion.training.runtime import Runtime, make_deterministic
    from emulsion.training.smoke import SmokeCheck

    launch(processes, nodes, training.threads)
    make_deterministic(threads_of_process(training.threads, nodes))
    smoke = SmokeCheck(
        steps=smoke_steps,
        least_fall=smoke_fall,
        continued=functools.partial(continue_text, tokenizer=training.tokenizer),
    )
    runtime = Runtime(
        micro_batch=training.micro_batch,
        sharding=training.sharding,
        checkpoint_seconds=saving.checkpoint_seconds,
        job=job,
        trackers=installed_trackers(os.environ),
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
        max_epochs=saving.refused_above,
        weights=training.start,
        reuse=not again,
    )


if __name__ == "__main__":
    command.run(main)
