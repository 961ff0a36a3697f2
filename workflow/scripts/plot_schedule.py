"""Draw what several strategies draw from over the run, stage by stage, from their info.json."""

import argparse
import functools
import json

from emulsion.figures.command import draw_figure, first_seeds
from emulsion.figures.schedule import schedule
from emulsion.files import read_json

if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--types", required=True, type=json.loads)
    options, others = parser.parse_known_args()
    draw_figure(__doc__, read_json, first_seeds(functools.partial(schedule, types=options.types)), others)
