"""Fetch the weights of a model on the Hugging Face hub, with a provenance record."""

import argparse
import logging
from pathlib import Path

from emulsion import command
from emulsion.data.sources.weights import fetch_weights


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--id", required=True, help="owner/name of the model")
    parser.add_argument("--revision", default=None, help="branch, tag or commit; the newest where left out")
    parser.add_argument("--output", required=True, type=Path, help="folder to make, data/weights/{model}")
    arguments = parser.parse_args()
    provenance = fetch_weights(arguments.id, arguments.revision, arguments.output)
    logging.info("%s at %s, licence %s", provenance["id"], provenance["revision"], provenance["licence"])


if __name__ == "__main__":
    command.run(main)
