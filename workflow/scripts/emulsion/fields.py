"""YAML that people write: read a file, and check its mappings field by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import yaml

from emulsion.errors import UserError, unknown

Form = tuple[str, Callable[[Any], bool]]  # what a value should be, in words and as a test

TEXT: Form = ("text", lambda value: isinstance(value, str) and bool(value.strip()))
SWITCH: Form = ("true or false", lambda value: isinstance(value, bool))
WHOLE: Form = ("a whole number, 1 or more", lambda value: _is_number(value) and value == int(value) >= 1)
WEIGHT: Form = ("a number, 0 or more", lambda value: _is_number(value) and value >= 0)
TEXTS: Form = ("a list of texts", lambda value: isinstance(value, list) and bool(value) and all(map(TEXT[1], value)))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def read_yaml(path: Path) -> Any:
    """Read a YAML file; raises UserError that names the file, and the line where it is malformed."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}.") from None
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}.") from None


def checked(entry: Any, forms: Mapping[str, Form], required: Collection[str], where: str) -> dict[str, Any]:
    """The fields of a mapping that have a value, each of its form.

    Raises UserError for anything but a mapping, an unknown field, a missing one, and a value of another form.
    """
    if not isinstance(entry, Mapping):
        raise UserError(f"{where}: should be fields with values, but is {_named(entry)}.")
    for field in entry:
        if field not in forms:
            raise unknown("field", str(field), forms, where)
    values = {field: value for field, value in entry.items() if value is not None}
    for field in required:
        if field not in values:
            raise UserError(f"{where}.{field}: is missing.")
    for field, value in values.items():
        words, fits = forms[field]
        if not fits(value):
            hint = " In YAML, 3e-4 is text; write 3.0e-4." if isinstance(value, str) and "e-" in value else ""
            raise UserError(f"{where}.{field}: should be {words}, but is {_named(value)}.{hint}")
    return values


def entries(value: Any, where: str) -> list[Any]:
    """A list that is not empty; raises UserError for anything else."""
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: should be a list of at least one source, but is {_named(value)}.")
    return value


def _named(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]
