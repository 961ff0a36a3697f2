"""The form of the configuration: keys, types and defaults, as its JSON schema has them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]


def fill_in(values: Any, schema: Schema) -> None:
    """Set what is left out, or null where it cannot be, to the schema's defaults, in place; write 4.0e+4 as 40000.

    A null without a default there is taken out where its key may be left out, so that an overlay can take it back.
    What has a wrong form is left for the check, and so are defaults below `filled: false`.
    """
    _fill_in(values, schema, schema, filled=True)


def _fill_in(values: Any, schema: Schema, root: Schema, *, filled: bool) -> None:
    schema = followed(schema, root)
    filled = filled and schema.get("filled", True)
    properties = schema.get("properties", {})
    others = schema.get("additionalProperties")
    if isinstance(values, dict):
        optional = set(values) - set(schema.get("required", ()))
        for key, part in properties.items():
            if filled and "default" in part and part.get("filled", True) and values.get(key) is None:
                values[key] = copy.deepcopy(part["default"])
            elif key in optional and values[key] is None and not _may_be_null(part, root):
                del values[key]
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


def _may_be_null(schema: Schema, root: Schema) -> bool:
    schema = followed(schema, root)
    if "anyOf" in schema:
        return any(_may_be_null(choice, root) for choice in schema["anyOf"])
    return None in schema["enum"] if "enum" in schema else "null" in schema.get("type", "null")


def _is_whole(schema: Schema, root: Schema) -> bool:
    schema = followed(schema, root)
    types = schema.get("type", [])
    return "integer" in types or any(_is_whole(choice, root) for choice in schema.get("anyOf", []))
