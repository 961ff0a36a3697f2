"""Drop the documents of one shard that share a run of words with what models are tested on."""

import logging
from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.data.cleaning import Cleaning, Contamination, Words
from emulsion.data.cleaning.step import Step, by_source, document_groups
from emulsion.data.tokens import split_of
from emulsion.evaluation.suites import load_suite
from emulsion.tables import open_table


def main(
    *,
    documents: Path,
    ngrams: Sequence[Path] = (),
    suites: Sequence[Path] = (),
    cleaning: Json,
    held_out: float,
    output: Path,
) -> None:
    """
    :param documents: documents of the shard
    :param ngrams: runs of words of held-out documents
    :param suites: evaluation suites
    :param cleaning: how the source is cleaned, as JSON
    :param held_out: share of documents in validation, and in test
    :param output: folder of the shard
    """
    settings = Cleaning.from_json(cleaning)
    texts = {suite.name: suite.texts() for suite in map(load_suite, suites)}
    contamination = Contamination(texts, by_source(ngrams), settings)
    if contamination.too_short:
        logging.info("%d items of suites are too short to be looked for", len(contamination.too_short))
    shard = open_table(documents)
    with Step(output, "decontaminate", shard.schema_arrow, settings.keep_removed) as step:
        for group in document_groups(shard, documents.parent.parent.name):
            splits = [split_of(document, held_out) for document in group.column("id").to_pylist()]
            matches = contamination.match(Words(group.column("text").to_pylist()), splits)
            found = [{"item": match.item, "shared_words": match.words} if match else None for match in matches]
            step.decide(group, [match.reason if match else None for match in matches], found)
    logging.info("%s: %s", documents, step.ledger.to_json())


if __name__ == "__main__":
    command.run(main)
