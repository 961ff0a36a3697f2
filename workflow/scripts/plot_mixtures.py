"""Draw the configured and realised mixtures of several strategies from their info.json."""

from emulsion.figures.command import draw_figure, first_seeds
from emulsion.figures.mixtures import mixtures
from emulsion.files import read_json

if __name__ == "__main__":
    draw_figure(__doc__, read_json, first_seeds(mixtures))
