"""Fetch one source in its native schema, with a provenance record."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Json, Word
from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.memory import bound_memory


def main(
    *,
    name: str,
    source: Json,
    licence: Word | None = None,
    groups: Path | None = None,
    output: Path,
) -> None:
    """
    :param name: name of the source
    :param source: what to fetch, as JSON
    :param licence: licence of the source, for the record; left out, that of --source
    :param groups: manifest.json of the split source, for a group of it
    :param output: folder to fill, data/raw/{source}
    """
    bound_memory()
    stated = {} if licence is None else {"licence": licence}
    provenance = fetch(name, {**source, **stated}, output, groups)
    size = sum(file["bytes"] for file in provenance["files"])
    logging.info("%s: %d files, %.1f MB", name, len(provenance["files"]), size / 1e6)


if __name__ == "__main__":
    command.run(main)
