"""Every source to one record: `id, text, source, type`.

A source's native columns belong to one of a few kinds, detected from the columns and checked against the
configuration. Rows that cannot be read or rendered are set aside with their reason, never dropped.
"""

from __future__ import annotations

import hashlib
import reprlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulsion.data.sources.streams import SHOWN_CHARACTERS, Malformed
from emulsion.errors import UserError

Row = Mapping[str, Any]

ROLES = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
    "model": "assistant",
}
INSTRUCTION_NAMES = {"system": "### System", "user": "### Instruction", "assistant": "### Response"}
CHAT_COLUMNS = ("conversations", "messages", "conversation")
QUESTION_COLUMNS = ("instruction", "prompt", "question")
ANSWER_COLUMNS = ("response", "output", "answer", "completion")
ID_COLUMNS = ("uuid", "id", "row_id")


class UnrenderableError(Exception):
    """Why a row cannot become a document."""


@dataclass(frozen=True)
class Kind:
    """One kind of native schema: the columns it needs, and how a row becomes turns or text."""

    name: str
    columns: tuple[str, ...]
    render: Callable[[Row, str], str]


def _text(row: Row, column: str) -> str:
    value = row.get(column)
    if value is None:
        raise UnrenderableError(f"'{column}' is missing or null")
    if not isinstance(value, str):
        raise UnrenderableError(f"'{column}' is {type(value).__name__}, not text")
    if not value.strip():
        raise UnrenderableError(f"'{column}' is empty")
    return value


def _chat(column: str, role_key: str, text_key: str) -> Callable[[Row, str], str]:
    def render(row: Row, document_type: str) -> str:
        turns = row.get(column)
        if not isinstance(turns, list) or not turns:
            raise UnrenderableError(f"'{column}' has no turns")
        return render_turns([_turn(turn, role_key, text_key) for turn in turns], document_type)

    return render


def _turn(turn: Any, role_key: str, text_key: str) -> tuple[str, str]:
    if not isinstance(turn, Mapping):
        raise UnrenderableError(f"a turn is {type(turn).__name__}, not a record")
    role = turn.get(role_key)
    if not isinstance(role, str) or role not in ROLES:
        raise UnrenderableError(f"unknown role {_SHORT.repr(role)}")
    return ROLES[role], _text(turn, text_key)


def render_turns(turns: list[tuple[str, str]], document_type: str) -> str:
    """Turns (role, text) as one text: instruction blocks for type `instruction`, else `role: text` lines."""
    if not any(role == "assistant" for role, _ in turns):
        raise UnrenderableError("no turn by the assistant")
    names = INSTRUCTION_NAMES if document_type == "instruction" else {}
    return "\n".join(f"{names.get(role, role)}: {text.strip()}" for role, text in turns)


def _pair(question: str, answer: str) -> Callable[[Row, str], str]:
    def render(row: Row, document_type: str) -> str:
        question_text = _text(row, question)
        context = row.get("input")
        if isinstance(context, str) and context.strip():
            question_text = f"{question_text}\n{context}"
        return render_turns([("user", question_text), ("assistant", _text(row, answer))], document_type)

    return render


def _plain(column: str) -> Callable[[Row, str], str]:
    return lambda row, document_type: _text(row, column)


def _task(row: Row, document_type: str) -> str:
    """An instance of a Natural Instructions task: definition and input asked, the first of its outputs answered.

    The official prompt puts "Input: " right behind the definition, which often ends without a stop or a blank, so that
    the two run together; here an empty line parts them.
    """
    outputs = row.get("output")
    if not isinstance(outputs, list) or not outputs:
        raise UnrenderableError("'output' has no answers")
    question = f"{_text(row, 'definition').strip()}\n\nInput: {_text(row, 'input').strip()}"
    return render_turns([("user", question), ("assistant", _text({"output": outputs[0]}, "output"))], document_type)


NATURAL_INSTRUCTIONS = ("definition", "input", "output")
KINDS = ("natural_instructions", "chat_from_value", "chat_role_content", "instruction_response", "prompt_text", "text")


def detect(columns: Mapping[str, frozenset[str]], text_field: str = "text") -> Kind | None:
    """The kind of a native schema, or None.

    columns: {column: fields of its records where it is a list of records, else empty}. A set with both chats
    and flat columns is read by its chats, which keep every turn.
    """
    for column in CHAT_COLUMNS:
        if columns.get(column, frozenset()) >= {"from", "value"}:
            return Kind("chat_from_value", (column,), _chat(column, "from", "value"))
        if columns.get(column, frozenset()) >= {"role", "content"}:
            return Kind("chat_role_content", (column,), _chat(column, "role", "content"))
    if all(column in columns for column in NATURAL_INSTRUCTIONS):
        return Kind("natural_instructions", NATURAL_INSTRUCTIONS, _task)
    for question in QUESTION_COLUMNS:
        for answer in ANSWER_COLUMNS:
            if question in columns and answer in columns:
                return Kind("instruction_response", (question, answer), _pair(question, answer))
    if "prompt" in columns and text_field in columns:
        return Kind("prompt_text", ("prompt", text_field), _plain(text_field))
    if text_field in columns:
        return Kind("text", (text_field,), _plain(text_field))
    return None


def choose_kind(
    columns: Mapping[str, frozenset[str]], source: str, configured: str | None = None, text_field: str = "text"
) -> Kind:
    """The kind of a source; raises UserError where none fits or the configuration says another.

    `configured` may also settle a case the columns leave open: `text` reads a prompt_text set's text.
    """
    if not columns:
        raise UserError(f"sources.{source}: nothing is left of it: none of its files has a row that can be read.")
    kind = detect(columns, text_field)
    found = ", ".join(sorted(columns))
    if kind is None:
        raise UserError(
            f"sources.{source}: no known schema fits its columns ({found}). Known kinds: {', '.join(KINDS)}. "
            "If the text is in another column, name it in `text_field`."
        )
    if configured == "text" and text_field in columns:
        return Kind("text", (text_field,), _plain(text_field))
    if configured not in (None, kind.name):
        raise UserError(f"sources.{source}.schema: says '{configured}', but the columns ({found}) are '{kind.name}'.")
    return kind


def document_id(row: Row, text: str) -> str:
    """The row's own id where it has one, else a hash of its text: stable when the corpus grows."""
    for column in ID_COLUMNS:
        value = row.get(column)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            return str(value)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def documents(
    rows: Iterable[Row | Malformed], kind: Kind, source: str, document_type: str, file: str = ""
) -> Iterator[tuple[dict[str, str] | None, dict[str, Any] | None]]:
    """For each row of a file either (document, None) or (None, the quarantine record).

    The record: {"file", "row": its number in the file, from 0, "reason", "content": how it begins}.
    """
    for number, row in enumerate(rows):
        try:
            if isinstance(row, Malformed):
                raise UnrenderableError(row.reason)
            yield _document(row, kind, source, document_type), None
        except UnrenderableError as reason:
            content = row.content if isinstance(row, Malformed) else _printable(row)
            yield None, {"file": file, "row": number, "reason": str(reason), "content": content}


def _document(row: Row, kind: Kind, source: str, document_type: str) -> dict[str, str]:
    text = kind.render(row, document_type)
    document = {"id": document_id(row, text), "text": text, "source": source, "type": document_type}
    for field in ("id", "text"):
        try:
            document[field].encode()
        except UnicodeEncodeError:
            raise UnrenderableError(f"{field} is not valid Unicode") from None
    return document


def check_some_are_left(source: str, documents: int, reasons: Mapping[str, int]) -> None:
    """Raises UserError where no document is left of a source; reasons: {why rows were set aside: how many}."""
    if not documents:
        counted = "; ".join(f"{count} x {reason}" for reason, count in reasons.items()) or "it has no rows"
        raise UserError(f"sources.{source}: nothing is left of {sum(reasons.values())} rows: {counted}.")


_SHORT = reprlib.Repr()
_LONG = reprlib.Repr()
_LONG.maxstring = _LONG.maxother = SHOWN_CHARACTERS
_LONG.maxdict = _LONG.maxlist = 100


def _printable(row: Row) -> str:
    """The first 2,000 characters of the row, what is long or deep in it cut short: enough to find it again."""
    return _LONG.repr(dict(row))[:SHOWN_CHARACTERS].encode("utf-8", "backslashreplace").decode()
