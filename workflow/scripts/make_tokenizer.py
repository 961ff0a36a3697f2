"""Make a tokenizer: train a byte-level BPE on normalised sources, or take a pretrained one."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from emulsion import command
from emulsion.data.tokenizers import fetch_pretrained, train_bpe


def first_texts(file: Path, characters: int) -> Iterator[str]:
    """The texts of a normalised file from its start, until they hold so many characters."""
    for batch in pq.ParquetFile(file).iter_batches(batch_size=256, columns=["text"]):
        for text in batch.column("text").to_pylist():
            yield text
            characters -= len(text)
            if characters <= 0:
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="name of the tokenizer")
    parser.add_argument("--tokenizer", required=True, type=json.loads, help="its kind and block, as JSON")
    parser.add_argument("--documents", nargs="*", type=Path, default=[], help="normalised sources to train on")
    parser.add_argument("--output", required=True, type=Path, help="folder to make")
    arguments = parser.parse_args()
    kind, block = arguments.tokenizer["kind"], arguments.tokenizer["block"]
    if kind == "pretrained":
        fetch_pretrained(arguments.name, block["id"], block.get("revision"), arguments.output)
    else:
        share = int(block["megabytes"] * 1e6 / len(arguments.documents))
        texts = (text for file in arguments.documents for text in first_texts(file, share))
        train_bpe(texts, block["vocab_size"], arguments.output)


if __name__ == "__main__":
    command.run(main)
