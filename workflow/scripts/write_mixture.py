"""Write a strategy of the configuration as a mixture file."""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.mixture import Mixture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--name", required=True, help="name of the mixture")
    parser.add_argument("--sources", required=True, nargs="+", help="the experiment's sources, in its order")
    parser.add_argument("--stages", required=True, type=json.loads, help="[{until, weights}], as JSON")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    schedule = [
        {"until": stage["until"], "weights": dict(Mixture(stage["weights"], arguments.name).over(arguments.sources))}
        for stage in arguments.stages
    ]
    names = {"experiment": arguments.experiment, "name": arguments.name, "method": "fixed"}
    write_json(arguments.output, {**names, "schedule": schedule})


if __name__ == "__main__":
    command.run(main)
