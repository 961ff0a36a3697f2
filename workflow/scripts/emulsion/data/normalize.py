"""Every source to one record: `id, text, source, type`.

Rows are rendered by their kind (`schemas.py`). Rows that cannot be read or rendered are set aside with their reason,
never dropped.
"""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Iterable, Iterator
from typing import Any

from emulsion.data.render import Row, UnrenderableError
from emulsion.data.schemas import Kind
from emulsion.data.sources.streams import SHOWN_CHARACTERS, Malformed
from emulsion.data.unread import ColumnCounts, Fields, escaped

ID_COLUMNS = ("uuid", "id", "row_id")


def own_id(row: Row) -> str | None:
    """The id that a row has itself."""
    for column in ID_COLUMNS:
        value = row.get(column)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def text_id(text: str) -> str:
    """An id made from a text: equal texts have one id, and it stays when the corpus grows."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def documents(
    rows: Iterable[Row | Malformed],
    kind: Kind,
    source: str,
    document_type: str,
    file: str = "",
    counts: ColumnCounts | None = None,
    by_text: bool = False,
) -> Iterator[tuple[dict[str, str] | None, dict[str, Any] | None]]:
    """For each row of a file either (document, None) or (None, the quarantine record).

    The record: {"file", "row": its number in the file, from 0, "reason", "content": how it begins}.
    counts: the columns of the rows that become documents are entered here. by_text: documents get an id by their text,
    for the ids of the source do not tell them apart.
    """
    for number, row in enumerate(rows):
        try:
            if isinstance(row, Malformed):
                raise UnrenderableError(row.reason)
            fields = Fields(row)
            document = _document(fields, kind, source, document_type, by_text)
            if counts is not None:
                counts.add(fields)
            yield document, None
        except UnrenderableError as reason:
            content = row.content if isinstance(row, Malformed) else _printable(row)
            yield None, {"file": file, "row": number, "reason": escaped(str(reason)), "content": content}


def _document(fields: Fields, kind: Kind, source: str, document_type: str, by_text: bool) -> dict[str, str]:
    text = kind.read(fields, document_type)
    identity = None if by_text else own_id(fields.record)
    if identity is not None:
        for column in ID_COLUMNS:
            fields.take(column)
    document = {"id": identity or text_id(text), "text": text, "source": source, "type": document_type}
    for field in ("id", "text"):
        try:
            document[field].encode()
        except UnicodeEncodeError:
            raise UnrenderableError(f"{field} is not valid Unicode") from None
    return document


_LONG = reprlib.Repr()
_LONG.maxstring = _LONG.maxother = SHOWN_CHARACTERS
_LONG.maxdict = _LONG.maxlist = 100


def _printable(row: Row) -> str:
    """The first 2,000 characters of the row, what is long or deep in it cut short: enough to find it again."""
    return _LONG.repr(dict(row))[:SHOWN_CHARACTERS].encode("utf-8", "backslashreplace").decode()
