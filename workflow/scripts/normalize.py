"""Bring one shard of a source to `id, text, source, type`, and drop documents that fail the filters of its cleaning."""

import argparse
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from emulsion import command
from emulsion.data.cleaning import Cleaning, Signer, Words, clean_text, why_removed
from emulsion.data.cleaning.step import Step
from emulsion.data.normalize import choose_kind, documents
from emulsion.data.sources.formats import read_file
from emulsion.data.sources.raw import RawFile, raw_files, shard_files
from emulsion.data.sources.rows import columns_of_first
from emulsion.files import read_json, whole_file

DOCUMENTS_PER_GROUP = 4096
CHARACTERS_PER_GROUP = 8 << 20

Pair = tuple[dict[str, str] | None, dict[str, Any] | None]


def groups(pairs: Iterator[Pair]) -> Iterator[tuple[list[dict[str, str]], list[dict[str, Any]]]]:
    """Documents and quarantine records in groups that fit in memory, however long the documents are."""
    good, bad, characters = [], [], 0
    for document, record in pairs:
        if document is not None:
            good.append(document)
            characters += len(document["text"])
        if record is not None:
            bad.append(record)
        if len(good) + len(bad) == DOCUMENTS_PER_GROUP or characters > CHARACTERS_PER_GROUP:
            yield good, bad
            good, bad, characters = [], [], 0
    yield good, bad


def known_rows(provenance: dict[str, Any], files: list[RawFile]) -> int | None:
    """How many rows the files have, where fetching has counted them."""
    rows = {entry["name"]: entry.get("rows") for entry in provenance["files"]}
    counts = [rows[file.file.name] for file in files]
    return None if None in counts else sum(counts)


def sign_kept(signer: Signer, good: list[dict[str, str]], words: Words, reasons: list[str | None]) -> pa.Table:
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    return signer.table([good[row]["id"] for row in kept], words.take(kept))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", required=True, type=Path, help="provenance.json of the fetched source")
    parser.add_argument("--type", required=True, help="type of its documents")
    parser.add_argument("--schema", default=None, help="kind of its native schema; detected where left out")
    parser.add_argument("--text-field", default="text", help="column that holds the text")
    parser.add_argument("--shard", type=int, default=0, help="which part of its files, from 0")
    parser.add_argument("--shards", type=int, default=1, help="how many parts there are")
    parser.add_argument("--cleaning", type=json.loads, default={}, help="how it is cleaned, as JSON; not at all")
    parser.add_argument("--output", required=True, type=Path, help="folder of the shard")
    arguments = parser.parse_args()

    provenance = read_json(arguments.raw)
    name = provenance["source"]
    files = raw_files(provenance, arguments.raw.parent)
    # By all files in every shard, so that all shards agree.
    columns = columns_of_first(file.file for file in files)
    kind = choose_kind(columns, name, arguments.schema, arguments.text_field)
    chosen = shard_files(files, arguments.shard, arguments.shards)
    pairs = (
        pair
        for raw in chosen
        for pair in documents(read_file(raw.file, raw.path, raw.python), kind, name, arguments.type, raw.path)
    )
    settings = Cleaning.from_json(arguments.cleaning)
    signer = Signer(settings)
    metadata = {"kind": kind.name, "fields": json.dumps(sorted(columns))}
    schema = pa.schema([(field, pa.string()) for field in ("id", "text", "source", "type")], metadata=metadata)
    bar = tqdm(total=known_rows(provenance, chosen), desc=name, unit=" rows", unit_scale=True, delay=5, mininterval=5)
    with (
        Step(arguments.output, "normalize", schema, settings.keep_removed) as step,
        whole_file(arguments.output / "signatures.parquet") as part,
        pq.ParquetWriter(part, signer.schema) as signatures,
    ):
        for good, bad in groups(pairs):
            for document in good:
                document["text"] = clean_text(document["text"], settings)
            words = Words([document["text"] for document in good])
            reasons = why_removed(words, settings)
            step.set_aside(bad)
            step.decide(pa.Table.from_pylist(good, schema=schema), reasons)
            signatures.write_table(sign_kept(signer, good, words, reasons))
            bar.update(len(good) + len(bad))
    bar.close()
    logging.info("%s (%s): %s", name, kind.name, step.ledger.to_json())


if __name__ == "__main__":
    command.run(main)
