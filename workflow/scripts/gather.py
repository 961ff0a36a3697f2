"""Put the clean shards of a source together, and account for every row that was read."""

import logging
import shutil
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.cleaning.step import Ledger
from emulsion.data.normalize import check_some_are_left
from emulsion.data.shards import join_documents
from emulsion.files import read_json, whole_file, write_json


def main(
    *,
    source: str,
    documents: Some[Path],
    quarantines: Some[Path],
    ledgers: Some[Path],
    output: Path,
    quarantine: Path,
    ledger: Path,
) -> None:
    """
    :param source: name of the source
    :param documents: documents of each shard, in order
    :param quarantines: rows set aside, step by step
    :param ledgers: accounts, step by step
    :param output: Parquet file of documents
    :param quarantine: JSON lines of rows set aside
    :param ledger: JSON: rows read, kept, and removed by reason
    """
    total = Ledger.of_steps(map(read_json, ledgers), len(documents))
    check_some_are_left(source, total.kept, total.removed)
    with whole_file(output) as part:
        join_documents(documents, part)
    with whole_file(quarantine) as part, part.open("wb") as together:
        for file in quarantines:
            with file.open("rb") as lines:
                shutil.copyfileobj(lines, together)
    write_json(ledger, total.to_json())
    logging.info("%s: %s", source, total.to_json())


if __name__ == "__main__":
    command.run(main)
