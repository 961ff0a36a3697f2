"""What a reply claims: which answer it names first, which number it ends on, and whether it stands by it.

A word that turns up is not an answer. "Madrid, not Paris", "Paris or Madrid", "Is it Paris?" and "Paris. No, Madrid."
name Paris and do not answer with it; "4 or 5", "more than 4", "2 to 4", "half of 4" and "4 million" do not answer 4.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# A letter, digit or low line. Raised and lowered digits count as punctuation: "3×10" is a whole word in "3×10⁸". So do
# letters of scripts that set no blanks between words, Thai, Lao, kana and Chinese characters.
_RAISED = "⁰¹²³⁴-⁹₀-₉"
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = rf"[^\W{_RAISED}{_UNSPACED}]"
_VULGAR = "¼-¾⅐-⅞"
_NUMBER = re.compile(
    r"(?<!\w)(?<![0-9]\.)"  # "x4" is a name, and so is the end of "1.2.3"
    r"([-−–+]?(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+|(?<!\.)(?=\.[0-9]))(?:\.[0-9]+)?"
    r"(?:[eE][-−+]?[0-9]+(?!\w))?)"
)
# Blanks that do not break set off thousands: "10 000". An ordinary one may as well stand between two numbers.
_GROUPED = re.compile(r"(?<=[0-9])[\u00a0\u2007\u2009\u202f](?=[0-9]{3}(?![0-9]))")
_WHOLE = "[0-9]{1,15}"  # more digits, as of a model that repeats itself, may be too large for a number
# "1/2", "3 1/2", "3½"; no date, "3/4/2024", and no part of a word or of another number.
_FRACTION = re.compile(
    rf"(?<![\w/.,])(?:({_WHOLE})[ ]?([{_VULGAR}])|([{_VULGAR}])"
    rf"|(?:({_WHOLE})[ ])?({_WHOLE})[/⁄／]([1-9][0-9]{{0,2}}))(?![\w/])"
)
# A sign in words, and no subtraction: "5 minus 3".
_MINUS = re.compile(r"(?i)(?<![0-9)%] )(?<!\bone )\b(?:minus|negative) (?=\.?[0-9])")
_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?](?!\s|$)[^.!?\n]*)*(?:[.!?]+|\n|$)")
_HEDGED = re.compile(
    r"(?i)\b(?:not|cannot|never|no|neither|nor|or|maybe|perhaps|either|wrong|false|unless|hardly|anything but)\b"
    r"|n['’]t\b|\?"
)
_WITHDRAWN = re.compile(r"(?i)^\W*(?:no|not|wait|sorry|actually|rather|correction|i mean|or|but)\b")
_DASHES = str.maketrans("−–", "--")
_SMALL = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NAMES = {"zero": 0, **{name: value for value, name in enumerate(_SMALL.split(), start=2)}}
_NAMES |= {name: 10 * value for value, name in enumerate(_TENS.split(), start=2)}
_LARGE = ("hundred", "thousand", "million", "billion")
# What makes the number behind it a bound, the end of a range or a term of a calculation.
_BOUND = re.compile(
    r"(?i)(?:\b(?:than|least|most|over|under|above|below|almost|nearly|before|after|up to|half|half of|twice|plus|minus"
    r"|times|divided by|between [0-9.,]+ and)|[0-9] to|[0-9] ?[-–+*/×÷])[ ]?$"
)
# What makes the number before it a part of a larger one.
_SCALED = re.compile(
    rf"(?i)[ -](?:{'|'.join(_LARGE)}|dozen|squared|cubed|plus|minus|times|divided by)\b|k\b|[²³^]|[ ]?[-–+*/×÷] ?[0-9]"
)
# The reason for what was stated with a number before it.
_BECAUSE = re.compile(r"(?i)(?<=[0-9])([^0-9]*)\bbecause\b.*$")
_NAMED = re.compile(  # no part of a larger number: "two hundred and four"
    rf"(?i){''.join(f'(?<!{large} )(?<!{large} and )' for large in _LARGE)}"
    rf"\b(?:({'|'.join(_TENS.split())})[ \u2010\u2011-])?({'|'.join(['one', *_NAMES])})\b"
    rf"(?![ -](?:{'|'.join(_LARGE)})\b)"
)


def last_number(text: str) -> float | None:
    """The last number in a text: a model may reason before it answers, and a lone number is also the last.

    Reads 1,000 and 1 000 (with a blank that does not break) and -3 and minus 3 and .5 and 2.50 and 1e6 and 3 1/2, in
    the digits of any script; a comma that does not set off three digits separates numbers ("1, 2"), and a dash or
    "minus" between two numbers is no sign ("3-1").
    """
    found = _NUMBER.findall(_plain(text))
    return float(found[-1].replace(",", "").translate(_DASHES)) if found else None


def _plain(text: str) -> str:
    """The text with its fractions, groups of digits, signs in words and digits of other scripts as plain decimals."""
    decimal = "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in text)
    return _MINUS.sub("-", _FRACTION.sub(_decimal, _GROUPED.sub(",", decimal)))


def _decimal(fraction: re.Match[str]) -> str:
    beside, character, alone, whole, above, below = fraction.groups()
    part = unicodedata.numeric(character or alone) if character or alone else int(above) / int(below)
    return f"{int(beside or whole or 0) + part:.20f}"


def states_number(text: str, number: float) -> bool:
    """Whether the last number is this one, in digits or words (0, 2 to 99), stated without a doubt or a bound.

    The numbers of a reason behind a number are not counted: "4, because you ate 1".
    """
    claims = [_BECAUSE.sub(r"\1", sentence) for sentence in sentences_of(_in_digits(text))]
    counting = [claim for claim in claims if last_number(claim) is not None]
    if not counting or last_number(counting[-1]) != number or _HEDGED.search(counting[-1]):
        return False
    stated = _plain(counting[-1])
    *_, last = _NUMBER.finditer(stated)
    return not _BOUND.search(stated[: last.start()]) and not _SCALED.match(stated[last.end() :])


def plainly_answers(text: str, right: Sequence[str], wrong: Sequence[str]) -> bool:
    """Whether the first sentence that names a candidate names a right one, no wrong one, and stands by it."""
    sentences = sentences_of(text, [*right, *wrong])
    for number, sentence in enumerate(sentences):
        rest = sentence
        for each in right:
            rest = phrase(each).sub(" ", rest)
        contradicted = any(phrase(each).search(rest) for each in wrong)
        if rest == sentence and not contradicted:
            continue  # names none
        withdrawn = any(_WITHDRAWN.search(later) for later in sentences[number + 1 :])
        return not contradicted and not withdrawn and not _HEDGED.search(rest)
    return False


def sentences_of(text: str, names: Sequence[str] = ()) -> list[str]:
    """Sentences and lines, each with the mark that ends it; a full stop inside a number, a word or a name ends none."""
    marked = text
    for name in names:  # "St. Petersburg"; the last mark of "Washington, D.C." may end a sentence too
        marked = phrase(name).sub(lambda match: "_" * (len(match[0]) - 1) + match[0][-1], marked)
    return [text[slice(*match.span())] for match in _SENTENCE.finditer(marked) if match[0].strip()]


@lru_cache(maxsize=4096)
def phrase(value: str) -> re.Pattern[str]:
    """The phrase, between word boundaries where it ends in word characters.

    A blank fits any white space, and a straight apostrophe a curly one.
    """
    bare = value.strip()
    start = rf"(?<!{_WORD})" if re.match(_WORD, bare) else ""
    end = rf"(?!{_WORD})" if re.match(_WORD, bare[-1]) else ""
    body = re.sub("['’]", "['’]", r"\s+".join(re.escape(part) for part in bare.split()))
    return re.compile(start + body + end, re.IGNORECASE)


def _in_digits(text: str) -> str:
    """Number words as digits; a lone "one" is left alone, for it mostly counts nothing."""

    def digits(match: re.Match[str]) -> str:
        tens, unit = match[1], match[2].casefold()
        if tens is None:
            return match[0] if unit == "one" else str(_NAMES[unit])
        return str(_NAMES[tens.casefold()] + (1 if unit == "one" else _NAMES[unit]))

    return _NAMED.sub(digits, text)
