"""Fit dynamic laws to the branches of a sweep's trunks, and judge them beside the noise between seeds."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.files import write_json
from emulsion.laws.study.dynamic_results import dynamic_law
from emulsion.laws.study.rows import read_sweep


def main(
    *,
    experiment: str,
    sweep: Some[Path],
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param sweep: files of the sweep's jobs
    :param output: dynamic_law.json
    """
    found = dynamic_law(read_sweep(experiment, sweep))
    for name, each in found["branches"].items():
        r2, ceiling = each["quality"]["linear"]["mean"]["r2"], each["noise"]["mean"]["ceiling"]
        logging.info("%s: %d trunks, linear R2 %s, of which noise allows %s", name, each["trunks_count"], r2, ceiling)
    write_json(output, found)


if __name__ == "__main__":
    command.run(main)
