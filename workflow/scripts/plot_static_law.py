"""Draw how well the static law fits the losses of a sweep, from its static_law.json."""

from emulsion.figures.command import draw_record
from emulsion.figures.static_law import static_law

if __name__ == "__main__":
    draw_record(__doc__, static_law)
