"""Draw the capability heatmap of several runs from their capabilities.json."""

from emulsion.analysis.summary import summarise
from emulsion.figures.command import draw_figure
from emulsion.figures.heatmap import capability_heatmap
from emulsion.files import read_json

if __name__ == "__main__":
    draw_figure(__doc__, read_json, lambda results: capability_heatmap(summarise(results)))
