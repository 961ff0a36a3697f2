"""Join the tokenised shards of a source into its token store."""

import argparse
import logging
from pathlib import Path

from emulsion import command
from emulsion.data.tokens import join_stores
from emulsion.files import read_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", required=True, nargs="+", type=Path, help="header.json of each shard, in order")
    parser.add_argument("--provenance", required=True, type=Path, help="provenance.json of the raw source")
    parser.add_argument("--output", required=True, type=Path, help="store folder to make")
    arguments = parser.parse_args()

    parts = [header.parent for header in arguments.shards]
    header = join_stores(arguments.output, parts, read_json(arguments.provenance))
    logging.info("%s: %s", header["source"], header["splits"])


if __name__ == "__main__":
    command.run(main)
