"""Train a byte-level BPE on normalised sources."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.data.tokenizers import train_bpe
from emulsion.tables import open_table


def first_texts(file: Path, characters: int) -> Iterator[str]:
    """The texts of a normalised file from its start, until they hold `characters` characters."""
    for batch in open_table(file).iter_batches(batch_size=256, columns=["text"]):
        for text in batch.column("text").to_pylist():
            yield text
            characters -= len(text)
            if characters <= 0:
                return


def main(
    *,
    tokenizer: Json,
    documents: Sequence[Path],
    output: Path,
) -> None:
    """
    :param tokenizer: its kind and block, as JSON
    :param documents: normalised sources to train on
    :param output: folder to make
    """
    block = tokenizer["block"]
    share = int(block["megabytes"] * 1e6 / len(documents))
    texts = (text for file in documents for text in first_texts(file, share))
    train_bpe(texts, block["vocab_size"], output)


if __name__ == "__main__":
    command.run(main)
