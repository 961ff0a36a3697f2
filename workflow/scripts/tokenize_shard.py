"""Tokenise one shard of a source into a token store of its own."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from tqdm import tqdm

from emulsion import command
from emulsion.data.tokens import report_notes, text_batches, token_count, write_store
from emulsion.files import read_object
from emulsion.tables import open_table

Batch = tuple[list[str], list[str]]


def under_bar(batches: Iterable[Batch], bar: tqdm[None]) -> Iterator[Batch]:
    with bar:
        for batch in batches:
            yield batch
            bar.update(len(batch[0]))


def main(
    *,
    documents: Path,
    provenance: Path,
    tokenizer: Path,
    held_out: float,
    shard: int = 0,
    shards: int = 1,
    output: Path,
) -> None:
    """
    :param documents: normalised source
    :param provenance: provenance.json of the raw source
    :param tokenizer: tokenizer folder
    :param held_out: share of documents in validation, and in test
    :param shard: which shard, from 0
    :param shards: of how many
    :param output: store folder to make
    """
    # One of the shards reads all of the file, to compare its checksum; all shards are needed.
    fetched, texts = read_object(provenance), open_table(documents, compare=shard == 0)
    about = texts.metadata.num_rows // shards
    bar = tqdm(total=about, desc=fetched["source"], unit=" documents", unit_scale=True, delay=5, mininterval=5)
    started = time.monotonic()
    header = write_store(
        output,
        under_bar(text_batches(texts, shard, shards), bar),
        tokenizer,
        held_out=held_out,
        provenance=fetched,
    )
    logging.info("%s: %d tokens in %.1f s", fetched["source"], token_count(header), time.monotonic() - started)
    report_notes(header)


if __name__ == "__main__":
    command.run(main)
