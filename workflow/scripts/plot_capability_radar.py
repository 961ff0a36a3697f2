"""Draw the capability radar of several runs from their capabilities.json."""

from emulsion.analysis.summary import summarise
from emulsion.figures.command import draw_figure
from emulsion.figures.radar import capability_radar
from emulsion.files import read_json

if __name__ == "__main__":
    draw_figure(__doc__, read_json, lambda results: capability_radar(summarise(results)))
