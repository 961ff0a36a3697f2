"""Train the first steps of a run and stop: does the loss fall, what does the model write, how much memory does it take?

The run itself makes the same check on its way; this one says of all runs of an experiment whether they will pass it.
"""

import argparse
import functools
import shutil
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.training.options import training_options


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, parents=[training_options()])
    parser.add_argument("--mixture", required=True, type=Path, help="mixture file")
    parser.add_argument("--steps", required=True, type=int, help="how many steps to train")
    parser.add_argument("--least-fall", required=True, type=float, help="nats per token that the loss must fall by")
    parser.add_argument("--work", required=True, type=Path, help="folder to work in; it is removed")
    parser.add_argument("--output", required=True, type=Path, help="smoke.json")
    return parser.parse_args()


def main() -> None:
    arguments = parse()

    from emulsion.evaluation.sample import continue_text
    from emulsion.training.parts import Parts
    from emulsion.training.run import make_deterministic, prepare
    from emulsion.training.runtime import Runtime
    from emulsion.training.smoke import SmokeCheck, passed

    make_deterministic(arguments.threads)
    check = SmokeCheck(
        steps=arguments.steps,
        least_fall=arguments.least_fall,
        continued=functools.partial(continue_text, tokenizer=arguments.tokenizer),
        stop=True,
    )
    runtime = Runtime(micro_batch=arguments.micro_batch, after_step=check)
    shutil.rmtree(arguments.work, ignore_errors=True)
    parts = Parts.open(arguments.stores, arguments.tokenizer, arguments.spec["model"], arguments.weights)
    training = prepare(arguments.mixture, parts, arguments.spec, arguments.work, runtime)
    training.run()
    write_json(arguments.output, passed(arguments.work, training.identity))
    shutil.rmtree(arguments.work)


if __name__ == "__main__":
    command.run(main)
