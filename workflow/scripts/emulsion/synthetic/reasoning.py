"""Reasoning: conclude from comparisons seen what was never compared.

Names stand in order on scales, each with its two ends; text compares some sets of four, evaluation asks about
the others. The topics are the scales, the most used first.
"""

from collections.abc import Sequence
from itertools import combinations, permutations
from random import Random
from typing import Final

from .chat import Turns, dialogue_prompt, instruction_prompt
from .curriculum import ZIPF_EXPONENT
from .draws import Uniform, held_out, pick, wheel, zipf
from .items import Question
from .world import SCALE_SIZE, SCALES

_COMPARED: Final = 4
_ORDERS: Final = tuple(permutations(range(_COMPARED)))
_SCALE_WHEEL: Final = wheel(range(len(SCALES)), zipf(len(SCALES), ZIPF_EXPONENT["reasoning"]))


def _sets(scale: int, evaluated: bool) -> list[tuple[int, ...]]:
    every = combinations(range(SCALE_SIZE), _COMPARED)
    return [members for members in every if held_out(3, scale, *members) == evaluated]


_TAUGHT: Final = tuple(_sets(scale, evaluated=False) for scale in range(len(SCALES)))
_EVALUATED: Final = tuple(_sets(scale, evaluated=True) for scale in range(len(SCALES)))


def _draw(sets: Sequence[tuple[int, ...]], uniform: Uniform) -> tuple[int, ...]:
    """One of the sets of members, in the order in which they are to be named."""
    members = pick(sets, uniform)
    first, second, third, fourth = pick(_ORDERS, uniform)
    return members[first], members[second], members[third], members[fourth]


def _question(scale: int, members: tuple[int, ...], lowest: bool) -> str:
    names = SCALES[scale][2]
    first, second, third, fourth = members
    end = SCALES[scale][lowest]
    return f"Which is the {end}: {names[first]}, {names[second]}, {names[third]} or {names[fourth]}?"


def _winner(members: tuple[int, ...], lowest: bool) -> int:
    return min(members) if lowest else max(members)


def _answer(scale: int, member: int, lowest: bool) -> str:
    return f"The {SCALES[scale][lowest]} is {SCALES[scale][2][member]}."


def lesson(uniform: Uniform) -> Turns:
    """A comparison of four members of a scale, and the one that stands at the end asked for."""
    scale = _SCALE_WHEEL[int(uniform() * len(_SCALE_WHEEL))]
    members = _draw(_TAUGHT[scale], uniform)
    lowest = uniform() < 0.5
    return ((_question(scale, members, lowest), _answer(scale, _winner(members, lowest), lowest)),)


def sentence(uniform: Uniform) -> str:
    """A comparison as a line of prose."""
    ((question, answer),) = lesson(uniform)
    return f"{question} {answer}"


def item(index: int, rng: Random) -> Question:
    """A comparison that never occurs in text, asked in either chat's manner."""
    round_of_scales, scale = divmod(index, len(SCALES))
    members = _draw(_EVALUATED[scale], rng.random)
    lowest = round_of_scales % 2 == 1
    question, winner = _question(scale, members, lowest), _winner(members, lowest)
    return Question(
        prompt=instruction_prompt(question) if round_of_scales // 2 % 2 else dialogue_prompt((), question),
        right=f" {_answer(scale, winner, lowest)}",
        wrong=tuple(f" {_answer(scale, member, lowest)}" for member in members if member != winner),
    )
