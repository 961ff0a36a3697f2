"""The two halves of a suite: one that mixtures are chosen on, one that they are judged on.

Nothing is chosen on what it is judged by. Items with one `topic` are alike, so a topic goes to one half whole.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.evaluation.suites import Item, Suite
from emulsion.seeds import derive_seed


def selection_half(suite: Suite, seed: int) -> frozenset[str]:
    """The ids of the items that choose; all others judge.

    Topics of a capability that have as many items of each kind are paired in the order of the file, and a coin decides
    which of a pair chooses: so both halves have the same kinds, and as many of the first topics as of the last. What
    has no pair goes where it evens out the kinds best, the largest first. Raises UserError for a capability with fewer
    than two topics.
    """
    rng = np.random.default_rng(derive_seed(seed, "halves", suite.name))
    chosen: list[Item] = []
    found = _topics(suite.items)
    if few := [f"'{capability}'" for capability, topics in found.items() if len(topics) < 2]:
        have = f"capability {few[0]} has" if len(few) == 1 else f"capabilities {', '.join(few)} each have"
        raise UserError(
            f"suite '{suite.name}': {have} one topic, which cannot be split into a half "
            "that chooses mixtures and one that judges them. Give its items several topics, or none: then each "
            "item is one; a table without columns needs a topic with the {name} of a draw. Where capabilities choose "
            "no mixture, evaluation.selection: false does without halves."
        )
    for topics in found.values():
        chosen += _drawn(topics, rng)
    return frozenset(item.id for item in chosen)


def selection_scores(results: Mapping[str, Any]) -> dict[str, float]:
    """{capability: score} that mixtures are chosen by, of the content of a capabilities.json."""
    selection = results["selection"] or {"capabilities": {}}
    return {name: float(each["score"]) for name, each in selection["capabilities"].items()}


def _topics(items: Iterable[Item]) -> dict[str, list[list[Item]]]:
    """{capability: its topics, each with its items}, in the order of the file."""
    found: dict[str, dict[str, list[Item]]] = defaultdict(lambda: defaultdict(list))
    for item in items:
        found[item.capability][item.cluster].append(item)
    return {capability: list(topics.values()) for capability, topics in found.items()}


def _drawn(topics: list[list[Item]], rng: np.random.Generator) -> list[Item]:
    """The items of the topics that choose, of one capability."""
    alike: dict[tuple[tuple[str, int], ...], list[list[Item]]] = defaultdict(list)
    for topic in topics:
        alike[tuple(sorted(Counter(item.kind for item in topic).items()))].append(topic)
    halves: tuple[list[Item], list[Item]] = ([], [])
    alone = []
    for group in alike.values():
        for pair in zip(group[::2], group[1::2], strict=False):
            coin = int(rng.integers(2))
            halves[coin].extend(pair[0])
            halves[1 - coin].extend(pair[1])
        alone += group[len(group) - len(group) % 2 :]
    for topic in sorted(alone, key=len, reverse=True):
        ahead = Counter(item.kind for item in halves[0])
        ahead.subtract(item.kind for item in halves[1])
        # Twice the change of the sum of squared differences between the halves, if the first half took the topic.
        balance = sum(ahead[item.kind] for item in topic) or ahead.total()
        first = balance < 0 if balance else rng.integers(2) == 0
        halves[0 if first else 1].extend(topic)
    return halves[0]
