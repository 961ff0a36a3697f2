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
    processes: int = 1,
    nodes: int = 1,
) -> None:
    """
    :param mixture: mixture file
    :param steps: how many steps to train
    :param least_fall: nats per token that the loss must fall by
    :param work: folder to work in; it is removed
    :param output: smoke.json
    :param processes: devices to train on, over all nodes
    :param nodes: of a SLURM job, to train on
    """
    from emulsion.evaluation.generation import continue_text
    from emulsion.spec import RunSpec
    from emulsion.training.checkpoint import checkpoints
    from emulsion.training.devices import launch, threads_of_process
    from emulsion.training.inputs import RunInputs
    from emulsion.training.owner import owned_by_first
    from emulsion.training.run import prepare
    from emulsion.training.runtime import Runtime, make_deterministic
    from emulsion.training.smoke import SmokeCheck, passed

    launch(processes, nodes, training.threads)
    make_deterministic(threads_of_process(training.threads, nodes))
    check = SmokeCheck(
        steps=steps,
        least_fall=least_fall,
        continued=functools.partial(continue_text, tokenizer=training.tokenizer),
        stop=True,
    )
    runtime = Runtime(micro_batch=training.micro_batch, sharding=training.sharding, after_step=check)
    with owned_by_first(work, runtime) as (owner, _):
        first = owner is not None
        for left in checkpoints(work) if first else ():
            remove_folder(left)
        inputs = RunInputs.open(training.stores, training.tokenizer, RunSpec.from_json(training.spec), training.start)
        prepared = prepare(mixture, inputs, training.spec, work, runtime)
        prepared.owner = owner
        prepared.run()
        prepared.accelerator.wait_for_everyone()
        prepared.accelerator.end_training()
        if first:
            write_json(output, passed(work, prepared.identity))
            remove_folder(work)


if __name__ == "__main__":
    command.run(main)
