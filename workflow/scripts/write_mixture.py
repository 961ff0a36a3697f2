"""Write a strategy of the configuration as a mixture file."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json, Some
from emulsion.files import write_json
from emulsion.mixture import Mixture


def main(
    *,
    experiment: str,
    name: str,
    sources: Some[str],
    stages: Json,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: name of the mixture
    :param sources: the experiment's sources, in its order
    :param stages: [{until, weights}], as JSON
    :param output: file to write
    """
    schedule = [
        {"until": stage["until"], "weights": dict(Mixture(stage["weights"], name).over(sources))} for stage in stages
    ]
    names = {"experiment": experiment, "name": name, "method": "fixed"}
    write_json(output, {**names, "schedule": schedule})


if __name__ == "__main__":
    command.run(main)
