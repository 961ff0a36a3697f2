"""Train a batch of a sweep: trunks on many mixtures, and branches that go on from their states on others.

The journal under --checkpoints keeps every loss measured, so that a job that was cut off, or is started again with more
to do, trains only what is missing. EMULSION_CHECKPOINT_SECONDS is the time between checkpoints (120).
"""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.training.job import Job
from emulsion.training.options import job_options, training_options


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, parents=[training_options(), job_options()])
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--mixtures", required=True, nargs="+", type=Path, help="mixture files of trunks and branches")
    parser.add_argument("--trunks", required=True, type=json.loads, help="[{run, mixture, seed, finish, branches}]")
    parser.add_argument("--branches", required=True, type=json.loads, help="{name: {after, tokens, mixtures, corners}}")
    parser.add_argument("--output", required=True, type=Path, help="law_results/{experiment}/sweep/{batch}.json")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    job = Job(arguments.minutes)

    from emulsion.training.run import make_deterministic
    from emulsion.training.runtime import Runtime
    from emulsion.training.sweep import train_sweep

    make_deterministic(arguments.threads)
    found = train_sweep(
        mixture_files=arguments.mixtures,
        stores=arguments.stores,
        tokenizer=arguments.tokenizer,
        spec=arguments.spec,
        trunks=arguments.trunks,
        branches=arguments.branches,
        checkpoints=arguments.checkpoints,
        runtime=Runtime(micro_batch=arguments.micro_batch, checkpoint_seconds=arguments.checkpoint_seconds, job=job),
        weights=arguments.weights,
        most_epochs=arguments.most_epochs,
    )
    write_json(arguments.output, {"experiment": arguments.experiment, **found})


if __name__ == "__main__":
    command.run(main)
