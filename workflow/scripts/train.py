"""Train one run: a mixture, token stores and a run spec become a model.

Facts of the machine come from the environment: EMULSION_TRACKERS (tensorboard, wandb, trackio; comma-separated) and
EMULSION_CHECKPOINT_SECONDS (time between checkpoints, 120).
"""

import argparse
import functools
import os
import sys
from pathlib import Path

from emulsion import command
from emulsion.training.job import Job
from emulsion.training.options import job_options, training_options


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, parents=[training_options(), job_options()])
    parser.add_argument("--mixture", required=True, type=Path, help="mixture file")
    parser.add_argument("--output", required=True, type=Path, help="model folder to make")
    parser.add_argument("--smoke-steps", type=int, default=0, help="look after so many steps whether the loss falls")
    parser.add_argument("--smoke-fall", type=float, default=0.0, help="nats per token that it must have fallen by")
    parser.add_argument("--processes", type=int, default=1, help="devices to train on")
    return parser.parse_args()


def launch(processes: int) -> None:
    """Start this same command once per device, where there is more than one."""
    import torch

    devices = min(processes, torch.cuda.device_count())
    if devices > 1 and "RANK" not in os.environ:
        runner = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={devices}"]
        os.execv(sys.executable, [*runner, *sys.argv])


def main() -> None:
    arguments = parse()
    job = Job(arguments.minutes)
    launch(arguments.processes)

    from emulsion.evaluation.sample import continue_text
    from emulsion.training.run import make_deterministic, train_run
    from emulsion.training.runtime import Runtime
    from emulsion.training.smoke import SmokeCheck

    make_deterministic(arguments.threads)
    smoke = SmokeCheck(
        steps=arguments.smoke_steps,
        least_fall=arguments.smoke_fall,
        continued=functools.partial(continue_text, tokenizer=arguments.tokenizer),
    )
    trackers = tuple(filter(None, os.environ.get("EMULSION_TRACKERS", "").split(",")))
    runtime = Runtime(
        micro_batch=arguments.micro_batch,
        checkpoint_seconds=arguments.checkpoint_seconds,
        job=job,
        trackers=trackers,
        after_step=smoke,
    )
    train_run(
        mixture_file=arguments.mixture,
        store_folders=arguments.stores,
        tokenizer=arguments.tokenizer,
        spec_values=arguments.spec,
        output=arguments.output,
        checkpoints=arguments.checkpoints,
        runtime=runtime,
        most_epochs=arguments.most_epochs,
        weights=arguments.weights,
    )


if __name__ == "__main__":
    command.run(main)
