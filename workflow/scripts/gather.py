"""Put the clean shards of a source together, and account for every row that was read."""

import argparse
import logging
import shutil
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet as pq

from emulsion import command
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", required=True, help="name of the source")
    parser.add_argument("--documents", required=True, nargs="+", type=Path, help="documents of each shard, in order")
    parser.add_argument("--quarantines", required=True, nargs="+", type=Path, help="rows set aside, step by step")
    parser.add_argument("--ledgers", required=True, nargs="+", type=Path, help="accounts, step by step")
    parser.add_argument("--output", required=True, type=Path, help="Parquet file of documents")
    parser.add_argument("--quarantine", required=True, type=Path, help="JSON lines of rows set aside")
    parser.add_argument("--ledger", required=True, type=Path, help="JSON: rows read, kept, and removed by reason")
    arguments = parser.parse_args()

    ledger = account(arguments.ledgers, len(arguments.documents))
    check_some_are_left(arguments.source, ledger.kept, ledger.removed)
    with whole_file(arguments.output) as output:
        join_documents(arguments.documents, output)
    with whole_file(arguments.quarantine) as part, part.open("wb") as together:
        for file in arguments.quarantines:
            with file.open("rb") as lines:
                shutil.copyfileobj(lines, together)
    write_json(arguments.ledger, ledger.to_json())
    logging.info("%s: %s", arguments.source, ledger.to_json())


if __name__ == "__main__":
    command.run(main)
