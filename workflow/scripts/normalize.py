"""Bring one shard of a source to `id, text, source, type`, and drop documents that fail the filters of its cleaning."""

from pathlib import Path

from emulsion import command
from emulsion.command import Json, Word
from emulsion.data.cleaning import Cleaning
from emulsion.data.shards import Shard, normalize_shard
from emulsion.data.sources.memory import bound_memory
from emulsion.files import read_object


def main(
    *,
    raw: Path,
    type: Word,
    schema: str | None = None,
    text_field: Word | None = None,
    columns: Json = None,
    shard: int = 0,
    shards: int = 1,
    cleaning: Json = None,
    output: Path,
) -> None:
    """
    :param raw: provenance.json of the fetched source
    :param type: type of its documents
    :param schema: kind of its native schema; detected where left out
    :param text_field: column that holds the text; detected where left out
    :param columns: names of columns by what they hold, such as question and answer, as JSON
    :param shard: which part of its files, from 0
    :param shards: how many parts there are
    :param cleaning: how it is cleaned, as JSON; not at all
    :param output: folder of the shard
    """
    bound_memory()
    chosen = Shard.of(read_object(raw), raw.parent, shard, shards, schema, text_field, columns or {})
    normalize_shard(chosen, type, Cleaning.from_json(cleaning or {}), output)


if __name__ == "__main__":
    command.run(main)
