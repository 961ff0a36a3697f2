"""Fetch the weights of a model on the Hugging Face hub, with a provenance record."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Word
from emulsion.data.sources.weights import fetch_weights


def main(
    *,
    id: Word,
    revision: Word | None = None,
    output: Path,
) -> None:
    """
    :param id: owner/name of the model
    :param revision: branch, tag or commit; the newest where left out
    :param output: folder to make, data/weights/{model}
    """
    provenance = fetch_weights(id, revision, output)
    logging.info("%s at %s, licence %s", provenance["id"], provenance["revision"], provenance["licence"])


if __name__ == "__main__":
    command.run(main)
