"""Draw how well every law fits in every setting of a study, from their static_law.json and dynamic_law.json."""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.figures.law_fits import law_fits
from emulsion.figures.style import save
from emulsion.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--static", nargs="+", required=True, type=Path, metavar="JSON", help="one per setting")
    parser.add_argument("--dynamic", nargs="*", default=[], type=Path, metavar="JSON", help="of the settings with one")
    parser.add_argument("--labels", required=True, type=json.loads, help="{experiment: setting}, in the order to draw")
    parser.add_argument("--published", default={}, type=json.loads, help='{"static_r2": number, "dynamic_r2": number}')
    parser.add_argument("--title", required=True, help="of the figure")
    parser.add_argument("--output", required=True, type=Path, metavar="PNG", help="the figure to write")
    options = parser.parse_args()
    static, dynamic = ([read_json(path) for path in paths] for paths in (options.static, options.dynamic))
    save(law_fits(static, dynamic, options.labels, options.published or {}, options.title), options.output)


if __name__ == "__main__":
    command.run(main)
