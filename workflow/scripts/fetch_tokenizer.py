"""Take a pretrained tokenizer from the Hugging Face hub or a folder."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.data.pretrained import fetch_pretrained


def main(
    *,
    name: str,
    tokenizer: Json,
    output: Path,
) -> None:
    """
    :param name: name of the tokenizer
    :param tokenizer: its kind and block, as JSON
    :param output: folder to make
    """
    block = tokenizer["block"]
    fetch_pretrained(name, block["id"], block.get("revision"), output, block["vocab_size"])


if __name__ == "__main__":
    command.run(main)
