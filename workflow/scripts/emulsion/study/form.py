"""The form of the configuration: keys, types and defaults, as its JSON schema has them, told in words."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from emulsion.errors import nearest
from emulsion.fields import NUMBER_HINT, is_number_as_text
from emulsion.study.catalogue import Config

Schema = Mapping[str, Any]


def fill_in(values: Any, schema: Schema) -> None:
    """Set what is left out to the schema's defaults, in place, and write whole numbers such as 4.0e+4 as such.

    What has a wrong form is left for the check, and so are defaults below `filled: false`.
    """
    _fill_in(values, schema, schema, filled=True)


def _fill_in(values: Any, schema: Schema, root: Schema, *, filled: bool) -> None:
    schema = followed(schema, root)
    filled = filled and schema.get("filled", True)
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    if isinstance(values, dict):
        for key, part in properties.items():
            if filled and "default" in part and part.get("filled", True):
                values.setdefault(key, copy.deepcopy(part["default"]))
        parts = {key: properties.get(key, others if isinstance(others, Mapping) else {}) for key in values}
    elif isinstance(values, list):
        parts = dict.fromkeys(range(len(values)), schema.get("items", {}))
    else:
        return
    for key, part in parts.items():
        value = values[key]
        if isinstance(value, float) and value.is_integer() and _is_whole(part, root):
            values[key] = int(value)
        _fill_in(value, part, root, filled=filled)


def followed(schema: Schema, root: Schema) -> Schema:
    """A schema with what it refers to; where both say something, its own word counts."""
    while "$ref" in schema:
        own = {key: value for key, value in schema.items() if key != "$ref"}
        schema = {**_referred(schema["$ref"], root), **own}
    return schema


def _referred(reference: str, root: Schema) -> Schema:
    part: Schema = root
    for key in reference.removeprefix("#/").split("/"):
        part = part[key]
    return part


def _is_whole(schema: Schema, root: Schema) -> bool:
    schema = followed(schema, root)
    types = schema.get("type", [])
    return "integer" in types or any(_is_whole(choice, root) for choice in schema.get("anyOf", []))


def mistakes_of_form(config: Config, schema: Schema) -> Iterator[str]:
    """What is wrong with keys, types and bounds, each mistake with its place."""
    for error in Draft202012Validator(schema).iter_errors(config):
        path = ".".join(str(part) for part in error.absolute_path)
        if _is_endless(error.instance):
            continue  # told below, once
        if error.validator == "additionalProperties" and error.validator_value is False:
            yield from _unknown_keys(error, path)
        elif error.validator == "required":
            yield f"{path or 'top level'}: {error.message.replace(' is a required property', ' is missing')}."
        elif error.validator == "oneOf":
            either = " or ".join(f"`{choice['required'][0]}`" for choice in error.validator_value)
            yield f"{path}: needs either {either}, and not both."
        else:
            yield f"{path}: {error.message}. {_description(error, schema)}"
    yield from _endless_numbers(config, "")


def _is_endless(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _endless_numbers(value: Any, path: str) -> Iterator[str]:
    if _is_endless(value):
        yield f"{path}: {value} is not a finite number."
    parts = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _endless_numbers(part, f"{path}.{key}" if path else str(key))


def _unknown_keys(error: ValidationError, path: str) -> Iterator[str]:
    known = list(_schema(error)["properties"])
    for key in _instance(error):
        if key not in known:
            guess = nearest(str(key), known)
            hint = f"Did you mean '{guess}'? " if guess else ""
            yield f"{path or 'top level'}: unknown key '{key}'. {hint}Known: {', '.join(known)}."


def _description(error: ValidationError, root: Schema) -> str:
    """The description nearest to the mistake on the way to it, with a hint where a number was read as text."""
    described = ""
    part: Any = root
    for step in error.absolute_schema_path:
        part = part[step]
        if isinstance(part, Mapping):
            part = followed(part, root)  # the steps of the way leave references out
            found = part.get("description")
            described = found if isinstance(found, str) else described
    has_hint = error.validator in ("type", "anyOf") and is_number_as_text(error.instance)
    return f"{described} ({NUMBER_HINT})" if has_hint else described


def _schema(error: ValidationError) -> Schema:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _instance(error: ValidationError) -> Mapping[str, Any]:
    return error.instance if isinstance(error.instance, Mapping) else {}
