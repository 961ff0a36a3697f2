"""Gather how alike each method's matrix of effects is to the fitted one."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.laws.study.parameters import similarities
from emulsion.laws.study.rows import read_result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--parameters", required=True, nargs="+", type=Path, help="{method}_parameters.json of each")
    parser.add_argument("--output", required=True, type=Path, help="similarity.json")
    arguments = parser.parse_args()

    parameters = [read_result(file, arguments.experiment) for file in arguments.parameters]
    write_json(arguments.output, similarities(arguments.experiment, parameters))


if __name__ == "__main__":
    command.run(main)
