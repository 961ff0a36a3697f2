"""What an evaluation item is made of, before it is shuffled and numbered."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Question:
    """A prompt with one right and three wrong continuations, each with its boundary space."""

    prompt: str
    right: str
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """A prompt to continue; every check must hold for the continuation."""

    prompt: str
    checks: tuple[dict[str, Any], ...]
    max_new_tokens: int


def neighbours(topic: int, topics: int, reach: int = 5) -> list[int]:
    """Topics about as common as this one, so that no wrong answer stands out by being better known."""
    return [other for other in range(max(0, topic - reach), min(topics, topic + reach + 1)) if other != topic]
