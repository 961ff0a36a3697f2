"""Train a batch of a swarm's runs, and branches that continue from their states; keep their losses, not their models.

The journal under --checkpoints keeps every result, so that a job that was cut off, or is started again with more to
do, trains only what is missing. EMULSION_CHECKPOINT_SECONDS is the time between checkpoints (120).
"""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import write_json
from emulsion.methods.designs import names_of
from emulsion.methods.designs import points as design_points
from emulsion.mixture import Mixture
from emulsion.training.evidence import read_evidence
from emulsion.training.job import Job
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    experiment: str,
    swarm: str,
    sources: Some[str],
    points: Json,
    trunks: Json,
    branches: Json,
    suites: Sequence[Path] = (),
    evaluation: Json,
    evaluation_batch: int = 64,
    tokens: int = 0,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param swarm: name of the swarm
    :param sources: the experiment's sources, in its order
    :param points: settings of the points, as JSON
    :param trunks: [{run, mixture, seed, finish, branches}]
    :param branches: {name: {after, tokens, mixtures, corners}}
    :param suites: capability suites to measure; none for losses alone
    :param evaluation: evaluation settings that scores depend on, as JSON
    :param evaluation_batch: sequences that are asked at once
    :param tokens: budget of the run that the swarm is to decide for, for points that go by it
    :param output: results of the batch
    """
    job = Job(saving.minutes)

    from emulsion.training.judge import Judge
    from emulsion.training.runtime import Runtime, make_deterministic
    from emulsion.training.swarm import train_swarm

    make_deterministic(training.threads)
    designed = design_points(
        points, sources, read_evidence(training.stores, tokens, saving.max_epochs, strict=saving.strict)
    )
    mixtures = {"stratified": Mixture.uniform(sources), **{f"only_{name}": Mixture({name: 1.0}) for name in sources}}
    found = train_swarm(
        mixtures={**mixtures, **dict(zip(names_of(swarm, points, sources), designed, strict=True))},
        stores=training.stores,
        tokenizer=training.tokenizer,
        spec=training.spec,
        trunks=trunks,
        branches=branches,
        checkpoints=saving.checkpoints,
        runtime=Runtime(micro_batch=training.micro_batch, checkpoint_seconds=saving.checkpoint_seconds, job=job),
        judge=Judge(suites=suites, settings=evaluation, tokenizer=training.tokenizer, batch=evaluation_batch)
        if suites
        else None,
        initial=points["kind"] == "corners",
        weights=training.start,
        max_epochs=saving.refused_above,
    )
    write_json(output, {"experiment": experiment, "swarm": swarm, **found})


if __name__ == "__main__":
    command.run(main)
