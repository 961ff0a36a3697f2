"""Describe one source: documents, words, bytes, tokens, quantiles of length, and the account of its rows."""

import argparse
from pathlib import Path

import pyarrow.parquet as pq

from emulsion import command
from emulsion.data.describe import describe_documents
from emulsion.errors import UserError
from emulsion.files import read_json, write_json


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", required=True, type=Path, help="normalised source")
    parser.add_argument("--ledger", required=True, type=Path, help="account of its rows")
    parser.add_argument("--stores", nargs="*", type=Path, default=[], help="header.json of each of its token stores")
    parser.add_argument("--output", required=True, type=Path, help="JSON file to write")
    arguments = parser.parse_args()

    description = describe_documents(pq.ParquetFile(arguments.documents))
    headers = {header.parent.parent.name: read_json(header) for header in arguments.stores}
    tokens = {name: sum(split["tokens"] for split in header["splits"].values()) for name, header in headers.items()}
    rows = read_json(arguments.ledger)
    if rows["kept"] != description["documents"]:
        raise UserError(f"{arguments.documents}: {description['documents']} documents, but {rows['kept']} were kept.")
    write_json(arguments.output, {"source": arguments.output.stem, "rows": rows, **description, "tokens": tokens})


if __name__ == "__main__":
    command.run(main)
