"""Say what a run will draw from each source, and refuse a mixture that repeats a source too often."""

import argparse
import json
import logging
from pathlib import Path

from emulsion import command
from emulsion.data.batches import train_sizes
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from emulsion.plan import SequencePlan, describe_plan, excess_epochs
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixture", required=True, type=Path, help="mixture file")
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="token store folders")
    parser.add_argument("--spec", required=True, type=json.loads, help="run spec, as JSON")
    parser.add_argument("--max-epochs", required=True, type=json.loads, help="{limit, on_excess}, as JSON")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()

    mixture, spec = read_json(arguments.mixture), RunSpec.from_json(arguments.spec)
    opened = [TokenStore.open(folder) for folder in arguments.stores]
    stores = {store.source: store for store in opened}
    schedule = Schedule.from_json(mixture["schedule"], spec.sequences)
    plan = SequencePlan(train_sizes(stores, spec.context), schedule, spec.seed)
    problems = excess_epochs(plan, spec.sequences, spec.context, arguments.max_epochs["limit"])
    for problem in problems:
        logging.warning("%s: %s", arguments.mixture, problem)
    if problems and arguments.max_epochs["on_excess"] == "refuse":
        raise UserError(f"{arguments.mixture}: " + " ".join(problems))
    documents = {source: store.header["splits"]["train"]["documents"] for source, store in stores.items()}
    description = describe_plan(plan, spec.sequences, spec.context, documents)
    write_json(arguments.output, {"experiment": mixture["experiment"], "strategy": mixture["name"], **description})


if __name__ == "__main__":
    command.run(main)
