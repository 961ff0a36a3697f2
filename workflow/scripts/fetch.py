"""Fetch one source in its native schema, with a provenance record."""

import argparse
import json
import logging
from pathlib import Path

from emulsion import command
from emulsion.data.sources import fetch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the source")
    parser.add_argument("--source", required=True, type=json.loads, help="what to fetch, as JSON")
    parser.add_argument(
        "--groups", type=Path, default=None, help="manifest.json of the split source, for a group of it"
    )
    parser.add_argument("--output", required=True, type=Path, help="folder to fill, data/raw/{source}")
    arguments = parser.parse_args()
    provenance = fetch(arguments.name, arguments.source, arguments.output, arguments.groups)
    size = sum(file["bytes"] for file in provenance["files"])
    logging.info("%s: %d files, %.1f MB", arguments.name, len(provenance["files"]), size / 1e6)


if __name__ == "__main__":
    command.run(main)
