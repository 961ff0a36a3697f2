"""Put the signatures of the shards of a source into one file, in which every shard finds its duplicates."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.cleaning import join_signatures


def main(*, shards: Some[Path], output: Path) -> None:
    """
    :param shards: signatures of each shard, in order
    :param output: Parquet file with a row group for each
    """
    join_signatures(shards, output)
    logging.info("%s: of %d shards", output, len(shards))


if __name__ == "__main__":
    command.run(main)
