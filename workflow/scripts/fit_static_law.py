"""Fit static laws to the finished runs of a sweep, and judge them beside the noise between seeds."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.files import write_json
from emulsion.laws.study.rows import read_sweep
from emulsion.laws.study.static_results import static_law


def main(
    *,
    experiment: str,
    sweep: Some[Path],
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param sweep: files of the sweep's jobs
    :param output: static_law.json
    """
    found = static_law(read_sweep(experiment, sweep))
    for name, quality in found["quality"].items():
        logging.info("%s: R2 %s, of points left out %s", name, quality["mean"]["r2"], quality["mean"]["left_out_r2"])
    logging.info("noise between seeds allows an R2 of %s", found["noise"]["mean"]["ceiling"])
    write_json(output, found)


if __name__ == "__main__":
    command.run(main)
