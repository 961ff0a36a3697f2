"""Write the mixture of one point of a sweep."""

import re
from pathlib import Path

from emulsion.laws.study.points import sweep_points

from emulsion import command
from emulsion.command import Json, Some
from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.mixture import Mixture, constant_mixture


def point_of(name: str, points: list[Mixture]) -> Mixture:
    found = re.fullmatch(r"sweep_(\d+)", name)
    if found is None:
        raise UserError(f"--name {name}: a point is named sweep_00, sweep_01, ...")
    if int(found[1]) >= len(points):
        raise UserError(
            f"--name {name}: the sweep has {len(points)} points, the last of them sweep_{len(points) - 1:02}."
        )
    return points[int(found[1])]


def main(
    *,
    experiment: str,
    name: str,
    sources: Some[str],
    points: Json,
    output: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param name: sweep_{number}
    :param sources: the experiment's sources, in its order
    :param points: settings of the points, as JSON
    :param output: file to write
    """
    mixture = point_of(name, sweep_points(points, sources))
    write_json(output, constant_mixture(experiment, name, "sweep", mixture))


if __name__ == "__main__":
    command.run(main)
