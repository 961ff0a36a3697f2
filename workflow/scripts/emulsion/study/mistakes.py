"""Mistakes of form in words: where, what is wrong, what is allowed, and the valid name nearest to what is written."""

from __future__ import annotations

import datetime
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from emulsion.errors import nearest
from emulsion.fields import NUMBER_HINT, is_number, is_number_as_text
from emulsion.study.catalogue import Config
from emulsion.study.form import Schema, followed

_TYPES = {
    "object": "a mapping of keys to values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}

# Words under which people look for what has its own section.
_ELSEWHERE = {
    **dict.fromkeys(("baselines", "optimize", "optimise"), "What decides mixtures is an entry of `methods`. "),
    **dict.fromkeys(("points", "branches", "proxies"), "Small runs are an entry of `swarms`. "),
}


def mistakes_of_form(config: Config, schema: Schema) -> Iterator[str]:
    """What is wrong with keys, types and bounds, each mistake with its place."""
    odd = list(_odd_keys(config, ""))
    yield from odd
    if odd:
        return
    for error in Draft202012Validator(schema).iter_errors(config):
        path = ".".join(str(part) for part in error.absolute_path) or "top level"
        if not _is_endless(error.instance):  # said below, once
            say = _WORDS.get(str(error.validator), _plain)
            yield from say(error, path, schema, config)
    yield from _endless_numbers(config, "")


def _odd_keys(value: Any, path: str) -> Iterator[str]:
    for key, part in _parts(value):
        if isinstance(value, Mapping) and not isinstance(key, str):
            yield f"{path or 'top level'}: the key {key} is not text; write it in quotes."
        yield from _odd_keys(part, f"{path}.{key}" if path else str(key))


def _is_endless(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not is_number(value)


def _endless_numbers(value: Any, path: str) -> Iterator[str]:
    if _is_endless(value):
        hint = " Where there should be no limit, write a large number, such as 1.0e+9." if value == math.inf else ""
        yield f"{path}: {value!r:.40} is not a finite number.{hint}"
    for key, part in _parts(value):
        yield from _endless_numbers(part, f"{path}.{key}" if path else str(key))


def place_of_path(file: str, config: Config) -> str:
    """Where the configuration names a path, or what it was made of: the longest name that the path has."""
    return max(_texts(config, ""), key=lambda text: len(name) if (name := Path(text[1]).name) in file else 0)[0]


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """(place, text) of every text below a value."""
    if isinstance(value, str):
        yield path, value
    for key, part in _parts(value):
        yield from _texts(part, f"{path}.{key}" if path else str(key))


def _parts(value: Any) -> Iterable[tuple[Any, Any]]:
    """(key or place, part) of a mapping or a list; nothing of other values."""
    return value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()


def _unknown_keys(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    known = list(_schema(error)["properties"])
    for key in _instance(error):
        if key not in known:
            said = _ELSEWHERE[key] if key in _ELSEWHERE else _guess(str(key), known)
            yield f"{path}: unknown key '{key}'. {said}Known: {', '.join(known)}."


def _missing_keys(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    """A required key; an entry of which several are missing may be another's name, written wrongly."""
    text = f"{path}: {error.message.replace(' is a required property', ' is missing')}."
    *parents, name = error.absolute_path or [""]
    siblings: Any = config
    for part in parents:
        siblings = siblings[part]
    others = [each for each in siblings if each != name] if parents and isinstance(siblings, Mapping) else []
    first = next(key for key in _listed(error) if key not in _instance(error))  # said once of an entry
    guess = nearest(str(name), others) if len(parents) == 1 and f"'{first}' is" in error.message else None
    yield f"{text} Or did you mean '{guess}', which is there?" if guess else text


def _exclusive_keys(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    if isinstance(error.instance, Mapping):
        either = " or ".join(f"`{choice['required'][0]}`" for choice in _choices(error))
        yield f"{path}: needs either {either}, and not both."
    elif not _schema(error).get("type"):  # else its type is said to be wrong already
        yield f"{path}: should be {_TYPES['object']}, but is {_shown(error.instance)}. {_description(error, root)}"


def _not_listed(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    """A value, or with `propertyNames` a key, that is not one of those listed."""
    known = ["null" if each is None else str(each) for each in _listed(error)]
    what = "key" if "propertyNames" in error.absolute_schema_path else "value"
    guess = _guess(str(error.instance), known)
    yield f"{path}: unknown {what} '{error.instance}'. {guess}Known: {', '.join(known)}. {_description(error, root)}"


def _no_name(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    """A name, or text, that does not fit its pattern."""
    text = str(error.instance)
    if "propertyNames" not in error.absolute_schema_path:
        said = _description(error, root)
        own = str(error.schema.get("description", "")) if isinstance(error.schema, Mapping) else ""
        yield f"{path}: {text!r} is no such value. {said}{'' if own in said else f' {own}'}"
        return
    proposal = nearest_name(text, str(error.validator_value))
    hint = f" Write '{proposal}', here and wherever it is named." if proposal else ""
    yield f"{path}: '{text}' cannot be a name here. {_description(error, root)}{hint}"


def nearest_name(name: str, pattern: str) -> str | None:
    """The name nearest to one that a pattern allows: without accents, other signs or capitals, as need be."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().strip()
    spelt = [
        re.sub(signs, sign, spelling.strip(" !\"'#$%&()*,./:;<=>?@[]^`{|}~"))
        for spelling in (plain, plain.lower())
        for sign in ("-", "_", "")
        for signs in (r"[^A-Za-z0-9_-]+", r"[^A-Za-z0-9]+")
    ]
    proposals = [
        *spelt,
        *(each.lstrip("0123456789_-") for each in spelt),
        *(each.strip("0123456789_-") for each in spelt),
    ]
    return next((each for each in proposals if each and re.search(pattern, each)), None)


def _wrong_type(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    allowed = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    wanted = " or ".join(_TYPES[str(each)] for each in allowed)
    text = f"{path}: should be {wanted}, but is {_shown(error.instance)}. {_description(error, root)}"
    yield text + _hint(error.instance, [str(each) for each in allowed])


def _hint(value: Any, wanted: list[str]) -> str:
    """How YAML comes to read a value otherwise than it is meant."""
    if is_number_as_text(value) and {"number", "integer"} & {*wanted}:
        return f" ({NUMBER_HINT})"
    if isinstance(value, bool | int | float | datetime.date) and "string" in wanted:
        return " (YAML reads no, yes, on, off, numbers and dates as such; write text in quotes.)"
    if isinstance(value, str) and not isinstance(_as_yaml(value), str):
        return " (It is text, as what is nested in --config always is, and what is in quotes.)"
    return ""


def _as_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _none_of(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    """A value that fits none of several forms: one of a list, or a value of a type."""
    forms = [followed(choice, root) for choice in _choices(error)]
    listed = [str(each) for form in forms for each in form.get("enum", [])]
    types = [_TYPES[form["type"]] for form in forms if isinstance(form.get("type"), str)]
    guess = _guess(error.instance, listed) if isinstance(error.instance, str) else ""
    yield (
        f"{path}: should be {' or '.join([*listed, *types])}, but is {_shown(error.instance)}. {guess}"
        f"{_description(error, root)}"
    )


def _together(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    """A key that another one needs."""
    needs = error.validator_value if isinstance(error.validator_value, Mapping) else {}
    there = _instance(error)
    for key, others in needs.items():
        for other in others if key in there else ():
            if other not in there:
                yield f"{path}: '{other}' is missing, which '{key}' needs. {_description(error, root)}"


def _repeated(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    """What stands in a list again."""
    listed = error.instance if isinstance(error.instance, list) else []
    again = next(each for place, each in enumerate(listed) if each in listed[:place])
    yield f"{path}: {_shown(again)} stands there twice; leave one out. {_description(error, root)}"


def _plain(error: ValidationError, path: str, root: Schema, config: Config) -> Iterator[str]:
    yield f"{path}: {error.message}. {_description(error, root)}"


_WORDS: dict[str, Callable[[ValidationError, str, Schema, Config], Iterator[str]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "dependentRequired": _together,
    "oneOf": _exclusive_keys,
    "anyOf": _none_of,
    "enum": _not_listed,
    "pattern": _no_name,
    "type": _wrong_type,
    "uniqueItems": _repeated,
}


def _guess(name: str, known: list[str]) -> str:
    guess = nearest(name, known)
    return f"Did you mean '{guess}'? " if guess else ""


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)[:80]


def _description(error: ValidationError, root: Schema) -> str:
    """The description nearest to the mistake on the way to it."""
    described = ""
    part: Any = root
    for step in error.absolute_schema_path:
        part = part[step]
        if isinstance(part, Mapping):
            part = followed(part, root)  # the steps of the way leave references out
            found = part.get("description")
            described = found if isinstance(found, str) else described
    return described


def _schema(error: ValidationError) -> Schema:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _choices(error: ValidationError) -> list[Schema]:
    return [choice for choice in _listed(error) if isinstance(choice, Mapping)]


def _listed(error: ValidationError) -> list[Any]:
    """What a keyword of the schema lists, such as `enum`."""
    return error.validator_value if isinstance(error.validator_value, list) else []


def _instance(error: ValidationError) -> Mapping[str, Any]:
    return error.instance if isinstance(error.instance, Mapping) else {}
