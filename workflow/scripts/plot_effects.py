"""Draw what each source does to the losses over a run, and how it looks with a diagonal, from dynamic_law.json."""

from emulsion.figures.command import draw_record
from emulsion.figures.effects import effects

if __name__ == "__main__":
    draw_record(__doc__, effects)
