"""Places where English cannot go on as it does: a sieve for word salad that needs no model.

About a hundred closed-class words (articles, prepositions, pronouns, auxiliaries, conjunctions) make up some 45 % of
running English, and most pairs of them never stand side by side: "the of", "to is", "he the". Fifteen words of plain
paragraphs hold such a pair in 4 cases of 100, in a random order in 7 of 10.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


ARTICLES = _set("a an the")
POSSESSIVES = _set("my your our their its whose")
DETERMINERS = ARTICLES | POSSESSIVES | _set("every")
FIRM = _set("of from with at into among toward towards upon")  # that do not end a phrase, as "on" does in "go on"
PREPOSITIONS = _set(
    "of from with at into for by in on to about between through during without among toward towards upon"
)
SUBJECTS = _set("i he she we they")
OBJECTS = _set("me him us them")
BE = _set("am is are was were")
FINITE = BE | _set("has had does did")
MODALS = _set("will would can could should must may might shall")
JOINING = _set("and or but nor because although whether if")
# Past forms that are neither nouns nor adjectives.
PAST = _set(
    "went came took gave knew got became began kept brought wrote sat heard met ran grew spoke ate drove flew forgot"
)
CLOSED = (
    DETERMINERS | PREPOSITIONS | SUBJECTS | OBJECTS | FINITE | MODALS | JOINING
    | _set("this that these those his her it you be been being have do not no so as than then when while who which")
    | _set("what where how why there here all some any each both more most very too also just only such other one two")
    | _set("out up down over under after before again off yes mine yours them myself himself herself itself")
)  # fmt: skip

# (left words, right words) that no plain sentence has side by side.
_LOOSE = _set("got met kept heard brought")  # that also follow "has" and "be"
_NEVER = (
    (DETERMINERS, (CLOSED | PAST) - _set("one two other such more most very only just no yes all up down over"
                                         " will can may must")),
    (ARTICLES, _set("all no up down over")),
    (_set("a an"), _set("such one other two both")),
    (FIRM, SUBJECTS | FINITE | MODALS | PAST | _set("and or but be do because if")),
    (FIRM - _set("from"), PREPOSITIONS - _set("about between")),
    (_set("to"), FINITE | SUBJECTS | MODALS | PAST | _set("of to at from with and or but because if been")),
    (_set("for by in on about between through during without"), FINITE | SUBJECTS | PAST),
    (_set("for by in on about between through during without"), _set("of or but because be to if as")),
    (_set("for by in to"), _set("for by in with at from")),
    (_set("this these those any each some other no two every"), ARTICLES | POSSESSIVES | _set("to it this be as i")),
    (_set("if"), BE | _set("of for and or to be been")),
    (_set("as that"), _set("and be been")),
    (_set("by from with"), _set("and")),
    (_set("or"), _set("is are was were")),
    (SUBJECTS, SUBJECTS | DETERMINERS | OBJECTS | _set("of to from with into by for it you be been being and or")),
    (OBJECTS, SUBJECTS | OBJECTS | FINITE | MODALS | PAST | _set("every")),
    (BE, BE | MODALS | PAST | _set("has had have do does did of or be and if")),
    (_set("has had have"), BE | MODALS | (PAST - _LOOSE) | _set("has have do does did and or of be")),
    (MODALS, MODALS | FINITE | PAST | _set("and or of from with been to into being")),
    (_set("does did do"), BE | MODALS | PAST | _set("has had does did been being of")),
    (_set("be been"), BE | MODALS | SUBJECTS | (PAST - _LOOSE) | _set("has had have do does did be and of")),
    (_set("very too"), DETERMINERS | BE | MODALS | SUBJECTS | PAST | _set("of and or to from with at into by")),
    (_set("not"), FINITE | MODALS | PAST | SUBJECTS | _set("of")),
    (JOINING, _set("and or nor of been")),
    (PAST, FINITE | MODALS | SUBJECTS | PAST),
    (_set("i"), _set("is are has does")),
    (_set("he she it"), _set("are am have do")),
    (_set("we they you"), _set("is am was has does")),
)  # fmt: skip
_REPEATED = _set("had that ha no bye very so far well really more many long knock there yes etc")
_LAST = DETERMINERS | _set("and or because if whether i he she we they of from into")

NEVER = frozenset((left, right) for lefts, rights in _NEVER for left in lefts for right in rights)

_SENTENCE_END = re.compile(r"[.!?;:]+(?=\s|$|[\"'”’)])|\n+")
_PARTS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]")


def sentences(text: str) -> list[list[str]]:
    """Words and marks of each sentence or line, in lower case; what has no word is left out."""
    found = (_PARTS.findall(part.casefold().replace("’", "'")) for part in _SENTENCE_END.split(text))
    return [parts for parts in found if any(part[0].isalpha() for part in parts)]


def slips(parts: list[str], ended: bool) -> Iterator[str]:
    """The pairs of words that cannot stand side by side; with `ended` also a last word that asks for another."""
    for place, (left, right) in enumerate(pairwise(parts)):
        repeated = left == right and left.isalpha() and left not in _REPEATED
        # "Can the dog swim?" begins a question.
        stated = place > 1 and left in MODALS and right in DETERMINERS
        if repeated or stated or (left, right) in NEVER:
            yield f"{left} {right}"
    if ended and len(parts) > 1 and parts[-1] in _LAST:
        yield f"{parts[-1]} ."
