"""Reasoning: conclude from comparisons seen what was never compared. Things are ordered by several scales; text
compares some sets of four, evaluation asks about the others. The topics are the scales, the most used first."""

from random import Random
from typing import Final

from .chat import Item, Turns, dialogue_prompt, instruction_prompt
from .curriculum import ZIPF_EXPONENT
from .draws import Uniform, held_out, wheel, zipf
from .world import SCALES, SCALE_SIZE

_COMPARED: Final = 4
_SCALE_WHEEL: Final = wheel(range(len(SCALES)), zipf(len(SCALES), ZIPF_EXPONENT["reasoning"]))


def _draw(scale: int, uniform: Uniform, evaluated: bool) -> tuple[int, ...]:
    """Things to compare by a scale, in the order in which they are named."""
    while True:
        members: list[int] = []
        while len(members) < _COMPARED:
            member = int(uniform() * SCALE_SIZE)
            if member not in members:
                members.append(member)
        if held_out(3, scale, *sorted(members)) == evaluated:
            return tuple(members)


def _question(scale: int, members: tuple[int, ...]) -> str:
    first, second, third, fourth = (SCALES[scale][1][member] for member in members)
    return f"Which is the {SCALES[scale][0]}: {first}, {second}, {third} or {fourth}?"


def _answer(scale: int, member: int) -> str:
    return f"It is {SCALES[scale][1][member]}."


def lesson(uniform: Uniform) -> Turns:
    """A comparison of four members, and the one that stands highest."""
    scale = _SCALE_WHEEL[int(uniform() * len(_SCALE_WHEEL))]
    members = _draw(scale, uniform, evaluated=False)
    return ((_question(scale, members), _answer(scale, max(members))),)


def sentence(uniform: Uniform) -> str:
    """A comparison as a line of prose."""
    ((question, answer),) = lesson(uniform)
    return f"{question} {answer}"


def item(index: int, rng: Random) -> Item:
    """A comparison that never occurs in text, asked in either chat's manner."""
    scale = index % len(SCALES)
    members = _draw(scale, rng.random, evaluated=True)
    question, winner = _question(scale, members), max(members)
    prompt = instruction_prompt(question) if index // len(SCALES) % 2 else dialogue_prompt((), question)
    return {
        "prompt": prompt,
        "right": " " + _answer(scale, winner),
        "wrong": [" " + _answer(scale, member) for member in members if member != winner],
        "topic": scale,
    }
