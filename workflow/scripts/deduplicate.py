"""Drop the documents of one shard that repeat an earlier one, and note the runs of words of those held out."""

import argparse
import json
import logging
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion import command
from emulsion.data.cleaning import Cleaning, Duplicate, HeldOutNgrams, Words, duplicates
from emulsion.data.cleaning.step import Step, document_groups
from emulsion.data.tokens import split_of
from emulsion.files import whole_file


def by_source(files: list[Path]) -> dict[str, list[Path]]:
    """{source: its files}, in order; a file lies in {source}/{shard}/."""
    found: dict[str, list[Path]] = {}
    for file in files:
        found.setdefault(file.parent.parent.name, []).append(file)
    return found


def note_held_out(ngrams: HeldOutNgrams, documents: pa.Table, matches: list[Duplicate | None], held_out: float) -> None:
    columns = (documents.column("id").to_pylist(), documents.column("text").to_pylist(), matches)
    rows = zip(*columns, strict=True)
    texts = [text for document, text, match in rows if match is None and split_of(document, held_out) != "train"]
    if texts:
        ngrams.add(Words(texts))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, type=Path, help="documents of the shard")
    parser.add_argument("--source", required=True, help="name of the source")
    parser.add_argument("--shard", required=True, type=int, help="which shard, from 0")
    parser.add_argument("--own", nargs="*", default=[], type=Path, help="signatures of all shards of the source")
    parser.add_argument("--earlier", nargs="*", default=[], type=Path, help="those of the sources before it")
    parser.add_argument("--cleaning", required=True, type=json.loads, help="how the source is cleaned, as JSON")
    parser.add_argument("--held-out", required=True, type=float, help="share of documents in validation, and in test")
    parser.add_argument("--output", required=True, type=Path, help="folder of the shard")
    arguments = parser.parse_args()

    settings = Cleaning.from_json(arguments.cleaning)
    documents = pq.ParquetFile(arguments.documents)
    found: list[Duplicate | None] = [None] * documents.metadata.num_rows
    if settings.deduplicate:
        found = duplicates(arguments.source, arguments.own, arguments.shard, by_source(arguments.earlier), settings)
    ngrams = HeldOutNgrams(settings)
    with Step(arguments.output, "deduplicate", documents.schema_arrow, settings.keep_removed) as step:
        for group in document_groups(documents, arguments.source):
            matches = found[step.ledger.read : step.ledger.read + group.num_rows]
            records = [match and {"duplicate_of": asdict(match)} for match in matches] if settings.keep_removed else ()
            note_held_out(ngrams, group, matches, arguments.held_out)
            step.decide(group, [match and match.reason for match in matches], records)
    with whole_file(arguments.output / "held_out.parquet") as part:
        pq.write_table(ngrams.table(), part)
    logging.info("%s, shard %d: %s", arguments.source, arguments.shard, step.ledger.to_json())


if __name__ == "__main__":
    command.run(main)
