"""What every check is made of: the message of an error, and names that are not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulsion.errors import UserError, unknown


def told(action: Any, *arguments: Any, **settings: Any) -> Iterator[str]:
    """The message of the UserError that an action raises, if it does."""
    try:
        action(*arguments, **settings)
    except UserError as error:
        yield str(error)


def has_block(where: str, entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["kind"] not in entry:
        yield f"{where}: kind is '{entry['kind']}', but there is no block `{entry['kind']}`."


def known(what: str, name: str, allowed: Any, where: str) -> Iterator[str]:
    if name not in allowed:
        yield str(unknown(what, name, allowed, where))
