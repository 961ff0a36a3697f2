"""Drop the documents of one shard that repeat an earlier one, and note the runs of words of those held out."""

import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from emulsion import command
from emulsion.command import Json
from emulsion.data.cleaning import Cleaning, Duplicate, HeldOutNgrams, Words, duplicates
from emulsion.data.cleaning.step import Step, by_source, document_groups
from emulsion.data.tokens import split_of
from emulsion.files import whole_file
from emulsion.tables import open_table, write_table


def note_held_out(ngrams: HeldOutNgrams, documents: pa.Table, matches: list[Duplicate | None], held_out: float) -> None:
    columns = (documents.column("id").to_pylist(), documents.column("text").to_pylist(), matches)
    rows = zip(*columns, strict=True)
    texts = [text for document, text, match in rows if match is None and split_of(document, held_out) != "train"]
    if texts:
        ngrams.add(Words(texts))


def main(
    *,
    documents: Path,
    source: str,
    shard: int,
    own: Sequence[Path] = (),
    earlier: Sequence[Path] = (),
    cleaning: Json,
    held_out: float,
    output: Path,
) -> None:
    """
    :param documents: documents of the shard
    :param source: name of the source
    :param shard: which shard, from 0
    :param own: file of signatures of the source, where duplicates are looked for
    :param earlier: those of the sources that take precedence
    :param cleaning: how the source is cleaned, as JSON
    :param held_out: share of documents in validation, and in test
    :param output: folder of the shard
    """
    settings = Cleaning.from_json(cleaning)
    read = open_table(documents)
    found: list[Duplicate | None] = [None] * read.metadata.num_rows
    if own:
        found = duplicates(source, own[0], shard, by_source(earlier), settings)
    ngrams = HeldOutNgrams(settings)
    with Step(output, "deduplicate", read.schema_arrow, settings.keep_removed) as step:
        for group in document_groups(read, source):
            matches = found[step.ledger.read : step.ledger.read + group.num_rows]
            like = [{"duplicate_of": asdict(match)} if match else None for match in matches]
            note_held_out(ngrams, group, matches, held_out)
            step.decide(
                group, [match.reason if match else None for match in matches], like if settings.keep_removed else ()
            )
    with whole_file(output / "held_out.parquet") as part:
        write_table(ngrams.table(), part)
    logging.info("%s, shard %d: %s", source, shard, step.ledger.to_json())


if __name__ == "__main__":
    command.run(main)
