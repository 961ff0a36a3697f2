"""Put the clean shards of a source together, and account for every row that was read."""

import logging
import shutil
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from emulsion import command
from emulsion.command import Some
from emulsion.data.cleaning.ledger import Ledger
from emulsion.data.normalize import check_some_are_left
from emulsion.files import read_json, whole_file, write_json


def account(files: list[Path], shards: int) -> Ledger:
    """The account of a source from those of its shards, which come step by step."""
    total: Ledger | None = None
    for first in range(0, len(files), shards):
        step = sum((Ledger.from_json(read_json(file)) for file in files[first : first + shards]), Ledger())
        total = step if total is None else total.then(step)
    return total or Ledger()


def join_documents(files: list[Path], output: Path) -> None:
    """Copy row group by row group, so that memory is bounded by one."""
    with ExitStack() as stack:
        writer = None
        for file in files:
            source = stack.enter_context(pq.ParquetFile(file))
            writer = writer or stack.enter_context(pq.ParquetWriter(output, source.schema_arrow, compression="zstd"))
            for group in range(source.num_row_groups):
                writer.write_table(source.read_row_group(group))


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
    total = account(ledgers, len(documents))
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
