"""Join the tokenised shards of a source into its token store."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.tokens import join_stores, report_notes
from emulsion.files import read_object


def main(
    *,
    shards: Some[Path],
    provenance: Path,
    output: Path,
) -> None:
    """
    :param shards: header.json of each shard, in order
    :param provenance: provenance.json of the raw source
    :param output: store folder to make
    """
    parts = [header.parent for header in shards]
    header = join_stores(output, parts, read_object(provenance))
    logging.info("%s: %s", header["source"], header["splits"])
    report_notes(header)


if __name__ == "__main__":
    command.run(main)
