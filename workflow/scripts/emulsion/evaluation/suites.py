"""Capability suites: items that a model answers by choosing or by writing, read from YAML or JSON.

The file: {suite, description?, template?, items: [...]}. An item of kind `choice` has `choices` and `answer`
(an index); one of kind `generation` has `checks`, all of which must hold, and `max_new_tokens`. Text scored
is template with the prompt put in, then the choice, exactly as written: where a blank stands between them,
the file has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from emulsion.errors import UserError, unknown
from emulsion.evaluation.checks import validate_check
from emulsion.fields import read_yaml
from emulsion.files import read_json

MAX_NEW_TOKENS = 150

_SUITE_KEYS = ("suite", "description", "template", "items")
_COMMON_KEYS = ("id", "capability", "kind", "prompt", "topic")
_KIND_KEYS = {"choice": ("choices", "answer"), "generation": ("checks", "max_new_tokens")}


@dataclass(frozen=True, kw_only=True)
class Item:
    """One question; items of one capability and `topic` are a cluster, which no half of a suite splits."""

    id: str
    capability: str
    kind: Literal["choice", "generation"]
    prompt: str
    choices: tuple[str, ...] = ()
    answer: int | None = None
    checks: tuple[Mapping[str, Any], ...] = ()
    max_new_tokens: int = MAX_NEW_TOKENS
    topic: str | int | None = None

    @property
    def cluster(self) -> str:
        """The topic as text; an item without one is a cluster of its own."""
        return self.id if self.topic is None else str(self.topic)

    @property
    def chance(self) -> float | None:
        """The expected score of a blind guess; None where there is none to compute."""
        return 1 / len(self.choices) if self.kind == "choice" else None


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A named list of items, and the template their prompts are put in."""

    name: str
    template: str
    items: tuple[Item, ...]
    description: str = ""

    def prompt(self, item: Item) -> str:
        """The text that the model reads."""
        return self.template.replace("{prompt}", item.prompt)

    def texts(self) -> dict[str, list[str]]:
        """What of each item training data must not hold: its question, alone and with the right answer."""
        return {item.id: [item.prompt, *_answered(item)] for item in self.items}


def _answered(item: Item) -> list[str]:
    return [] if item.answer is None else [item.prompt + item.choices[item.answer]]


def load_suite(path: Path | str) -> Suite:
    """Read and check a suite; raises UserError that names the file, the item's id and the key."""
    raw = _read(Path(path))
    _check_keys(raw, _SUITE_KEYS, ("suite", "items"), str(path))
    name, template = _text(raw, "suite", str(path)), _text(raw, "template", str(path), "{prompt}")
    if template.count("{prompt}") != 1:
        raise UserError(f"{path}: template: {template!r} must have {{prompt}} in it once.")
    if not isinstance(raw["items"], list) or not raw["items"]:
        raise UserError(f"{path}: items: {raw['items']!r} is not a list of items.")
    items = tuple(_item(item, f"{path}: item {index}", str(path)) for index, item in enumerate(raw["items"]))
    _refuse_repeats([item.id for item in items], f"{path}: id")
    return Suite(name=name, template=template, items=items, description=_text(raw, "description", str(path), ""))


def load_suites(paths: Iterable[Path | str]) -> list[Suite]:
    """Read several suites, whose names must differ: results are keyed by them."""
    suites = [load_suite(path) for path in paths]
    _refuse_repeats([suite.name for suite in suites], "suites: the name")
    return suites


def _read(path: Path) -> Any:
    if path.suffix == ".json":
        return read_json(path)
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(f"{path}: a suite is a .yaml, .yml or .json file.")
    return read_yaml(path)


def _item(raw: Any, where: str, file: str) -> Item:
    if isinstance(raw, Mapping) and isinstance(raw.get("id"), str):
        where = f"{file}: item '{raw['id']}'"
    if not isinstance(raw, Mapping) or "kind" not in raw:
        raise UserError(f"{where}: an item is a mapping with a kind, one of {', '.join(_KIND_KEYS)}.")
    kind = raw["kind"]
    if kind not in _KIND_KEYS:
        raise unknown("kind", str(kind), _KIND_KEYS, where)
    needed = ("id", "capability", "prompt", *(key for key in _KIND_KEYS[kind] if key != "max_new_tokens"))
    _check_keys(raw, (*_COMMON_KEYS, *_KIND_KEYS[kind]), needed, where)
    fields: dict[str, Any] = {key: _text(raw, key, where) for key in ("id", "capability", "prompt")}
    own = _choice(raw, where) if kind == "choice" else _generation(raw, where)
    return Item(kind=kind, topic=raw.get("topic"), **fields, **own)


def _choice(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    choices, answer = raw["choices"], raw["answer"]
    if not isinstance(choices, list) or len(choices) < 2:
        raise UserError(f"{where}: choices: {choices!r} is not a list of two or more texts.")
    for choice in choices:
        if not isinstance(choice, str) or not choice.strip():
            raise UserError(f"{where}: choices: {choice!r} is not a text; put words like no and numbers in quotes.")
    _refuse_repeats(choices, f"{where}: the choice")
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(choices):
        raise UserError(f"{where}: answer: {answer!r} is not an index from 0 to {len(choices) - 1}.")
    return {"choices": tuple(choices), "answer": answer}


def _generation(raw: Mapping[str, Any], where: str) -> dict[str, Any]:
    checks, most = raw["checks"], raw.get("max_new_tokens", MAX_NEW_TOKENS)
    if not isinstance(checks, list) or not checks:
        raise UserError(f"{where}: checks: {checks!r} is not a list of checks.")
    for index, check in enumerate(checks):
        validate_check(check, f"{where}: checks[{index}]")
    if not isinstance(most, int) or isinstance(most, bool) or most < 1:
        raise UserError(f"{where}: max_new_tokens: {most!r} is not a whole number of 1 or more.")
    return {"checks": tuple(checks), "max_new_tokens": most}


def _check_keys(raw: Any, allowed: Iterable[str], needed: Iterable[str], where: str) -> None:
    if not isinstance(raw, Mapping):
        raise UserError(f"{where}: {str(raw)[:60]!r} is not a mapping.")
    for key in raw:
        if key not in allowed:
            raise unknown("key", str(key), allowed, where)
    for key in needed:
        if key not in raw:
            raise UserError(f"{where}: the key '{key}' is missing.")


def _text(raw: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """The text under a key; only a key with a default may be left out or empty."""
    value = raw.get(key, default)
    if not isinstance(value, str) or not (value.strip() or value == default):
        raise UserError(f"{where}: {key}: {value!r} is not a text; put numbers in quotes.")
    return value


def _refuse_repeats(names: list[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UserError(f"{where} '{name}' appears twice.")
        seen.add(name)
