"""Draw what several strategies draw from over the run, stage by stage, from their info.json."""

import functools

from emulsion import command
from emulsion.command import Json
from emulsion.figures.run_files import RunFiles
from emulsion.figures.shares_over_time import draw_schedule
from emulsion.files import read_object


def main(*, files: RunFiles, types: Json) -> None:
    """
    :param types: {source: its type}, as JSON
    """
    files.draw_first(read_object, functools.partial(draw_schedule, types=types))


if __name__ == "__main__":
    command.run(main)
