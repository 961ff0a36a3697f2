"""Write what an online method decided as a mixture file: its trajectory, or its answer where that is the mean."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.files import read_json, write_json
from emulsion.methods import create
from emulsion.mixture import Mixture, mixture_file


def main(
    *,
    experiment: str,
    name: str,
    record: Path,
    method: Json,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: name of the mixture
    :param record: run.json of the run that the method decided
    :param method: its kind and settings, as JSON
    :param output: file to write
    """
    found = read_json(record)
    stages = [(stage["until"], Mixture(stage["weights"])) for stage in found["schedule"]]
    if create(**method, sources=list(stages[0][1])).averages:
        stages = [(1.0, Mixture(found["method"]["average"]))]
    write_json(output, mixture_file(experiment, name, method["kind"], stages))


if __name__ == "__main__":
    command.run(main)
