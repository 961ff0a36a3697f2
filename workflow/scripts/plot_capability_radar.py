"""Draw the capability radar of several runs from their capabilities.json."""

from emulsion import command
from emulsion.analysis.summary import summarise
from emulsion.figures.radar import draw_capability_radar
from emulsion.figures.run_files import RunFiles
from emulsion.files import read_object


def main(*, files: RunFiles) -> None:
    files.draw(read_object, lambda results: draw_capability_radar(summarise(results)))


if __name__ == "__main__":
    command.run(main)
