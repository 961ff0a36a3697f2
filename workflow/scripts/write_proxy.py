"""Write one mixture of a design as a mixture file."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.files import read_json, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--design", required=True, type=Path)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--name", required=True, help="name of the mixture in the design")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    schedule = [{"until": 1.0, "weights": read_json(arguments.design)[arguments.name]}]
    names = {"experiment": arguments.experiment, "name": arguments.name, "method": "design"}
    write_json(arguments.output, {**names, "schedule": schedule})


if __name__ == "__main__":
    command.run(main)
