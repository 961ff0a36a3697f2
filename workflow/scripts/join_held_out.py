"""Put together what is held out of the shards of a source: runs of words, and how many documents have each."""

import logging
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.cleaning import join_ngrams
from emulsion.files import whole_file
from emulsion.tables import write_table


def main(*, shards: Some[Path], output: Path) -> None:
    """
    :param shards: runs of words of the held-out documents of each shard
    :param output: Parquet file of those of the source
    """
    table = join_ngrams(shards)
    with whole_file(output) as part:
        write_table(table, part)
    logging.info("%s: %d runs of words of %d shards", output, table.num_rows, len(shards))


if __name__ == "__main__":
    command.run(main)
