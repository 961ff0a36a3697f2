"""Train a batch of a sweep: trunks on many mixtures, and branches that go on from their states on others.

The journal under --checkpoints keeps every loss measured, so that a job that was cut off, or is started again with more
to do, trains only what is missing. EMULSION_CHECKPOINT_SECONDS is the time between checkpoints (120).
"""

import argparse
import json
import os
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.training.job import Job


def parse() -> argparse.Namespace:
    seconds = float(os.environ.get("EMULSION_CHECKPOINT_SECONDS", "120"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--mixtures", required=True, nargs="+", type=Path, help="mixture files of trunks and branches")
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="token store folders")
    parser.add_argument("--tokenizer", required=True, type=Path, help="tokenizer folder")
    parser.add_argument("--weights", nargs="?", type=Path, help="model to start from, where the spec's names `weights`")
    parser.add_argument("--spec", required=True, type=json.loads, help="run spec, as JSON; each trunk has its own seed")
    parser.add_argument("--trunks", required=True, type=json.loads, help="[{run, mixture, seed, finish, branches}]")
    parser.add_argument("--branches", required=True, type=json.loads, help="{name: {after, tokens, mixtures, corners}}")
    parser.add_argument("--checkpoints", required=True, type=Path, help="folder of the journal, to go on from")
    parser.add_argument("--micro-batch", required=True, type=int, help="sequences a device takes at once")
    parser.add_argument("--checkpoint-seconds", type=float, default=seconds, help="time between checkpoints")
    parser.add_argument("--minutes", type=float, default=None, help="time the job has; it saves and stops before")
    parser.add_argument("--most-epochs", type=int, default=0, help="refuse to repeat a source more often; 0: no limit")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads")
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
