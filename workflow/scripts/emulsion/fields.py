"""YAML that people write: read a file, and check its mappings field by field."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from emulsion.errors import UserError, unknown

# libyaml's reader where it is there: many times as fast on long files.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# Of what people write and others send. libyaml itself ends the process where parts are nested some ten thousand deep.
DEEPEST = 100
MOST_REPEATED = 10_000_000  # characters that aliases stand for

Form = tuple[str, Callable[[Any], bool]]  # what a value should be, in words and as a test

TEXT: Form = ("text", lambda value: isinstance(value, str) and bool(value.strip()))
SWITCH: Form = ("true or false", lambda value: isinstance(value, bool))
INTEGER: Form = ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
WHOLE: Form = ("a whole number, 1 or more", lambda value: is_number(value) and value == int(value) >= 1)
WEIGHT: Form = ("a number, 0 or more", lambda value: is_number(value) and value >= 0)
SHARE: Form = ("a number from 0 to 1", lambda value: WEIGHT[1](value) and value <= 1)
TEXTS: Form = ("a list of texts", lambda value: isinstance(value, list) and bool(value) and all(map(TEXT[1], value)))


# What YAML reads a plain word as that is not text, by the end of its tag.
_READ_AS = {
    "bool": "true or false",
    "int": "a number",
    "float": "a number",
    "null": "nothing",
    "timestamp": "a date",
    "seq": "a list",
    "map": "a mapping",
}

# What its constructors raise for values that have the form of such a kind alone.
_NO_VALUE = (ValueError, KeyError, AttributeError)

NUMBER_HINT = "In YAML, 3e-4 and 1.0e6 are text, for a number has a point and a sign: 3.0e-4, 1.0e+6."
# Of YAML 1.1: numbers in sixties and in eights.
_OTHER_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?|[-+]?0[0-7_]*[0-7]")
_NUMBER_AS_TEXT = re.compile(r"[-+]?[0-9][0-9_]*(\.[0-9_]*)?[eE][-+]?[0-9]+")


def is_number_as_text(value: Any) -> bool:
    """Whether a text is a number to people and not to YAML 1.1, which asks for a point and for the exponent's sign."""
    return isinstance(value, str) and _NUMBER_AS_TEXT.fullmatch(value) is not None


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; a whole one with more digits than a float can hold is none."""
    try:
        return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def read_yaml(path: Path) -> Any:
    """Read a YAML file.

    Raises UserError that names the file, and the line where it is malformed, repeats a key, or has a number that is
    another to YAML 1.1 than to people: 1:30, which is 90, and 010, which is 8.
    """
    return _read(path, lambda loader, node: None if node is None else _value(loader, node, path))


def refuse_unclear(path: Path) -> None:
    """Raise UserError for what `read_yaml` refuses, and for keys that are not text to YAML 1.1, as `no` and `2024`.

    Other tags and values are left to whoever reads the file.
    """
    _read(path, lambda loader, node: _refuse_keys_but_text(node, path))


def _read(path: Path, construct: Callable[[Any, yaml.Node | None], Any]) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
        _refuse_bomb(text, path)
        loader = LOADER(text)
        node = loader.get_single_node()
        _refuse_repeats(node, path)
        _refuse_other_numbers(node, path)
        return construct(loader, node)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file.") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read: {error}.") from None
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UserError(f"{path}{line}: not valid YAML: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not valid YAML: {error}.") from None


def _refuse_bomb(text: str, path: Path) -> None:
    """Raise UserError for parts nested too deep to read, and for aliases of aliases that unfold to fill the memory."""
    sizes: dict[str | None, int] = {}
    opened: list[tuple[str | None, int]] = []
    size = repeated = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent):
            size += sizes.get(event.anchor, 0)
            repeated += sizes.get(event.anchor, 0)
        elif isinstance(event, yaml.ScalarEvent):
            size += len(event.value) + 1
            sizes[event.anchor] = len(event.value) + 1
        elif isinstance(event, yaml.CollectionStartEvent):
            opened.append((event.anchor, size))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = opened.pop()
            sizes[anchor] = size - before + 1
        if len(opened) > DEEPEST or repeated > MOST_REPEATED:
            line = f":{event.start_mark.line + 1}" if event.start_mark else ""
            if repeated > MOST_REPEATED:
                raise UserError(f"{path}{line}: aliases repeat more than {MOST_REPEATED:,} characters; write them out.")
            raise UserError(f"{path}{line}: lists and mappings stand in one another more than {DEEPEST} deep.")


def _value(loader: Any, root: yaml.Node, path: Path) -> Any:
    """What a file says; raises UserError for what only looks like a value, as the date 2024-02-30."""
    _refuse_endless(root, path)
    try:
        return loader.construct_document(root)
    except _NO_VALUE as error:
        said = error
    loader.recursive_objects.clear()  # where it stopped, it was in the middle of some
    for part in (part for node in _collections(root) for part in _children(node) if isinstance(part, yaml.ScalarNode)):
        try:
            loader.construct_object(part)
        except _NO_VALUE:
            line, kind = part.start_mark.line + 1, _READ_AS.get(part.tag.rpartition(":")[2], "a value")
            raise UserError(
                f'{path}:{line}: YAML reads {part.value:.40} as {kind}, and it is none; write "{part.value:.40}", in '
                "quotes, if it is text."
            ) from None
    raise UserError(f"{path}: not valid YAML: {said}.")


def _refuse_endless(root: yaml.Node, path: Path) -> None:
    """Raise UserError for an alias inside of what it names: a part that begins no later and ends no sooner than it."""
    for node in _collections(root):
        for part in _children(node):
            if part.start_mark.index <= node.start_mark.index and part.end_mark.index >= node.end_mark.index:
                raise UserError(f"{path}:{node.start_mark.line + 1}: an alias stands inside of what it names.")


def _refuse_keys_but_text(root: yaml.Node | None, path: Path) -> None:
    for mapping in _mappings(root):
        for key, _ in mapping.value:
            kind = _READ_AS.get(key.tag.rpartition(":")[2])
            if kind:
                line, name = key.start_mark.line + 1, key.value if isinstance(key, yaml.ScalarNode) else "?"
                raise UserError(f'{path}:{line}: YAML reads the key {name} as {kind}; write "{name}", in quotes.')


def _refuse_other_numbers(root: yaml.Node | None, path: Path) -> None:
    for node in _collections(root):
        for part in _children(node):
            read = part.tag.rpartition(":")[2]
            if read in ("int", "float") and _OTHER_NUMBER.fullmatch(part.value):
                line, how = part.start_mark.line + 1, "in sixties" if ":" in part.value else "in eights"
                raise UserError(
                    f"{path}:{line}: YAML counts {part.value} {how}; write the number that is meant, or "
                    f'"{part.value}", in quotes, if it is text.'
                )


def _refuse_repeats(root: yaml.Node | None, path: Path) -> None:
    """Raise UserError for a key that stands twice in one mapping; YAML's own reader takes the last and is silent."""
    for mapping in _mappings(root):
        _refuse_repeat_in(mapping, path)


def _mappings(root: yaml.Node | None) -> Iterator[yaml.MappingNode]:
    """Every mapping below a node, in the order of the text."""
    return (node for node in _collections(root) if isinstance(node, yaml.MappingNode))


def _children(node: yaml.CollectionNode) -> list[yaml.Node]:
    """What a list holds, or a mapping under its keys."""
    return [each for _, each in node.value] if isinstance(node, yaml.MappingNode) else list(node.value)


def _collections(root: yaml.Node | None) -> Iterator[yaml.CollectionNode]:
    """Every mapping and list below a node, in the order of the text."""
    seen: set[int] = set()  # an anchored node is met again wherever it is named
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or not isinstance(node, yaml.CollectionNode):
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.MappingNode):
            waiting += [each for pair in reversed(node.value) for each in reversed(pair)]
        else:
            waiting += reversed(node.value)


def _refuse_repeat_in(node: yaml.MappingNode, path: Path) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if isinstance(key, yaml.ScalarNode):
            line, name = key.start_mark.line + 1, (key.tag, key.value)
            if name in lines:
                where = f"in lines {lines[name]} and {line}"
                raise UserError(f"{path}:{line}: the key '{key.value}' is written twice, {where}.")
            lines[name] = line


def check_keys(raw: Any, allowed: Collection[str], needed: Iterable[str], where: str) -> None:
    """Raise UserError for what is no mapping, has a key that is not allowed, or lacks one that is needed."""
    if not isinstance(raw, Mapping):
        raise UserError(f"{where}: {str(raw)[:60]!r} is not a mapping.")
    for key in raw:
        if key not in allowed:
            raise unknown("key", str(key), allowed, where)
    for key in needed:
        if key not in raw:
            raise UserError(f"{where}: the key '{key}' is missing.")


def checked(entry: Any, forms: Mapping[str, Form], required: Collection[str], where: str) -> dict[str, Any]:
    """The fields of a mapping that have a value, each of its form; whole numbers as such, if written as 4.0e+4.

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
            hint = f" {NUMBER_HINT}" if is_number_as_text(value) else ""
            raise UserError(f"{where}.{field}: should be {words}, but is {_named(value)}.{hint}")
    return {field: int(value) if forms[field] is WHOLE else value for field, value in values.items()}


def entries(value: Any, where: str) -> list[Any]:
    """A list that is not empty; raises UserError for anything else."""
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: should be a list of one entry or more, but is {_named(value)}.")
    return value


def _named(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:80]
