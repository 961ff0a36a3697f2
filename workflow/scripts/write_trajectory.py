"""Write what an online method decided as a mixture file: its trajectory, or its answer where that is the mean."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import read_json, write_json
from emulsion.methods import create
from emulsion.mixture import Mixture, mixture_file


def main(
    *,
    experiment: str,
    name: str,
    sources: Some[str],
    method: Json,
    record: Path,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: name of the mixture
    :param sources: the experiment's sources, in its order
    :param method: its kind and settings, as JSON
    :param record: run.json of the run that the method decided
    :param output: file to write
    """
    found = read_json(record)
    stages = [(stage["until"], Mixture(stage["weights"]).over(sources)) for stage in found["schedule"]]
    if create(**method, sources=sources).averages:
        stages = [(1.0, Mixture(found["method"]["average"]).over(sources))]
    write_json(output, mixture_file(experiment, name, method["kind"], stages))


if __name__ == "__main__":
    command.run(main)
