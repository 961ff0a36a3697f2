"""What every check is made of: the message of an error, names that are not known, ids that are none."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.files import from_home


def error_of(action: Callable[..., object], *arguments: Any, **settings: Any) -> Iterator[str]:
    """The message of the UserError that an action raises, if it does."""
    try:
        action(*arguments, **settings)
    except UserError as error:
        yield str(error)


def has_block(where: str, entry: Mapping[str, Any]) -> Iterator[str]:
    if entry.get(entry["kind"]) is None:
        yield f"{where}: kind is '{entry['kind']}', but there is no block `{entry['kind']}`."


def folder_or_hub(identifier: str, where: str) -> Iterator[str]:
    """An id that is written as a path is of a folder; the workflow may be about to make those in its own folders."""
    if "://" in identifier:
        yield f"{where}: '{identifier}' is an address; write owner/name, as the hub calls it, or the path of a folder."
    is_made = identifier.removeprefix("./").startswith(("data/", "models/"))
    if identifier.startswith((".", "/", "~")) and not is_made and not from_home(identifier).is_dir():
        yield f"{where}: '{identifier}': no such folder."


def included(what: str, name: str, there: Collection[str], defined: Collection[str], where: str) -> Iterator[str]:
    """A name is defined, and is one of those that an experiment lists.

    Where the list has a name that is not defined, that one is wrong, and is not proposed in the place of a right one.
    """
    if name not in defined:
        yield from known(what, name, defined, where)
    elif name not in there and all(each in defined for each in there):
        names = ", ".join(sorted(there)) or "none"
        yield f"{where}: {what} '{name}' is not one of the experiment's: {names}. Add it there, or leave it out here."


def apart(name: str, experiments: Collection[str], where: str) -> Iterator[str]:
    """What stands several experiments side by side has a folder of its own."""
    if name in experiments:
        yield f"{where}: an experiment has this name too, and their files would lie in one folder; choose another."


def known(what: str, name: str, allowed: Collection[str], where: str) -> Iterator[str]:
    if name not in allowed:
        yield str(unknown(what, name, allowed, where))
