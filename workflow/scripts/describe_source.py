"""Describe one source: documents, words, bytes, tokens, quantiles of length, and the account of its rows."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Word
from emulsion.data.describe import describe_documents
from emulsion.data.tokens import NOTES, token_count
from emulsion.data.unread import ColumnCounts
from emulsion.errors import UserError
from emulsion.files import read_object, write_json
from emulsion.tables import open_table


def main(
    *,
    documents: Path,
    ledger: Path,
    licence: Word,
    stores: Sequence[Path] = (),
    output: Path,
) -> None:
    """
    :param documents: normalised source
    :param ledger: account of its rows
    :param licence: licence of the source
    :param stores: header.json of each of its token stores
    :param output: JSON file to write
    """
    description = describe_documents(open_table(documents))
    headers = {header.parent.parent.name: read_object(header) for header in stores}
    tokens = {name: token_count(header) for name, header in headers.items()}
    notes = {note: {name: header.get(note, 0) for name, header in headers.items()} for note in NOTES}
    share = {name: count / max(tokens[name], 1) for name, count in notes["unknown_tokens"].items()}
    rows = read_object(ledger)
    columns, splits = ColumnCounts.from_json(rows["columns"]), rows["splits"]
    if sum(splits["documents"].values()) != description["documents"]:
        raise UserError(f"{documents}: {description['documents']} documents, but their splits have {splits}.")
    counts = {"tokens": tokens, **notes, "unknown_token_share": share}
    rows = {key: value for key, value in rows.items() if key not in ("columns", "splits")}
    found = {"rows": rows, "columns": columns.shares(), "splits": splits}
    write_json(output, {"source": output.stem, "licence": licence, **found, **description, **counts})


if __name__ == "__main__":
    command.run(main)
