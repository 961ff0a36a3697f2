"""Normalise one source to `id, text, source, type`; rows that cannot be rendered go to the quarantine."""

import argparse
import itertools
import json
import logging
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion import command
from emulsion.errors import UserError
from emulsion.files import read_json, whole_file
from emulsion.normalize import choose_kind, documents
from emulsion.sources.rows import columns_of, read_rows

DOCUMENTS_PER_GROUP = 4096


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--raw", required=True, type=Path, help="provenance.json of the fetched source")
    parser.add_argument("--type", required=True, help="type of its documents")
    parser.add_argument("--schema", default=None, help="kind of its native schema; detected where left out")
    parser.add_argument("--text-field", default="text", help="column that holds the text")
    parser.add_argument("--output", required=True, type=Path, help="Parquet file of documents")
    parser.add_argument("--quarantine", required=True, type=Path, help="JSON lines of rows set aside")
    arguments = parser.parse_args()

    provenance = read_json(arguments.raw)
    name = provenance["source"]
    files = [arguments.raw.parent / file["name"] for file in provenance["files"]]
    columns = columns_of(files[0]) if files else {}
    kind = choose_kind(columns, name, arguments.schema, arguments.text_field)
    stream = documents(read_rows(files), kind, name, arguments.type)
    metadata = {"kind": kind.name, "fields": json.dumps(sorted(columns))}
    schema = pa.schema([(field, pa.string()) for field in ("id", "text", "source", "type")], metadata=metadata)
    kept, reasons = 0, Counter[str]()
    with ExitStack() as stack:
        output = stack.enter_context(whole_file(arguments.output))
        quarantine = stack.enter_context(whole_file(arguments.quarantine))
        aside = stack.enter_context(quarantine.open("w", encoding="utf-8"))
        writer = stack.enter_context(pq.ParquetWriter(output, schema, compression="zstd"))
        while group := list(itertools.islice(stream, DOCUMENTS_PER_GROUP)):
            good = [document for document, _ in group if document is not None]
            bad = [record for _, record in group if record is not None]
            writer.write_table(pa.Table.from_pylist(good, schema=schema))
            aside.writelines(json.dumps(record, ensure_ascii=False) + "\n" for record in bad)
            kept += len(good)
            reasons.update(record["reason"] for record in bad)
        if not kept:
            raise UserError(f"source '{name}': no document is left of {reasons.total()} rows: {dict(reasons)}")
    logging.info("%s (%s): %d documents, %d rows set aside %s", name, kind.name, kept, reasons.total(), dict(reasons))


if __name__ == "__main__":
    command.run(main)
