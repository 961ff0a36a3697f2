"""Split a fetched source into groups by the value of a field, in one pass over the data."""

from pathlib import Path

from emulsion import command
from emulsion.command import Word
from emulsion.data.sources.groups import split_groups
from emulsion.data.sources.memory import bound_memory
from emulsion.files import read_object


def main(
    *,
    raw: Path,
    field: Word,
    output: Path,
) -> None:
    """
    :param raw: provenance.json of the fetched source
    :param field: column, or field of a column, such as meta.redpajama_set_name
    :param output: folder to write, data/groups/{source}
    """
    bound_memory()
    split_groups(read_object(raw), raw.parent, field, output)


if __name__ == "__main__":
    command.run(main)
