"""Write the capability suite of the embedded corpus."""

from pathlib import Path

from emulsion import command
from emulsion.files import write_json
from emulsion.synthetic import suite_items


def main(
    *,
    name: str,
    items_per_capability: int,
    seed: int,
    output: Path,
) -> None:
    """
    :param name: name of the suite
    :param items_per_capability: how many items
    :param seed: of what is drawn at random
    :param output: file to write
    """
    items = suite_items(items_per_capability, seed)
    description = "Items about the world of the embedded corpus."
    write_json(output, {"suite": name, "description": description, "items": items})


if __name__ == "__main__":
    command.run(main)
