"""The evaluation suite of the embedded corpus."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from . import dialogue, facts, instructions, reasoning, stories
from .curriculum import CAPABILITIES
from .items import Question, Task

_MAKERS: Final[dict[str, Callable[[int, Random], Question | Task]]] = {
    "instruction_following": instructions.item,
    "factual_knowledge": facts.item,
    "reasoning": reasoning.item,
    "conversation": dialogue.item,
    "creativity": stories.item,
}


def _written(item: Question | Task, rng: Random) -> dict[str, Any]:
    if isinstance(item, Task):
        return {
            "kind": "generation",
            "prompt": item.prompt,
            "checks": list(item.checks),
            "max_new_tokens": item.max_new_tokens,
        }
    choices = [item.right, *item.wrong]
    rng.shuffle(choices)
    return {"kind": "choice", "prompt": item.prompt, "choices": choices, "answer": choices.index(item.right)}


def suite_items(items_per_capability: int, seed: int) -> list[dict[str, Any]]:
    """Evaluation items, `items_per_capability` for each capability, spread evenly over its topics.

    Choices are meant to be ranked by log-likelihood per byte given the prompt; chance is one in four.
    """
    items: list[dict[str, Any]] = []
    for capability in CAPABILITIES:
        rng = Random(f"{seed}/{capability}")
        for index in range(items_per_capability):
            head = {"id": f"{capability}-{index:04d}", "capability": capability}
            items.append(head | _written(_MAKERS[capability](index, rng), rng))
    return items
