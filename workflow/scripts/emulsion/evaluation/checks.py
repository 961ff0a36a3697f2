"""Declarative checks on a reply: data that people read and edit in a suite, not code.

A check is a mapping with one key. A reply of nothing fails its item, whatever is checked. An accent is the same
whether it is written with its letter or behind it (Unicode's composed and decomposed forms).

What is said:
answer: {right: [str], wrong: [str]}   the first sentence that names any of them names a right one and no wrong one,
                        and stands by it: see `claims`
number: number          the last number, in digits or words, is this one and stands in a plain statement; "minus 3" and
                        "negative three" are -3; "more than 3", "2 to 3", "half of 3" and "3 million" are not 3
about: str              at most five words, or a word of this text other than "the", "is" and the like
contains: str | [str]   the word or phrase, or all of a list, with any case, between word boundaries
some: {of: [str], least: int}          at least `least` different ones of these words or phrases
in_order: [str]         each of them, in this order, and each once
equals: str             nothing but this text, case included; quotes around it and a full stop behind it may stand
same_words: str         nothing but the words and numbers of this text, in its order, in any case and with any marks
equals_number: number   the last number of the text is this one
regex: str              RE2 regular expression, found anywhere; case matters unless it starts with (?i). RE2 takes time
                        in proportion to the text, whatever the expression, so it has no look-around; its \\w and
                        \\b are ASCII

How it is written:
begins: str, ends: str  with this text, case included
lines: int, min_lines: int             exactly, or at least, this many lines that are not blank
words: {least?: int, most?: int}       number of words
without: str            none of these letters, in either case
capitals: true          no small letter, and some capital one
json: {key: value | null}              a JSON object, fenced as code or not, with just these keys; null is any value
prose: int              coherent English (`quality`) of at least this many words
distinct: share | {share, words}       distinct word bigrams over all word bigrams (distinct-2, Li et al. 2016,
                        arXiv:1510.03055), in a text of at least `words` words (default 10)

Of other checks:
any: [check], all: [check], not: check
each_line: check        each line that is not blank passes it
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

import re2

from emulsion.errors import UserError, unknown
from emulsion.evaluation.claims import last_number, phrase, plainly_answers, states_number
from emulsion.fields import check_keys, is_number

DISTINCT_WORDS = 10
SHORT_WORDS = 5

_WORD_FORMS = re.compile(r"\w+(?:['’]\w+)*")
_FENCE = re.compile(r"^```(?i:json)?\s*\n(.*?)\n?```$", re.DOTALL)


def passes(check: Mapping[str, Any], text: str) -> bool:
    """Whether the text satisfies a check that `validate_check` accepts."""
    ((name, value),) = check.items()
    return _PASSES[name](_composed(value), _composed(text))


def _composed(value: Any) -> Any:
    """A text, or all texts of a check, with accents composed with their letters where Unicode has such a character."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_composed(key): _composed(each) for key, each in value.items()}
    return [_composed(each) for each in value] if isinstance(value, list) else value


def validate_check(check: Any, where: str) -> None:
    """Raise UserError, which starts with `where`, unless `check` is a check as this module describes them."""
    if not isinstance(check, Mapping) or len(check) != 1:
        raise UserError(f"{where}: a check is a mapping with one key, such as {{contains: Paris}}, not {check!r}.")
    ((name, value),) = check.items()
    if name not in _VALIDATE:
        raise unknown("check", str(name), _VALIDATE, where)
    _VALIDATE[name](value, f"{where}.{name}")


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _contains(value: str | list[str], text: str) -> bool:
    phrases = [value] if isinstance(value, str) else value
    return all(phrase(each).search(text) for each in phrases)


def _about(value: str, text: str) -> bool:
    forms = [word.casefold() for word in _WORD_FORMS.findall(text)]
    return len(forms) <= SHORT_WORDS or not _asked_about(value).isdisjoint(forms)


def _asked_about(value: str) -> set[str]:
    from emulsion.evaluation.grammar import CLOSED

    return {word.casefold() for word in _WORD_FORMS.findall(value)} - CLOSED


def _some(value: Mapping[str, Any], text: str) -> bool:
    found = sum(1 for each in value["of"] if phrase(each).search(text))
    return bool(found >= value["least"])


def _in_order(value: list[str], text: str) -> bool:
    found = [[match.start() for match in phrase(each).finditer(text)] for each in value]
    places = [each[0] for each in found if len(each) == 1]
    return len(places) == len(value) and places == sorted(places)


def _equals(value: str, text: str) -> bool:
    reply = text.strip()
    # The full stop or the quotes may be the value's own: "U.S.", a line of dialogue.
    forms = {reply, reply.removesuffix(".")}
    forms |= {form.strip("\"'“”‘’") for form in forms}
    return value in forms | {form.removesuffix(".") for form in forms}


def _same_words(value: str, text: str) -> bool:
    return _WORD_FORMS.findall(value.casefold()) == _WORD_FORMS.findall(text.casefold())


@lru_cache(maxsize=4096)
def _expression(value: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    return re2.compile(value, options)


def _regex(value: str, text: str) -> bool:
    return bool(_expression(value).search(text))


def _words(value: Mapping[str, int], text: str) -> bool:
    return value.get("least", 0) <= len(_WORD_FORMS.findall(text)) <= value.get("most", math.inf)


def _without(value: str, text: str) -> bool:
    return bool(text.strip()) and not set(value.casefold()) & set(text.casefold())


def _json(value: Mapping[str, Any], text: str) -> bool:
    fenced = _FENCE.match(text.strip())
    try:
        read = json.loads(fenced[1] if fenced else text, object_pairs_hook=_once_each)
    except (ValueError, RecursionError):
        return False
    if not isinstance(read, dict) or set(read) != set(value):
        return False
    return all(wanted is None or _same(wanted, read[key]) for key, wanted in value.items())


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a key twice, of which a reader would see the last")
    return read


def _same(wanted: Any, read: Any) -> bool:
    """Whether two values are equal, text in any case, and true and false never equal to numbers."""
    if isinstance(wanted, Mapping) and isinstance(read, dict):
        return set(wanted) == set(read) and all(_same(each, read[key]) for key, each in wanted.items())
    if isinstance(wanted, list) and isinstance(read, list):
        return len(wanted) == len(read) and all(map(_same, wanted, read))
    if isinstance(wanted, str) and isinstance(read, str):
        return wanted.casefold() == read.casefold()
    return (type(wanted) is bool) == (type(read) is bool) and bool(wanted == read)


def _prose(value: int, text: str) -> bool:
    from emulsion.evaluation.quality import incoherent_because

    return _words({"least": value}, text) and incoherent_because([text]) == [None]


def _distinct(value: float | Mapping[str, float], text: str) -> bool:
    asked = value if isinstance(value, Mapping) else {"share": value}
    words = _WORD_FORMS.findall(text.casefold())
    bigrams = list(pairwise(words))
    enough = len(words) >= max(asked.get("words", DISTINCT_WORDS), 2)
    return enough and len(set(bigrams)) >= asked["share"] * len(bigrams)


def _check_text(value: Any, where: str) -> None:
    # YAML reads a bare no, yes, on or 1945 as something else than text.
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{where}: {value!r} is not a text; put words like no and numbers in quotes.")


def _check_words_of(value: Any, where: str) -> None:
    _check_text(value, where)
    if not _WORD_FORMS.search(value):
        raise UserError(f"{where}: {value!r} has no word or number, so every reply without any would pass.")


def _check_about(value: Any, where: str) -> None:
    _check_text(value, where)
    if not _asked_about(value):
        only = "has only words such as the and is"
        raise UserError(f"{where}: {value!r} {only}, so every reply of more than {SHORT_WORDS} words would fail.")


def _check_texts(value: Any, where: str) -> None:
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: {value!r} is not a list of texts.")
    for each in value:
        _check_text(each, where)


def _check_different(value: Any, where: str) -> None:
    """Texts of which no two are the same in any case: one word of a reply would be found twice."""
    _check_texts(value, where)
    seen: dict[str, str] = {}
    for each in value:
        if (folded := _folded(each)) in seen:
            raise UserError(f"{where}: '{seen[folded]}' and '{each}' are the same text; leave one of them out.")
        seen[folded] = each


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _check_contains(value: Any, where: str) -> None:
    _check_texts(value if isinstance(value, list) else [value], where)


def _check_mapping(value: Any, where: str, allowed: tuple[str, ...], needed: tuple[str, ...] = ()) -> None:
    if not isinstance(value, Mapping) or not value:
        raise UserError(f"{where}: {value!r} is not a mapping with some of {', '.join(allowed)}.")
    check_keys(value, allowed, needed, where)


def _check_answer(value: Any, where: str) -> None:
    _check_mapping(value, where, ("right", "wrong"), ("right", "wrong"))
    for key in ("right", "wrong"):
        _check_texts(value[key], f"{where}.{key}")
    wrong = {_folded(each) for each in value["wrong"]}
    if both := [each for each in value["right"] if _folded(each) in wrong]:
        raise UserError(f"{where}: '{both[0]}' is listed as right and as wrong; leave one of them out.")


def _check_some(value: Any, where: str) -> None:
    _check_mapping(value, where, ("of", "least"), ("of", "least"))
    _check_different(value["of"], f"{where}.of")
    _check_count(value["least"], f"{where}.least")
    if value["least"] > len(value["of"]):
        raise UserError(f"{where}.least: {value['least']} of {len(value['of'])} texts cannot be found.")


def _check_regex(value: Any, where: str) -> None:
    _check_text(value, where)
    try:
        _expression(value)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise UserError(
            f"{where}: '{value}' is no RE2 regular expression: {why}. RE2 has no look-around and no back-references."
        ) from None


def _check_number(value: Any, where: str) -> None:
    if not is_number(value):
        raise UserError(f"{where}: {value!r} is not a number.")


def _check_count(value: Any, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{where}: {value!r} is not a whole number of 1 or more.")


def _check_words(value: Any, where: str) -> None:
    _check_mapping(value, where, ("least", "most"))
    for key, count in value.items():
        _check_count(count, f"{where}.{key}")
    if value.get("least", 0) > value.get("most", math.inf):
        raise UserError(f"{where}: the least, {value['least']}, is more than the most, {value['most']}.")


def _check_true(value: Any, where: str) -> None:
    if value is not True:
        raise UserError(f"{where}: {value!r} is not true; leave the check out, or use `not`.")


def _check_json(value: Any, where: str) -> None:
    if not isinstance(value, Mapping) or not value or not all(isinstance(key, str) for key in value):
        raise UserError(f"{where}: {value!r} is not a mapping of keys to values, null for any.")


def _check_distinct(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        _check_mapping(value, where, ("share", "words"))
        _check_count(value.get("words", DISTINCT_WORDS), f"{where}.words")
        value = value.get("share")
    if not is_number(value) or not 0 < value <= 1:
        raise UserError(f"{where}: the share {value!r} is not a number above 0 and at most 1.")


def _check_list(value: Any, where: str) -> None:
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: {value!r} is not a list of checks.")
    for index, check in enumerate(value):
        validate_check(check, f"{where}[{index}]")


_PASSES: dict[str, Callable[[Any, str], bool]] = {
    "answer": lambda value, text: plainly_answers(text, value["right"], value["wrong"]),
    "number": lambda value, text: states_number(text, value),
    "about": _about,
    "contains": _contains,
    "some": _some,
    "in_order": _in_order,
    "equals": _equals,
    "same_words": _same_words,
    "equals_number": lambda value, text: last_number(text) == value,  # exactly: both come from decimal digits
    "regex": _regex,
    "begins": lambda value, text: text.strip().startswith(value),
    "ends": lambda value, text: text.strip().endswith(value),
    "lines": lambda value, text: len(_lines(text)) == value,
    "min_lines": lambda value, text: len(_lines(text)) >= value,
    "words": _words,
    "without": _without,
    "capitals": lambda value, text: text.isupper(),
    "json": _json,
    "prose": _prose,
    "distinct": _distinct,
    "any": lambda value, text: any(passes(check, text) for check in value),
    "all": lambda value, text: all(passes(check, text) for check in value),
    "not": lambda value, text: not passes(value, text),
    "each_line": lambda value, text: all(passes(value, line) for line in _lines(text)),
}
_VALIDATE: dict[str, Callable[[Any, str], None]] = {
    "answer": _check_answer,
    "number": _check_number,
    "about": _check_about,
    "contains": _check_contains,
    "some": _check_some,
    "in_order": _check_different,
    "equals": _check_text,
    "same_words": _check_words_of,
    "equals_number": _check_number,
    "regex": _check_regex,
    "begins": _check_text,
    "ends": _check_text,
    "lines": _check_count,
    "min_lines": _check_count,
    "words": _check_words,
    "without": _check_text,
    "capitals": _check_true,
    "json": _check_json,
    "prose": _check_count,
    "distinct": _check_distinct,
    "any": _check_list,
    "all": _check_list,
    "not": validate_check,
    "each_line": validate_check,
}
