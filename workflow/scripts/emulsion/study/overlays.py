"""Configuration files laid over one another: what an overlay replaces, and what it adds to.

Snakemake merges mappings key by key. That is right for settings and wrong for what has a meaning only as a whole: of a
mixture it would keep the shares of the sources that the overlay leaves out. The schema says which mappings these are:

overlaid: whole    an overlay's mapping replaces the one below it, as the shares of a mixture
overlaid: by_kind  the same where the overlay says another `kind`, whose settings are others
oneOf              where an overlay names one of several keys that exclude each other, the others go
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulsion.study.form import Schema, followed

Layer = Mapping[str, Any]


def laid_over(layers: Sequence[Layer], schema: Schema) -> dict[str, Any]:
    """The configuration that comes of files in this order, each over those before it."""
    below: Any = {}
    for layer in layers:
        below = _laid(below, layer, schema, schema)
    return dict(below)


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """The same as Snakemake does it, to know a configuration that came of these files."""
    below: Any = {}
    for layer in layers:
        below = _merged(below, layer)
    return dict(below)


def _merged(below: Any, above: Layer) -> Any:
    for key, value in above.items():
        kept = below if isinstance(below, Mapping) else {}
        below = {**kept, key: _merged(kept.get(key, {}), value) if isinstance(value, Mapping) else copy.deepcopy(value)}
    return below


def as_laid(config: Mapping[str, Any], layers: Sequence[Layer], schema: Schema) -> dict[str, Any]:
    """The configuration, laid over again; as it is where it did not come of these files."""
    for chosen in (layers, layers[1:]):  # Snakemake can be told to leave the first file out
        if chosen and merged(chosen) == config:
            return laid_over(chosen, schema)
    return dict(config)


def _laid(below: Any, above: Any, schema: Schema, root: Schema) -> Any:
    if not isinstance(above, Mapping):
        return copy.deepcopy(above)
    schema = followed(schema, root)
    if not isinstance(below, Mapping) or _replaces(below, above, schema):
        below = {}
    excluded = set(_excluded(above, schema))
    result = {key: value for key, value in below.items() if key not in excluded}
    for key, value in above.items():
        if value is not None or key not in _choices(schema):
            result[key] = _laid(result.get(key), value, _part(schema, key, root), root)
    return result


def _replaces(below: Layer, above: Layer, schema: Schema) -> bool:
    way = schema.get("overlaid")
    return way == "whole" or (way == "by_kind" and above.get("kind", below.get("kind")) != below.get("kind"))


def _part(schema: Schema, key: str, root: Schema) -> Schema:
    """The schema of one key; settings that the schema leaves open are whole."""
    others = schema.get("additionalProperties")
    unlisted = others if isinstance(others, Mapping) else {"overlaid": "whole"} if "properties" in schema else {}
    found: Schema = schema.get("properties", {}).get(key, unlisted)
    return found


def _choices(schema: Schema) -> dict[str, set[str]]:
    """{key that a choice requires: all keys of that choice}, where the schema has choices that exclude each other."""
    return {
        key: {key, *choice.get("properties", {})}
        for choice in schema.get("oneOf", [])
        for key in choice.get("required", [])
    }


def _excluded(above: Layer, schema: Schema) -> Iterator[str]:
    choices = _choices(schema)
    named = [key for key in choices if above.get(key) is not None]
    if len(named) == 1:
        yield from set().union(*choices.values()) - choices[named[0]]
