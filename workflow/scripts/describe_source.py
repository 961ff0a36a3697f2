"""Describe one source: documents, words, bytes, tokens, quantiles of length, rows set aside."""

import argparse
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from emulsion import command
from emulsion.describe import describe_documents
from emulsion.files import read_json, read_jsonl, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, type=Path, help="normalised source")
    parser.add_argument("--quarantine", required=True, type=Path, help="rows set aside")
    parser.add_argument("--stores", nargs="*", type=Path, default=[], help="header.json of each of its token stores")
    parser.add_argument("--output", required=True, type=Path, help="JSON file to write")
    arguments = parser.parse_args()

    reasons = Counter(row["reason"] for row in read_jsonl(arguments.quarantine))
    description = describe_documents(pq.ParquetFile(arguments.documents))
    headers = {header.parent.parent.name: read_json(header) for header in arguments.stores}
    tokens = {name: sum(split["tokens"] for split in header["splits"].values()) for name, header in headers.items()}
    rows = {
        "read": description["documents"] + reasons.total(),
        "kept": description["documents"],
        "quarantined": dict(reasons.most_common()),
    }
    write_json(arguments.output, {"source": arguments.output.stem, "rows": rows, **description, "tokens": tokens})


if __name__ == "__main__":
    command.run(main)
