"""Fit static laws to the finished runs of a sweep, and judge them beside the noise between seeds."""

import argparse
import logging
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.laws.study.rows import read_sweep
from emulsion.laws.study.static import static_law


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--sweep", required=True, nargs="+", type=Path, help="files of the sweep's jobs")
    parser.add_argument("--output", required=True, type=Path, help="static_law.json")
    arguments = parser.parse_args()

    found = static_law(read_sweep(arguments.experiment, arguments.sweep))
    for name, quality in found["quality"].items():
        logging.info("%s: R2 %s, of points left out %s", name, quality["mean"]["r2"], quality["mean"]["left_out_r2"])
    logging.info("noise between seeds allows an R2 of %s", found["noise"]["mean"]["ceiling"])
    write_json(arguments.output, found)


if __name__ == "__main__":
    command.run(main)
