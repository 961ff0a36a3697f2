"""Train the first steps of a run and stop: does the loss fall, what does the model write, how much memory does it take?

The run itself makes the same check on its way; this one says of all runs of an experiment whether they will pass it.
"""

import functools
from pathlib import Path

from emulsion import command
from emulsion.files import remove_folder, write_json
from emulsion.training.options import TrainingOptions


def main(
    *,
    training: TrainingOptions,
    mixture: Path,
    steps: int,
    least_fall: float,
    work: Path,
    output: Path,
) -> None:
    """
    :param mixture: mixture file
    :param steps: how many steps to train
    :param least_fall: nats per token that the loss must fall by
    :param work: folder to work in; it is removed
    :param output: smoke.json
    """
    from emulsion.evaluation.generation import continue_text
    from emulsion.spec import RunSpec
    from emulsion.training.checkpoint import checkpoints
    from emulsion.training.owner import owned
    from emulsion.training.parts import Parts
    from emulsion.training.run import make_deterministic, prepare
    from emulsion.training.runtime import Runtime
    from emulsion.training.smoke import SmokeCheck, passed

    make_deterministic(training.threads)
    check = SmokeCheck(
        steps=steps,
        least_fall=least_fall,
        continued=functools.partial(continue_text, tokenizer=training.tokenizer),
        stop=True,
    )
    runtime = Runtime(micro_batch=training.micro_batch, after_step=check)
    with owned(work, runtime.job) as (owner, _):
        for left in checkpoints(work):
            remove_folder(left)
        parts = Parts.open(training.stores, training.tokenizer, RunSpec.from_json(training.spec), training.start)
        prepared = prepare(mixture, parts, training.spec, work, runtime)
        prepared.owner = owner
        prepared.run()
        write_json(output, passed(work, prepared.identity))
        remove_folder(work)


if __name__ == "__main__":
    command.run(main)
