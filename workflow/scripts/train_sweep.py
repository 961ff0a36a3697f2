"""Train a batch of a sweep: trunks on many mixtures, and branches that go on from their states on others.

The journal under --checkpoints keeps every loss measured, so that a job that was cut off, or is started again with more
to do, trains only what is missing. EMULSION_CHECKPOINT_SECONDS is the time between checkpoints (120).
"""

from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import write_json
from emulsion.training.job import Job
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    experiment: str,
    mixtures: Some[Path],
    trunks: Json,
    branches: Json,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param mixtures: mixture files of trunks and branches
    :param trunks: [{run, mixture, seed, finish, branches}]
    :param branches: {name: {after, tokens, mixtures, corners}}
    :param output: law_results/{experiment}/sweep/{batch}.json
    """
    job = Job(saving.minutes)

    from emulsion.training.run import make_deterministic
    from emulsion.training.runtime import Runtime
    from emulsion.training.sweep import train_sweep

    make_deterministic(training.threads)
    found = train_sweep(
        mixture_files=mixtures,
        stores=training.stores,
        tokenizer=training.tokenizer,
        spec=training.spec,
        trunks=trunks,
        branches=branches,
        checkpoints=saving.checkpoints,
        runtime=Runtime(micro_batch=training.micro_batch, checkpoint_seconds=saving.checkpoint_seconds, job=job),
        weights=training.start,
        most_epochs=saving.most_epochs,
    )
    write_json(output, {"experiment": experiment, **found})


if __name__ == "__main__":
    command.run(main)
