"""Values and turns as text: what every schema of rows is rendered by."""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Callable, Mapping
from typing import Any

Row = Mapping[str, Any]
Turn = tuple[str, str]  # role, one of NAMES, and text

NAMES = {
    "tools": "### Tools",
    "system": "### System",
    "context": "### Context",
    "user": "### Instruction",
    "reasoning": "### Reasoning",
    "assistant": "### Response",
    "call": "### Tool call",
    "tool": "### Tool result",
}
NOTHING = ("", "[]", "{}", "null")
ANSWERING = ("assistant", "call")


class UnrenderableError(Exception):
    """Why a row cannot become a document."""


def is_nan(value: Any) -> bool:
    """Whether it is what pandas writes for a cell that is missing."""
    return isinstance(value, float) and math.isnan(value)


def is_empty(value: Any) -> bool:
    """Whether a value says nothing: null, NaN, blank text, an empty list or record, such a one as JSON too."""
    if value is None or is_nan(value):
        return True
    if isinstance(value, str):
        return value.isspace() or (len(value) < 64 and value.strip() in NOTHING)
    return isinstance(value, list | dict) and not value


def parsed(value: Any) -> Any:
    """A list or record that was saved as JSON text, once or twice; another value as it is."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{", '"[', '"{')):
        try:
            inner = parsed(json.loads(value))
        except (ValueError, RecursionError):
            return value
        return value if isinstance(inner, str) else inner
    return value


def parsed_chat(value: Any) -> Any:
    """As `parsed`, and a list of records that was saved as Python writes it, as in CSV by pandas."""
    value = parsed(value)
    if isinstance(value, str) and value.lstrip()[:2] == "[{":
        try:
            return ast.literal_eval(value.strip())
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return value
    return value


def structured(value: Any) -> str:
    """Text as it is, dates and decimals as text; numbers, lists and records as JSON.

    Raises UnrenderableError for bytes that are no text.
    """
    if isinstance(value, str):
        return value
    try:
        plain = value is None or isinstance(value, bool | int | float | list | tuple | dict)
        return as_json(value, _other) if plain else _other(value)
    except (ValueError, RecursionError):
        raise UnrenderableError("a value is nested too deeply") from None


def as_json(value: Any, other: Callable[[Any], str], *, ascii_only: bool = False) -> str:
    """A value as JSON. other: the text of what JSON does not have, also as a key, as maps of Arrow may have them."""

    def with_text_keys(part: Any) -> Any:
        if isinstance(part, dict):
            return {key if isinstance(key, str) else other(key): with_text_keys(inner) for key, inner in part.items()}
        return list(map(with_text_keys, part)) if isinstance(part, list | tuple) else part

    try:
        return json.dumps(value, ensure_ascii=ascii_only, default=other)
    except TypeError:
        return json.dumps(with_text_keys(value), ensure_ascii=ascii_only, default=other)


def _other(value: Any) -> str:
    return _decoded(value) if isinstance(value, bytes) else str(value)


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise UnrenderableError("a value is bytes that are no UTF-8, not text") from None


def required(value: Any, column: str) -> str:
    """Text that is there; raises UnrenderableError where it is not."""
    if value is None or is_nan(value):
        raise UnrenderableError(f"'{column}' is missing or null")
    if isinstance(value, bytes):
        value = _decoded(value)
    if not isinstance(value, str):
        raise UnrenderableError(f"'{column}' is {type(value).__name__}, not text")
    if not value.strip():
        raise UnrenderableError(f"'{column}' is empty")
    return value


def render_turns(turns: list[Turn], document_type: str) -> str:
    """Turns as one text: instruction blocks for type `instruction`, else `role: text` lines.

    A text that is indented begins on a line of its own, so that its indentation is kept.
    """
    if not any(role in ANSWERING for role, _ in turns):
        raise UnrenderableError("no turn by the assistant")
    names = NAMES if document_type == "instruction" else {}
    return "\n".join(f"{names.get(role, role)}:{_body(text)}" for role, text in turns)


def _body(text: str) -> str:
    lines = text.rstrip().split("\n")
    while lines and not lines[0].strip():
        del lines[0]
    text = "\n".join(lines)
    return f"\n{text}" if text.startswith(("  ", "\t")) else f" {text.strip()}"
