"""Draw what each source contributes to capabilities and losses, from contributions.json."""

from emulsion.figures.command import draw_record
from emulsion.figures.contributions import contributions

if __name__ == "__main__":
    draw_record(__doc__, contributions)
