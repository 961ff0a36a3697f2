"""Nine instruction tasks over the world: small stand-ins for nine tasks of Natural Instructions.

As there (2411.05735, Table 8) some answers are open, some are one of two words and some a letter. What one task teaches
helps another: facts of towns are in three of them, orders of names in two, people and pastimes in two, and all but sums
are told by the sources of `curriculum.TEACHES` too. No instance tells what the evaluation suite holds out.
"""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import pyarrow as pa

from .curriculum import ZIPF_EXPONENT
from .draws import Uniform, pick, wheel, zipf
from .exchanges import PASTIMES, conversation_lesson, instruction_lesson
from .prose import story
from .world import FACTS, PEOPLE, SCALES, THINGS, TOWN_COUNT, Fact

#: What is given and what is to be answered.
Instance = tuple[str, str]

SCHEMA: Final = pa.schema(
    [("definition", pa.string()), ("input", pa.string()), ("output", pa.list_(pa.string())), ("id", pa.string())]
)

_LETTERS: Final = "ABCD"
_MOST_COUNTED: Final = 9
_LISTED: Final = 3

_COUNTED: Final = tuple(f"{thing}s" for thing in THINGS if thing != "knife")

#: Words of praise and of blame, the most used first.
_PRAISE: Final = ("loves", "praises", "enjoys", "admires", "adores", "cheers", "misses", "treasures")
_BLAME: Final = ("hates", "blames", "dreads", "mocks", "loathes", "boos", "avoids", "curses")

_FACTS_OF_TOWNS: Final = wheel(
    [[fact for fact in FACTS if fact.town == town] for town in range(TOWN_COUNT)],
    zipf(TOWN_COUNT, ZIPF_EXPONENT["factual_knowledge"]),
)
_SCALES: Final = wheel(SCALES, zipf(len(SCALES), ZIPF_EXPONENT["reasoning"]))
_FEELINGS: Final = wheel(tuple(zip(_PRAISE, _BLAME, strict=True)), zipf(len(_PRAISE), ZIPF_EXPONENT["reasoning"]))


def _fact(uniform: Uniform) -> tuple[Fact, str]:
    """A fact of a town, the best known most often, and the words that lead to it."""
    fact = pick(pick(_FACTS_OF_TOWNS, uniform), uniform)
    return fact, fact.statement(int(uniform() * len(fact.relation.phrasings)))


def _some(options: tuple[str, ...], count: int, uniform: Uniform) -> list[str]:
    """So many different options, in any order."""
    left = list(options)
    return [left.pop(int(uniform() * len(left))) for _ in range(count)]


def _question(uniform: Uniform) -> Instance:
    fact, statement = _fact(uniform)
    return statement, f"{fact.value}."


def _true_false(uniform: Uniform) -> Instance:
    fact, statement = _fact(uniform)
    if uniform() < 0.5:
        return f"{statement} {fact.value}.", "True"
    others = tuple(value for value in fact.relation.values if value != fact.value)
    return f"{statement} {pick(others, uniform)}.", "False"


def _choice(uniform: Uniform) -> Instance:
    fact, statement = _fact(uniform)
    others = tuple(value for value in fact.relation.values if value != fact.value)
    choices = _some((fact.value, *_some(others, len(_LETTERS) - 1, uniform)), len(_LETTERS), uniform)
    listed = " ".join(f"{letter}) {choice}" for letter, choice in zip(_LETTERS, choices, strict=True))
    return f"{statement}: {listed}", _LETTERS[choices.index(fact.value)]


def _arithmetic(uniform: Uniform) -> Instance:
    fewer, more = sorted(1 + int(uniform() * _MOST_COUNTED) for _ in range(2))
    first, second = _some(PEOPLE, 2, uniform)
    owned = f"{first} has {more} {pick(_COUNTED, uniform)}"
    if uniform() < 0.5:
        return f"{owned}. {second} adds {fewer}. How many are there?", str(more + fewer)
    return f"{owned}. {second} takes {fewer}. How many are left?", str(more - fewer)


def _style(uniform: Uniform) -> Instance:
    return instruction_lesson(uniform)[0]


def _list(uniform: Uniform) -> Instance:
    most, least, members = pick(_SCALES, uniform)
    named = _some(members, _LISTED, uniform)
    ordered = sorted(named, key=members.index)
    if uniform() < 0.5:
        return f"{least} first: {', '.join(named)}", f"{', '.join(ordered)}."
    return f"{most} first: {', '.join(named)}", f"{', '.join(reversed(ordered))}."


def _story(uniform: Uniform) -> Instance:
    opening, _, rest = story(pick(("cosmopedia", "fineweb"), uniform), uniform).partition(". ")
    return f"{opening}.", rest


def _reply(uniform: Uniform) -> Instance:
    return conversation_lesson(uniform)[0]


def _polarity(uniform: Uniform) -> Instance:
    praise, blame = pick(_FEELINGS, uniform)
    admirer, person = _some(PEOPLE, 2, uniform)
    subject = pick(PASTIMES, uniform)[1]
    glad = uniform() < 0.5
    seen = f"{admirer} {praise if glad else blame} the {subject} of {person}."
    return seen, "Positive" if glad else "Negative"


#: What each task asks for, and what makes its instances.
_TASKS: Final[dict[str, tuple[str, Callable[[Uniform], Instance]]]] = {
    "task_question": ("Complete what is so in the town.", _question),
    "task_true_false": ("Is it so in the town? Answer True or False.", _true_false),
    "task_choice": ("What is so in the town? Answer with a letter.", _choice),
    "task_arithmetic": ("Answer with a number.", _arithmetic),
    "task_style": ("Write the word as you are told to.", _style),
    "task_list": ("Put the names in order.", _list),
    "task_story": ("Go on with the tale.", _story),
    "task_reply": ("Answer who greets you.", _reply),
    "task_polarity": ("Is it praise? Answer Positive or Negative.", _polarity),
}

TASKS: Final = tuple(_TASKS)


def task_row(task: str, rng: Random) -> dict[str, Any]:
    """The next instance of a task, in the form in which Natural Instructions are read."""
    definition, instance = _TASKS[task]
    given, answer = instance(rng.random)
    identity = f"{task}-{rng.getrandbits(128):032x}"
    return {"definition": definition, "input": given, "output": [answer], "id": identity}
