"""Say what a run will draw from each source, and refuse a mixture that repeats a source too often."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.data.batches import train_sizes
from emulsion.data.held_out import check_splits
from emulsion.data.tokens import open_all
from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.mixture import read_mixture
from emulsion.plan import SequencePlan, describe_plan, excess_epochs
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec


def main(
    *,
    mixture: Path,
    stores: Some[Path],
    spec: Json,
    max_epochs: Json,
    output: Path,
) -> None:
    """
    :param mixture: mixture file
    :param stores: token store folders
    :param spec: run spec, as JSON
    :param max_epochs: {limit, on_excess}, as JSON
    :param output: file to write
    """
    written, run = read_mixture(mixture), RunSpec.from_json(spec)
    opened = open_all(stores, run.part)
    check_splits((store.header for store in opened.values()), run.context, str(mixture))
    schedule = Schedule.from_json(written["schedule"], run.sequences)
    plan = SequencePlan(train_sizes(opened, run.context), schedule, run.seed)
    problems = excess_epochs(plan, run.sequences, run.context, max_epochs["limit"])
    for problem in problems:
        logging.warning("%s: %s", mixture, problem)
    if problems and max_epochs["on_excess"] == "refuse":
        raise UserError(f"{mixture}: " + " ".join(problems))
    documents = {source: store.train_documents for source, store in opened.items()}
    description = describe_plan(plan, run.sequences, run.context, documents)
    for number, stage in enumerate(description["stages"], start=1):
        if stage["not_drawn"]:
            due = ", ".join(f"'{source}' (due {count:.2g} sequences)" for source, count in stage["not_drawn"].items())
            logging.warning("%s: stage %d draws nothing from %s: their weights are too small.", mixture, number, due)
    write_json(output, {"experiment": written["experiment"], "strategy": written["name"], **description})


if __name__ == "__main__":
    command.run(main)
