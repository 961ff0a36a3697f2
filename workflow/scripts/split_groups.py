"""Split a fetched source into groups by the value of a field, in one pass over the data."""

import argparse
from pathlib import Path

from emulsion import command
from emulsion.data.sources.split import split_groups
from emulsion.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", required=True, type=Path, help="provenance.json of the fetched source")
    parser.add_argument("--field", required=True, help="column, or field of a column, such as meta.redpajama_set_name")
    parser.add_argument("--output", required=True, type=Path, help="folder to write, data/groups/{source}")
    arguments = parser.parse_args()
    split_groups(read_json(arguments.raw), arguments.raw.parent, arguments.field, arguments.output)


if __name__ == "__main__":
    command.run(main)
