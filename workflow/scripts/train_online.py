"""Train one run on an online method: the mixture is decided while it trains.

Its trajectory, `schedule` in run.json, can be written as a mixture file (write_trajectory.py). Environment variables as
of train.py.
"""

import os
from pathlib import Path

from emulsion import command
from emulsion.environment import installed_trackers
from emulsion.training.job import Job
from emulsion.training.method_options import MethodOptions, OnlineOptions
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    decided: MethodOptions,
    online: OnlineOptions,
    output: Path,
    processes: int = 1,
    nodes: int = 1,
) -> None:
    """
    :param output: model folder to make
    :param processes: devices to train on, over all nodes
    :param nodes: of a SLURM job, to train on
    """
    job = Job(saving.minutes)

    from emulsion.training.devices import launch, threads_of_process
    from emulsion.training.runtime import Runtime, make_deterministic

    launch(processes, nodes, training.threads)
    make_deterministic(threads_of_process(training.threads, nodes))
    online.run(decided, training, saving).train(
        experiment=decided.experiment,
        name=decided.name,
        store_folders=training.stores,
        tokenizer=training.tokenizer,
        output=output,
        checkpoints=saving.checkpoints,
        runtime=Runtime(
            micro_batch=training.micro_batch,
            sharding=training.sharding,
            checkpoint_seconds=saving.checkpoint_seconds,
            job=job,
            trackers=installed_trackers(os.environ),
        ),
        weights=training.start,
    )


if __name__ == "__main__":
    command.run(main)
