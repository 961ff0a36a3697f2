"""Draw the capability heatmap of several runs from their capabilities.json."""

from emulsion import command
from emulsion.analysis.summary import summarise
from emulsion.figures.command import RunFiles
from emulsion.figures.heatmap import capability_heatmap
from emulsion.files import read_json


def main(*, files: RunFiles) -> None:
    files.draw(read_json, lambda results: capability_heatmap(summarise(results)))


if __name__ == "__main__":
    command.run(main)
