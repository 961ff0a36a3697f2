"""Draw how well the dynamic law fits short branches of a sweep's runs, from its dynamic_law.json."""

from emulsion.figures.command import draw_record
from emulsion.figures.dynamic_law import dynamic_law

if __name__ == "__main__":
    draw_record(__doc__, dynamic_law)
