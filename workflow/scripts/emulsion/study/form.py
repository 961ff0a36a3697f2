"""The form of the configuration: keys and types, as its JSON schema has them, told in words."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from emulsion.errors import nearest
from emulsion.study.catalogue import Config


def fill_in(values: Any, schema: Mapping[str, Any]) -> None:
    """Set what is left out to the schema's defaults, in place; what has a wrong form is left for the check."""
    if isinstance(values, list):
        for value in values:
            fill_in(value, schema.get("items", {}))
    if not isinstance(values, dict):
        return
    properties = schema.get("properties", {})
    for key, part in properties.items():
        if "default" in part:
            values.setdefault(key, copy.deepcopy(part["default"]))
    others = schema.get("additionalProperties")
    for key, value in values.items():
        fill_in(value, properties.get(key, others if isinstance(others, dict) else {}))


def mistakes_of_form(config: Config, schema: Mapping[str, Any]) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(config):
        path = ".".join(str(part) for part in error.absolute_path)
        if error.validator == "additionalProperties" and error.validator_value is False:
            yield from _unknown_keys(error, path)
        elif error.validator == "required":
            yield f"{path or 'top level'}: {error.message.replace(' is a required property', ' is missing')}."
        elif error.validator == "oneOf":
            either = " or ".join(f"`{choice['required'][0]}`" for choice in error.validator_value)
            yield f"{path}: needs either {either}, and not both."
        else:
            yield f"{path}: {error.message}. {_description(error)}"


def _unknown_keys(error: ValidationError, path: str) -> Iterator[str]:
    known = list(_schema(error)["properties"])
    for key in _instance(error):
        if key not in known:
            guess = nearest(str(key), known)
            hint = f"Did you mean '{guess}'? " if guess else ""
            yield f"{path or 'top level'}: unknown key '{key}'. {hint}Known: {', '.join(known)}."


def _description(error: ValidationError) -> str:
    described = str(_schema(error).get("description", ""))
    is_number_as_text = error.validator == "type" and "e-" in str(error.instance)
    return f"{described} (In YAML, 3e-4 is text; write 3.0e-4.)" if is_number_as_text else described


def _schema(error: ValidationError) -> Mapping[str, Any]:
    return error.schema if isinstance(error.schema, Mapping) else {}


def _instance(error: ValidationError) -> Mapping[str, Any]:
    return error.instance if isinstance(error.instance, Mapping) else {}
