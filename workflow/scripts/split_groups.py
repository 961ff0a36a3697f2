"""Split a fetched source into groups by the value of a field, in one pass over the data.

Rows that came into no group are said on standard output, which is the console of the workflow.
"""

from pathlib import Path

from emulsion import command
from emulsion.command import Word
from emulsion.data.lost import ungrouped_text
from emulsion.data.sources.groups import split_groups
from emulsion.data.sources.memory import bound_memory
from emulsion.files import read_object


def main(
    *,
    raw: Path,
    field: Word,
    max_loss: float = 0.05,
    output: Path,
) -> None:
    """
    :param raw: provenance.json of the fetched source
    :param field: column, or field of a column, such as meta.redpajama_set_name
    :param max_loss: share of the rows that may be in no group
    :param output: folder to write, data/groups/{source}
    """
    bound_memory()
    provenance = read_object(raw)
    manifest = split_groups(provenance, raw.parent, field, output, max_loss)
    aside = manifest["set_aside"]
    rows = sum(group["rows"] for group in manifest["groups"].values()) + sum(aside.values())
    if lost := ungrouped_text(provenance["source"], rows, aside):
        print(f"{lost} They are in {output / 'quarantine.jsonl'}.")


if __name__ == "__main__":
    command.run(main)
