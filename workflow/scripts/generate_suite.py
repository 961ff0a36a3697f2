"""Write the capability suite of the embedded corpus."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.synthetic import suite_items


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the suite")
    parser.add_argument("--items-per-capability", required=True, type=int)
    parser.add_argument("--seed", required=True, type=int)
    parser.add_argument("--output", required=True, type=Path)
    arguments = parser.parse_args()
    items = suite_items(arguments.items_per_capability, arguments.seed)
    description = "Items about the world of the embedded corpus."
    write_json(arguments.output, {"suite": arguments.name, "description": description, "items": items})


if __name__ == "__main__":
    command.run(main)
