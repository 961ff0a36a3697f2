"""Draw the capability heatmap of several runs from their capabilities.json."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from emulsion import command
from emulsion.analysis.decide import decide_all
from emulsion.analysis.scores import by_number
from emulsion.analysis.summary import combine
from emulsion.figures.heatmap import draw_capability_heatmap
from emulsion.figures.run_files import RunFiles
from emulsion.files import read_object


def draw(results: Mapping[str, list[Any]]) -> Figure:
    scores = by_number(results)
    return draw_capability_heatmap(combine(scores), decide_all(scores))


def main(*, files: RunFiles) -> None:
    files.draw(read_object, draw)


if __name__ == "__main__":
    command.run(main)
