"""Capability suites: items that a model answers by choosing or by writing, read from YAML or JSON.

The file: {suite, description?, template?, items: [...], tables: [...]}; `tables` are items too, see the module of that
name. An item of kind `choice` has `choices` and `answer` (an index); one of kind `generation` has `checks`, all of
which must hold, and `max_new_tokens`. Text scored is template with the prompt put in, then the choice, exactly as
written: where a blank stands between them, the file has it. `template: chat` asks in every chat format of an
experiment's sources; its items may have turns before the prompt, `earlier: [[user, assistant], ...]`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from emulsion.data.render import NAMES, render_turns
from emulsion.errors import CONTROL, UserError, unknown
from emulsion.evaluation.checks import validate_check
from emulsion.evaluation.item_tables import table_items
from emulsion.fields import check_keys, read_yaml
from emulsion.files import read_json, without_remedy

MAX_NEW_TOKENS = 150
MADE = ("data", "suites")  # the folder of suites that a rule makes

CHAT = "chat"
# What a chat suite is asked in: as documents of type `instruction` are written, as other chats are, or as plain text.
FORMATS = ("instruction", "dialogue", "plain")

_SUITE_KEYS = ("suite", "description", "template", "items", "tables")
_COMMON_KEYS = ("id", "capability", "kind", "prompt", "topic", "earlier")
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
    earlier: tuple[tuple[str, str], ...] = ()

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

    def prompts(self, item: Item, formats: Sequence[str]) -> dict[str, str]:
        """The texts that the model reads, by format; a suite with a template of its own has one, of no format."""
        if self.template != CHAT:
            return {"": self.template.replace("{prompt}", item.prompt)}
        turns = [turn for user, assistant in item.earlier for turn in (("user", user), ("assistant", assistant))]
        return {name: _chat_prompt([*turns, ("user", item.prompt)], name) for name in formats}

    def texts(self) -> dict[str, list[str]]:
        """What of each item training data must not hold: its question, alone and with the right answer."""
        return {item.id: [item.prompt, *_answered(item), *_recounted(item)] for item in self.items}


def _answered(item: Item) -> list[str]:
    return [] if item.answer is None else [item.prompt + item.choices[item.answer]]


def _recounted(item: Item) -> list[str]:
    return [" ".join(turn) for turn in item.earlier]


def _chat_prompt(turns: list[tuple[str, str]], form: str) -> str:
    """Turns (role, text), ready for a reply that starts with a blank."""
    if form == "plain":
        return "\n".join(text for _, text in turns)
    return render_turns([*turns, ("assistant", "")], form).rstrip()


def reply(text: str, form: str) -> str:
    """A generated text up to where it goes on with a turn of its own."""
    names = {"instruction": NAMES.values(), "dialogue": NAMES}.get(form, ())
    ends = [found for name in names if (found := text.find(f"\n{name}:")) >= 0]
    return text[: min(ends, default=len(text))]


def load_suite(path: Path | str) -> Suite:
    """Read and check a suite; raises UserError that names the file, the item's id and the key."""
    return parse_suite(_read(Path(path)), str(path))


def parse_suite(raw: Any, path: str) -> Suite:
    """Check what a suite's file holds; `path` is what errors start with."""
    check_keys(raw, _SUITE_KEYS, ("suite",), path)
    name, template = _text(raw, "suite", path), _text(raw, "template", path, "{prompt}")
    if template != CHAT and template.count("{prompt}") != 1:
        raise UserError(f"{path}: template: {template!r} must be {CHAT}, or have {{prompt}} in it once.")
    for key in ("items", "tables"):
        if not isinstance(raw.get(key, []), list):
            raise UserError(f"{path}: {key}: {raw[key]!r} is not a list of {key}.")
    written = [*raw.get("items", []), *_from_tables(raw.get("tables", []), path)]
    if not written:
        raise UserError(f"{path}: it has no items.")
    items = tuple(_item(item, f"{path}: item {index}", path) for index, item in enumerate(written))
    _refuse_repeats([item.id for item in items], f"{path}: id")
    _refuse_same(items, path)
    if template != CHAT and any(item.earlier for item in items):
        raise UserError(f"{path}: items with `earlier` turns need `template: {CHAT}`.")
    return Suite(name=name, template=template, items=items, description=_text(raw, "description", path, ""))


def _from_tables(tables: list[Any], where: str) -> list[dict[str, Any]]:
    return [item for table in tables for item, _ in table_items(table, where)]


def _refuse_same(items: Iterable[Item], where: str) -> None:
    """Two items that ask the same for the same answer would count one thing twice."""
    seen: dict[str, str] = {}
    for item in items:
        answer = item.checks if item.answer is None else item.choices[item.answer]
        first = seen.setdefault(repr((item.earlier, item.prompt, answer)), item.id)
        if first != item.id:
            raise UserError(
                f"{where}: items '{first}' and '{item.id}' ask the same for the same answer; leave one out."
            )


def load_suites(paths: Iterable[Path | str]) -> list[Suite]:
    """Read several suites, whose names must differ: results are keyed by them."""
    suites = [load_suite(path) for path in paths]
    _refuse_repeats([suite.name for suite in suites], "suites: the name")
    return suites


def _read(path: Path) -> Any:
    if path.suffix == ".json":
        try:
            return read_json(path)
        except UserError as error:
            if path.parts[:2] == MADE:
                raise
            raise UserError(without_remedy(error)) from None  # a user's own, which no rule makes again
    if path.suffix not in (".yaml", ".yml"):
        raise UserError(f"{path}: a suite is a .yaml, .yml or .json file.")
    return read_yaml(path)


def _item(raw: Any, where: str, file: str) -> Item:
    if isinstance(raw, Mapping) and isinstance(raw.get("id"), str):
        where = f"{file}: item '{raw['id']}'"
    if not isinstance(raw, Mapping) or "kind" not in raw:
        raise UserError(f"{where}: an item is a mapping with a kind, one of {', '.join(_KIND_KEYS)}.")
    try:
        json.dumps(raw, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: half of a surrogate pair ({error.object[error.start]!a}) is no character.") from None
    kind = raw["kind"]
    if str(kind) not in _KIND_KEYS:
        raise unknown("kind", str(kind), _KIND_KEYS, where)
    needed = ("id", "capability", "prompt", *(key for key in _KIND_KEYS[kind] if key != "max_new_tokens"))
    check_keys(raw, (*_COMMON_KEYS, *_KIND_KEYS[kind]), needed, where)
    fields: dict[str, Any] = {key: _text(raw, key, where) for key in ("id", "capability", "prompt")}
    # By these results are told apart, and forms of one accent look alike.
    fields |= {key: unicodedata.normalize("NFC", fields[key]) for key in ("id", "capability")}
    for key in ("id", "capability"):
        if CONTROL.search(fields[key]) or " ".join(fields[key].splitlines()) != fields[key]:
            raise UserError(
                f"{where}: {key}: {fields[key]!r} holds a line end or a control character; names have none."
            )
    if marks := re.search(r"[<>`*|]", fields["capability"]):
        raise UserError(
            f"{where}: capability: {fields['capability']!r} holds '{marks[0]}', which is markup in reports; leave it "
            "out."
        )
    topic = raw.get("topic")
    if isinstance(topic, bool) or not isinstance(topic, str | int | None) or topic == "":
        raise UserError(f"{where}: topic: {topic!r} is neither a text nor a whole number; put words like no in quotes.")
    own = _choice(raw, where) if kind == "choice" else _generation(raw, where)
    return Item(kind=kind, topic=topic, earlier=_earlier(raw, where), **fields, **own)


def _earlier(raw: Mapping[str, Any], where: str) -> tuple[tuple[str, str], ...]:
    turns = raw.get("earlier", [])
    pairs = isinstance(turns, list) and all(isinstance(turn, list) and len(turn) == 2 for turn in turns)
    if not pairs or not all(isinstance(text, str) and text.strip() for turn in turns for text in turn):
        raise UserError(f"{where}: earlier: {turns!r} is not a list of pairs of texts, [user, assistant].")
    return tuple((user, assistant) for user, assistant in turns)


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


def _text(raw: Mapping[str, Any], key: str, where: str, default: str | None = None) -> str:
    """The text under a key; only a key with a default may be left out or empty."""
    value = raw.get(key, default)
    if not isinstance(value, str) or not (value.strip() or value == default):
        raise UserError(f"{where}: {key}: {value!r} is not a text; put numbers in quotes.")
    return value


def _refuse_repeats(names: list[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if (composed := unicodedata.normalize("NFC", name)) in seen:
            raise UserError(f"{where} '{name}' appears twice.")
        seen.add(composed)
