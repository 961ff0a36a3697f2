"""Errors for the person who runs the workflow: what is wrong, where, what is allowed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # all control characters but tabs and line ends


class UserError(Exception):
    """A mistake in the configuration or the data that the user can mend; shown without a traceback."""

    def __str__(self) -> str:
        return without_controls(super().__str__())


class PassingError(UserError):
    """A failure that the next try may not meet, such as a connection that breaks, or a run that saved and stopped."""


class UnreachableError(UserError):
    """No connection to the hub, or none allowed: what is asked of it next would fail as well."""


def without_controls(text: str) -> str:
    """A text with its control characters as escapes: in names from elsewhere they would be orders to a terminal."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name most like `name`, or None where nothing is close."""
    names = list(allowed)
    lower = {each.lower(): each for each in reversed(names)}  # a capital is a slip, not another name
    swapped = [each for each in lower if sorted(each) == sorted(name.lower())]  # `dlm` is dml, and as near to odm
    matches = difflib.get_close_matches(name.lower(), swapped or list(lower), n=1, cutoff=0.5)
    return lower[matches[0]] if matches else None


def unknown(what: str, name: str, allowed: Iterable[str], where: str) -> UserError:
    """The error for a name that is not among the known ones."""
    names = sorted(allowed)
    guess = nearest(name, names)
    hint = f" Did you mean '{guess}'?" if guess else ""
    return UserError(f"{where}: unknown {what} '{name}'.{hint} Known: {', '.join(names) or 'none'}.")
