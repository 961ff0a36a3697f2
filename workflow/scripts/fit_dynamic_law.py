"""Fit dynamic laws to the branches of a sweep's trunks, and judge them beside the noise between seeds."""

import argparse
import logging
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.laws.study.dynamic import dynamic_law
from emulsion.laws.study.rows import read_sweep


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--sweep", required=True, nargs="+", type=Path, help="files of the sweep's jobs")
    parser.add_argument("--output", required=True, type=Path, help="dynamic_law.json")
    arguments = parser.parse_args()

    found = dynamic_law(read_sweep(arguments.experiment, arguments.sweep))
    for name, each in found["branches"].items():
        r2, ceiling = each["quality"]["linear"]["mean"]["r2"], each["noise"]["mean"]["ceiling"]
        logging.info("%s: %d trunks, linear R2 %s, of which noise allows %s", name, each["trunks_count"], r2, ceiling)
    write_json(arguments.output, found)


if __name__ == "__main__":
    command.run(main)
