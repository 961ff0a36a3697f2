"""Draw the search for the best mixture, from optimal_mix.json."""

from emulsion.figures.command import draw_record
from emulsion.figures.optimizer import optimizer

if __name__ == "__main__":
    draw_record(__doc__, optimizer)
