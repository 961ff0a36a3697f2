"""Draw the trade-off between capabilities over several runs, from their capabilities.json."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from emulsion import command
from emulsion.analysis.pareto import pareto, points_of
from emulsion.analysis.summary import summarise
from emulsion.figures.command import RunFiles
from emulsion.figures.pareto import pareto_front
from emulsion.files import read_json


def draw(results: Mapping[str, list[Any]]) -> Figure:
    summary = summarise(results)
    return pareto_front(summary, pareto(points_of(summary)))


def main(*, files: RunFiles) -> None:
    files.draw(read_json, draw)


if __name__ == "__main__":
    command.run(main)
