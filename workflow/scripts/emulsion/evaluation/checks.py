"""Declarative checks on a generated text: data that people read and edit in a suite, not code.

A check is a mapping with one key:

contains: str | [str]   the word or phrase, or all of a list, with any case, between word boundaries
regex: str              Python regular expression, found anywhere; case matters unless it starts with (?i)
equals_number: number   the last number of the text is this one
min_lines: int          at least so many lines that are not blank
distinct: share | {share, words}   distinct word bigrams over all word bigrams (distinct-2, Li et al. 2016,
                        arXiv:1510.03055), in a text of at least `words` words (default 10)
any: [check], all: [check], not: check
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from emulsion.errors import UserError, unknown

DISTINCT_WORDS = 10

# A letter, digit or low line. Raised and lowered digits count as punctuation: "3×10" is a whole word in
# "3×10⁸".
_RAISED = "⁰¹²³⁴-⁹₀-₉"
_WORD = rf"[^\W{_RAISED}]"
_NUMBER = re.compile(
    r"(?<!\w)(?<![0-9]\.)"  # "x4" is a name, and so is the end of "1.2.3"
    r"([-−+]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+|(?<!\.)(?=\.[0-9]))(?:\.[0-9]+)?)"
)
_WORD_FORMS = re.compile(r"\w+(?:['’]\w+)*")


def passes(check: Mapping[str, Any], text: str) -> bool:
    """Whether the text satisfies a check that `validate_check` accepts."""
    ((name, value),) = check.items()
    return _PASSES[name](value, text)


def validate_check(check: Any, where: str) -> None:
    """Raise UserError, which starts with `where`, unless `check` is a check as this module describes them."""
    if not isinstance(check, Mapping) or len(check) != 1:
        raise UserError(f"{where}: a check is a mapping with one key, such as {{contains: Paris}}, not {check!r}.")
    ((name, value),) = check.items()
    if name not in _VALIDATE:
        raise unknown("check", str(name), _VALIDATE, where)
    _VALIDATE[name](value, f"{where}.{name}")


def last_number(text: str) -> float | None:
    """The last number in a text: a model may reason before it answers, and a lone number is also the last.

    Reads 1,000 and -3 and .5 and 2.50; a comma that does not set off three digits separates numbers ("1, 2"),
    and a dash between two numbers is no sign ("3-1").
    """
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "").replace("−", "-")) if found else None


@lru_cache(maxsize=4096)
def _phrase(value: str) -> re.Pattern[str]:
    """The phrase, between word boundaries where it ends in word characters; a blank fits any white space."""
    start = rf"(?<!{_WORD})" if re.match(_WORD, value) else ""
    end = rf"(?!{_WORD})" if re.match(_WORD, value[-1]) else ""
    return re.compile(start + r"\s+".join(re.escape(part) for part in value.split()) + end, re.IGNORECASE)


def _contains(value: str | list[str], text: str) -> bool:
    phrases = [value] if isinstance(value, str) else value
    return all(_phrase(phrase.strip()).search(text) for phrase in phrases)


def _regex(value: str, text: str) -> bool:
    return re.search(value, text) is not None


def _equals_number(value: float, text: str) -> bool:
    return last_number(text) == value  # exactly: both were read from decimal digits


def _min_lines(value: int, text: str) -> bool:
    return sum(1 for line in text.splitlines() if line.strip()) >= value


def _distinct(value: float | Mapping[str, float], text: str) -> bool:
    asked = value if isinstance(value, Mapping) else {"share": value}
    words = _WORD_FORMS.findall(text.casefold())
    bigrams = list(pairwise(words))
    enough = len(words) >= max(asked.get("words", DISTINCT_WORDS), 2)
    return enough and len(set(bigrams)) >= asked["share"] * len(bigrams)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_contains(value: Any, where: str) -> None:
    phrases = value if isinstance(value, list) else [value]
    # YAML reads a bare no, yes, on or 1945 as something else than text.
    if not phrases or not all(isinstance(phrase, str) and phrase.strip() for phrase in phrases):
        raise UserError(
            f"{where}: {value!r} is not a text or a list of texts; put words like no and numbers in quotes."
        )


def _check_regex(value: Any, where: str) -> None:
    if not isinstance(value, str) or not value:
        raise UserError(f"{where}: {value!r} is not a regular expression.")
    try:
        re.compile(value)
    except re.error as error:
        raise UserError(f"{where}: '{value}' is not a regular expression: {error}.") from None


def _check_number(value: Any, where: str) -> None:
    if not _is_number(value):
        raise UserError(f"{where}: {value!r} is not a number.")


def _check_count(value: Any, where: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{where}: {value!r} is not a whole number of 1 or more.")


def _check_distinct(value: Any, where: str) -> None:
    if isinstance(value, Mapping):
        for key in value:
            if key not in ("share", "words"):
                raise unknown("key", str(key), ("share", "words"), where)
        _check_count(value.get("words", DISTINCT_WORDS), f"{where}.words")
        value = value.get("share")
    if not _is_number(value) or not 0 < value <= 1:
        raise UserError(f"{where}: the share {value!r} is not a number above 0 and at most 1.")


def _check_list(value: Any, where: str) -> None:
    if not isinstance(value, list) or not value:
        raise UserError(f"{where}: {value!r} is not a list of checks.")
    for index, check in enumerate(value):
        validate_check(check, f"{where}[{index}]")


_PASSES: dict[str, Callable[[Any, str], bool]] = {
    "contains": _contains,
    "regex": _regex,
    "equals_number": _equals_number,
    "min_lines": _min_lines,
    "distinct": _distinct,
    "any": lambda value, text: any(passes(check, text) for check in value),
    "all": lambda value, text: all(passes(check, text) for check in value),
    "not": lambda value, text: not passes(value, text),
}
_VALIDATE: dict[str, Callable[[Any, str], None]] = {
    "contains": _check_contains,
    "regex": _check_regex,
    "equals_number": _check_number,
    "min_lines": _check_count,
    "distinct": _check_distinct,
    "any": _check_list,
    "all": _check_list,
    "not": validate_check,
}
