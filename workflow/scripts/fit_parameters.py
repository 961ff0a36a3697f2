"""Compare a method's matrix of effects with the one fitted to branches, per trunk."""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.files import read_json, write_json
from emulsion.laws.study.parameters import method_parameters
from emulsion.laws.study.rows import read_result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--method", required=True)
    parser.add_argument("--settings", required=True, type=json.loads, help='{"kind", "branches"} of the method, JSON')
    parser.add_argument("--matrix", nargs="?", type=Path, help="{group: {source: effect}} of a method of kind given")
    parser.add_argument("--static", required=True, type=Path, help="static_law.json")
    parser.add_argument("--dynamic", required=True, type=Path, help="dynamic_law.json")
    parser.add_argument("--output", required=True, type=Path, help="{method}_parameters.json")
    arguments = parser.parse_args()

    static, dynamic = (read_result(file, arguments.experiment) for file in (arguments.static, arguments.dynamic))
    matrix = read_json(arguments.matrix) if arguments.matrix else None
    write_json(arguments.output, method_parameters(arguments.method, arguments.settings, static, dynamic, matrix))


if __name__ == "__main__":
    command.run(main)
