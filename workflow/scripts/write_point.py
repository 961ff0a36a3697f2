"""Write the mixture of one point of a sweep."""

import argparse
import json
import re
from pathlib import Path

from emulsion import command
from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.laws.study.points import sweep_points
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--name", required=True, help="sweep_{number}")
    parser.add_argument("--sources", required=True, nargs="+", help="the experiment's sources, in its order")
    parser.add_argument("--points", required=True, type=json.loads, help="settings of the points, as JSON")
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    mixture = point_of(arguments.name, sweep_points(arguments.points, arguments.sources))
    write_json(arguments.output, constant_mixture(arguments.experiment, arguments.name, "sweep", mixture))


if __name__ == "__main__":
    command.run(main)
