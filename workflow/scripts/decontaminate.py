"""Drop the documents of one shard that share a run of words with what models are tested on."""

import argparse
import json
import logging
from pathlib import Path

import pyarrow.parquet as pq

from emulsion import command
from emulsion.data.cleaning import Cleaning, Contamination, Words
from emulsion.data.cleaning.step import Step, document_groups
from emulsion.data.tokens import split_of
from emulsion.evaluation.suites import load_suite


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, type=Path, help="documents of the shard")
    parser.add_argument("--ngrams", nargs="*", default=[], type=Path, help="runs of words of held-out documents")
    parser.add_argument("--suites", nargs="*", default=[], type=Path, help="evaluation suites")
    parser.add_argument("--cleaning", required=True, type=json.loads, help="how the source is cleaned, as JSON")
    parser.add_argument("--held-out", required=True, type=float, help="share of documents in validation, and in test")
    parser.add_argument("--output", required=True, type=Path, help="folder of the shard")
    arguments = parser.parse_args()

    settings = Cleaning.from_json(arguments.cleaning)
    suites = {suite.name: suite.texts() for suite in map(load_suite, arguments.suites)}
    held_out: dict[str, list[Path]] = {}
    for file in arguments.ngrams:  # {source}/{shard}/held_out.parquet
        held_out.setdefault(file.parent.parent.name, []).append(file)
    contamination = Contamination(suites, held_out, settings)
    if contamination.too_short:
        logging.info("%d items of suites are too short to be looked for", len(contamination.too_short))
    documents = pq.ParquetFile(arguments.documents)
    with Step(arguments.output, "decontaminate", documents.schema_arrow, settings.keep_removed) as step:
        for group in document_groups(documents, arguments.documents.parent.parent.name):
            splits = [split_of(document, arguments.held_out) for document in group.column("id").to_pylist()]
            matches = contamination.match(Words(group.column("text").to_pylist()), splits)
            found = [match and {"item": match.item, "shared_words": match.words} for match in matches]
            step.decide(group, [match and match.reason for match in matches], found)
    logging.info("%s: %s", arguments.documents, step.ledger.to_json())


if __name__ == "__main__":
    command.run(main)
