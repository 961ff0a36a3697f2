"""Draw the trade-off between capabilities, or between losses, over several runs."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from emulsion import command
from emulsion.analysis.judged import judge_by
from emulsion.figures.pareto import draw_pareto_front
from emulsion.figures.run_files import RunFiles
from emulsion.files import read_object


def draw(results: Mapping[str, list[Any]]) -> Figure:
    """Of the contents of `capabilities.json`, or of `perplexity.json`, by mixture."""
    kind = "capabilities" if "capabilities" in next(iter(results.values()))[0] else "losses"
    judged = judge_by(kind, {name: dict(enumerate(each)) for name, each in results.items()}, list(results))
    return draw_pareto_front(judged.summary, judged.pareto, lower=judged.measure.lower)


def main(*, files: RunFiles) -> None:
    files.draw(read_object, draw)


if __name__ == "__main__":
    command.run(main)
