"""Tokenise one shard of a source into a token store of its own."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import pyarrow.parquet as pq
from tqdm import tqdm

from emulsion import command
from emulsion.data.tokens import text_batches, write_store
from emulsion.files import read_json

Batch = tuple[list[str], list[str]]


def under_bar(batches: Iterable[Batch], bar: tqdm[None]) -> Iterator[Batch]:
    with bar:
        for batch in batches:
            yield batch
            bar.update(len(batch[0]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, type=Path, help="normalised source")
    parser.add_argument("--provenance", required=True, type=Path, help="provenance.json of the raw source")
    parser.add_argument("--tokenizer", required=True, type=Path, help="tokenizer folder")
    parser.add_argument("--held-out", required=True, type=float, help="share of documents in validation, and in test")
    parser.add_argument("--shard", default=0, type=int, help="which shard, from 0")
    parser.add_argument("--shards", default=1, type=int, help="of how many")
    parser.add_argument("--output", required=True, type=Path, help="store folder to make")
    arguments = parser.parse_args()

    provenance = read_json(arguments.provenance)
    documents = pq.ParquetFile(arguments.documents)
    batches = text_batches(documents, arguments.shard, arguments.shards)
    first = next(batches, ([], []))
    about = documents.metadata.num_rows // arguments.shards
    bar = tqdm(total=about, desc=provenance["source"], unit=" documents", unit_scale=True, delay=5, mininterval=5)
    started = time.monotonic()
    header = write_store(
        arguments.output,
        under_bar(chain([first], batches), bar),
        arguments.tokenizer,
        sample=first[1][:200],
        held_out=arguments.held_out,
        provenance=provenance,
    )
    tokens = sum(split["tokens"] for split in header["splits"].values())
    logging.info("%s: %d tokens in %.1f s", provenance["source"], tokens, time.monotonic() - started)


if __name__ == "__main__":
    command.run(main)
