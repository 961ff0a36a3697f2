"""Train one run on an online method: the mixture is decided while it trains.

Its trajectory, `schedule` in run.json, can be written as a mixture file (write_trajectory.py). Environment variables as
of train.py.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.environment import installed_trackers
from emulsion.methods import create
from emulsion.training.evidence import read_evidence, reference_losses
from emulsion.training.job import Job
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    experiment: str,
    name: str,
    sources: Some[str],
    method: Json,
    swarm: Sequence[Path] = (),
    max_epochs: float,
    output: Path,
    processes: int = 1,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: name of the mixture
    :param sources: the experiment's sources, in its order
    :param method: its kind and settings, as JSON
    :param swarm: what each job of the swarm that it needs wrote
    :param max_epochs: how often the run may repeat a source
    :param output: model folder to make
    :param processes: devices to train on
    """
    job = Job(saving.minutes)

    from emulsion.training.run import launch, make_deterministic, train_online
    from emulsion.training.runtime import Runtime

    launch(processes)
    make_deterministic(training.threads)
    made = create(**method, sources=sources)
    evidence = read_evidence(training.stores, training.spec["tokens"], max_epochs, swarm, strict=saving.most_epochs > 0)
    made.prepare(evidence)
    train_online(
        experiment=experiment,
        name=name,
        method=made,
        method_values={**method, "evidence": dict(evidence.losses)},
        store_folders=training.stores,
        tokenizer=training.tokenizer,
        spec_values=training.spec,
        output=output,
        checkpoints=saving.checkpoints,
        runtime=Runtime(
            micro_batch=training.micro_batch,
            checkpoint_seconds=saving.checkpoint_seconds,
            job=job,
            trackers=installed_trackers(os.environ),
        ),
        most_epochs=saving.most_epochs,
        weights=training.start,
        reference=reference_losses(evidence) if made.needs.reference_run else None,
    )


if __name__ == "__main__":
    command.run(main)
