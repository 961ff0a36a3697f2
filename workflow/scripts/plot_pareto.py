"""Draw the trade-off between capabilities over several runs, from their capabilities.json."""

from emulsion.analysis.pareto import pareto, points_of
from emulsion.analysis.summary import summarise
from emulsion.figures.command import draw_figure
from emulsion.figures.pareto import pareto_front
from emulsion.files import read_json

if __name__ == "__main__":

    def draw(results):
        summary = summarise(results)
        return pareto_front(summary, pareto(points_of(summary)))

    draw_figure(__doc__, read_json, draw)
