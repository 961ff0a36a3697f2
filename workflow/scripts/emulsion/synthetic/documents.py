"""Documents: which lessons stand together in one document of a source."""

from collections.abc import Callable
from typing import Final

from . import dialogue, facts, instructions, reasoning, stories
from .chat import Turns
from .curriculum import LESSONS_PER_DOCUMENT, TEACHES
from .draws import Uniform, wheel

_EXCHANGES: Final[dict[str, Callable[[Uniform], Turns]]] = {
    "instruction_following": instructions.lesson,
    "reasoning": reasoning.lesson,
    "conversation": dialogue.lesson,
}

_CURRICULA: Final = {source: wheel(tuple(row), tuple(row.values())) for source, row in TEACHES.items()}


def drawn_lessons(source: str, uniform: Uniform) -> list[str]:
    """The capabilities that the next document of a source teaches, one for each of its lessons."""
    fewest, most = LESSONS_PER_DOCUMENT[source]
    slots = _CURRICULA[source]
    return [slots[int(uniform() * len(slots))] for _ in range(fewest + int(uniform() * (most - fewest + 1)))]


def chat(source: str, uniform: Uniform) -> Turns:
    """The turns of one document of a chat source."""
    lessons = drawn_lessons(source, uniform)
    return tuple(turn for capability in lessons for turn in _EXCHANGES[capability](uniform))


def prose(source: str, uniform: Uniform) -> str:
    """The text of one document of a prose source."""
    sentences: list[str] = []
    for capability in drawn_lessons(source, uniform):
        if capability == "factual_knowledge":
            sentences.append(facts.sentence(source, uniform))
        elif capability == "creativity":
            sentences.append(stories.story(source, uniform))
        else:
            sentences.append(reasoning.sentence(uniform))
    return " ".join(sentences)
