"""Draw the configured and realised mixtures of several strategies from their info.json."""

from emulsion import command
from emulsion.figures.mixtures import draw_mixtures
from emulsion.figures.run_files import RunFiles
from emulsion.files import read_object


def main(*, files: RunFiles) -> None:
    files.draw_first(read_object, draw_mixtures)


if __name__ == "__main__":
    command.run(main)
