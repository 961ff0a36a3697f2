"""Train one run on an online method: the mixture is decided while it trains.

Its trajectory, `schedule` in run.json, can be written as a mixture file (write_trajectory.py). Environment variables as
of train.py.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import AtMostOne
from emulsion.environment import installed_trackers
from emulsion.files import read_json
from emulsion.methods.replay import mean_of
from emulsion.mixture import Mixture
from emulsion.training.evidence import read_evidence, reference_losses
from emulsion.training.job import Job
from emulsion.training.method_options import MethodOptions
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    decided: MethodOptions,
    swarm: Sequence[Path] = (),
    after: AtMostOne[Path] = (),
    after_share: float = 0.0,
    max_epochs: float,
    output: Path,
    processes: int = 1,
) -> None:
    """
    :param swarm: what each job of the swarm that it needs wrote
    :param after: mixture file of the method that the run begins with, if any; of several stages, their mean
    :param after_share: share of the run that has its mixture
    :param max_epochs: how often the run may repeat a source
    :param output: model folder to make
    :param processes: devices to train on
    """
    job = Job(saving.minutes)

    from emulsion.training.rounds import Prelude
    from emulsion.training.run import launch, make_deterministic, train_online
    from emulsion.training.runtime import Runtime

    launch(processes)
    make_deterministic(training.threads)
    made = decided.create()
    evidence = read_evidence(training.stores, training.spec["tokens"], max_epochs, swarm, strict=saving.most_epochs > 0)
    made.prepare(evidence)
    prelude = None
    for file in after:
        stages = [(stage["until"], Mixture(stage["weights"])) for stage in read_json(file)["schedule"]]
        prelude = Prelude(mixture=mean_of(stages).over(decided.sources), share=after_share)
    train_online(
        experiment=decided.experiment,
        name=decided.name,
        method=made,
        method_values={**decided.method, "evidence": dict(evidence.losses)},
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
        prelude=prelude,
    )


if __name__ == "__main__":
    command.run(main)
