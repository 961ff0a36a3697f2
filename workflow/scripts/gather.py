"""Put the clean shards of a source together, account for every row that was read, and refuse what loses too much.

Rows that were lost, cleaning that removed most of them, and columns that are not read are said on standard output,
which is the console of the workflow.
"""

import logging
import shutil
from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.data.cleaning.step import Ledger
from emulsion.data.held_out import check_copies
from emulsion.data.lost import check_losses, check_some_are_left, first_places, loss_text, removal_text
from emulsion.data.shards import join_documents
from emulsion.files import read_object, whole_file, write_json

MUCH = 0.5  # of the rows: what cleaning removes beyond it is said on the console, too


def main(
    *,
    source: str,
    documents: Some[Path],
    quarantines: Some[Path],
    ledgers: Some[Path],
    held_out: float,
    max_loss: float = 0.05,
    max_copies: float = 0.05,
    output: Path,
    quarantine: Path,
    ledger: Path,
) -> None:
    """
    :param source: name of the source
    :param documents: documents of each shard, in order
    :param quarantines: rows set aside, step by step
    :param ledgers: accounts, step by step
    :param held_out: share of documents in validation, and in test
    :param max_loss: share of its rows that may become no documents
    :param max_copies: share of its held-out documents that may be in training too
    :param output: Parquet file of documents
    :param quarantine: JSON lines of rows set aside
    :param ledger: JSON: rows read, kept, and removed by reason
    """
    total = Ledger.of_steps(map(read_object, ledgers), len(documents))
    places = first_places(quarantines) if total.set_aside else {}
    check_some_are_left(source, total.kept, total.removed, places)
    check_losses(source, total.read, total.set_aside, places, max_loss)
    lost = loss_text(source, total.read, total.set_aside, places)
    cleaned = removal_text(source, total.read, total.removed, total.set_aside, MUCH)
    for said in filter(None, (lost, cleaned, total.columns.text(source))):
        logging.warning("%s", said)
        print(said)
    with whole_file(output) as part:
        splits, cut = join_documents(documents, part, held_out)
        check_copies(source, splits, max_copies)
    if cut:
        logging.warning("%s: no document was held out, so the end of '%s' is", source, cut)
    with whole_file(quarantine) as part, part.open("wb") as together:
        for file in quarantines:
            with file.open("rb") as lines:
                shutil.copyfileobj(lines, together)
    write_json(ledger, {**total.to_json(), "splits": splits.to_json()})
    logging.info("%s: %s", source, total.to_json())


if __name__ == "__main__":
    command.run(main)
