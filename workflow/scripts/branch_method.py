"""Train an online method's run again up to states in which it decided, and branches from there; keep their losses.

The journal under --checkpoints keeps every result, as for train_swarm.py, whose environment variable holds here too.
"""

from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import read_object, write_json
from emulsion.methods.designs import points as design_points
from emulsion.training.job import Job
from emulsion.training.method_options import MethodOptions, OnlineOptions
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    decided: MethodOptions,
    online: OnlineOptions,
    run: str,
    record: Path,
    shares: Some[float],
    branch_tokens: int,
    points: Json,
    output: Path,
) -> None:
    """
    :param run: name of the finished run
    :param record: its run.json
    :param shares: of the run; branches leave at the last update before each
    :param branch_tokens: training tokens of a branch
    :param points: settings of the branches' mixtures, as JSON
    :param output: results of the branches
    """
    job = Job(saving.minutes)

    from emulsion.training.retrace import branch_run
    from emulsion.training.runtime import Runtime, make_deterministic

    make_deterministic(training.threads)
    made = online.run(decided, training, saving)
    found = branch_run(
        name=run,
        mixture=decided.name,
        run=made,
        record=read_object(record, ("identity", "schedule")),
        shares=shares,
        tokens=branch_tokens,
        mixtures=design_points(points, decided.sources, made.evidence),
        stores=training.stores,
        tokenizer=training.tokenizer,
        weights=training.start,
        journal=saving.checkpoints,
        runtime=Runtime(micro_batch=training.micro_batch, checkpoint_seconds=saving.checkpoint_seconds, job=job),
    )
    write_json(output, {"experiment": decided.experiment, **found})


if __name__ == "__main__":
    command.run(main)
