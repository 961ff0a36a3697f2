"""The evaluation suite of the embedded corpus."""

from random import Random
from typing import Final

from . import dialogue, facts, instructions, reasoning, stories
from .chat import Item
from .curriculum import CAPABILITIES

_MAKERS: Final = {
    "instruction_following": instructions.item,
    "factual_knowledge": facts.item,
    "reasoning": reasoning.item,
    "conversation": dialogue.item,
    "creativity": stories.item,
}


def suite_items(items_per_capability: int, seed: int) -> list[Item]:
    """Evaluation items, `items_per_capability` for each capability, spread evenly over its topics."""
    items: list[Item] = []
    for capability in CAPABILITIES:
        rng = Random(f"{seed}/{capability}")
        for index in range(items_per_capability):
            item = _MAKERS[capability](index, rng)
            head: Item = {"id": f"{capability}-{index:04d}", "capability": capability}
            if "right" in item:
                choices = [item["right"], *item["wrong"]]
                order = rng.sample(range(4), 4)
                items.append(head | {"kind": "choice", "prompt": item["prompt"],
                    "choices": [choices[i] for i in order], "answer": order.index(0), "topic": item.get("topic", index)})
            else:
                items.append(head | {"kind": "generation"} | item)
    return items
