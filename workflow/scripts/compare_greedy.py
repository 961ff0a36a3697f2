"""Compare the greedy choice of mixtures over two rounds with the best pair of all."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.laws.study.greedy import compare_greedy
from emulsion.laws.study.rows import read_sweep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--sweep", required=True, nargs="+", type=Path, help="files of the sweep's jobs")
    parser.add_argument("--output", required=True, type=Path, help="greedy.json")
    arguments = parser.parse_args()

    found = compare_greedy(read_sweep(arguments.experiment, arguments.sweep))
    write_json(arguments.output, found)


if __name__ == "__main__":
    command.run(main)
