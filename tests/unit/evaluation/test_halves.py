"""Halves of a suite: by whole topics, balanced, the same for the same seed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.suites import Item, Suite


def item(number: int, topic: str | None, kind: Any = "choice", capability: str = "reasoning") -> Item:
    own: dict[str, Any] = {"choices": ("a", "b"), "answer": 0} if kind == "choice" else {"checks": ({"min_lines": 1},)}
    return Item(id=f"{number}", capability=capability, kind=kind, prompt=f"{number}", topic=topic, **own)


def suite(*items: Item, name: str = "s") -> Suite:
    return Suite(name=name, template="{prompt}", items=items)


TOPICS = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["choice", "generation"])), min_size=2, max_size=60)


@given(TOPICS, st.integers(0, 5))
def test_a_topic_goes_to_one_half_whole_and_no_half_is_empty(drawn: list[tuple[int, Any]], seed: int) -> None:
    if len({topic for topic, _ in drawn}) < 2:
        return
    items = [item(number, f"t{topic}", kind) for number, (topic, kind) in enumerate(drawn)]
    chosen = selection_half(suite(*items), seed)
    halves = [{each.topic for each in items if (each.id in chosen) == half} for half in (True, False)]
    assert halves[0].isdisjoint(halves[1])
    assert all(halves)


@given(st.integers(1, 20), st.integers(1, 5), st.integers(0, 9))
def test_equal_topics_are_halved_in_both_kinds_with_early_and_late_ones_alike(pairs: int, each: int, seed: int) -> None:
    items = [item(2 * pairs * n + t, f"t{t}", "choice") for n in range(each) for t in range(2 * pairs)]
    items += [item(10_000 + 2 * pairs * n + t, f"t{t}", "generation") for n in range(each) for t in range(2 * pairs)]
    chosen = selection_half(suite(*items), seed)
    assert Counter(i.kind for i in items if i.id in chosen) == {"choice": pairs * each, "generation": pairs * each}
    picked = {i.topic for i in items if i.id in chosen}
    assert all(len(picked & {f"t{2 * pair}", f"t{2 * pair + 1}"}) == 1 for pair in range(pairs))


@pytest.mark.parametrize("seed", range(4))
def test_unequal_topics_are_halved_as_evenly_as_their_sizes_allow(seed: int) -> None:
    items = [item(10 * size + n, f"t{size}") for size in (1, 2, 3, 8, 14) for n in range(size)]
    assert len(selection_half(suite(*items), seed)) == 14


def test_halves_follow_from_the_seed_and_the_suite_alone() -> None:
    items = [item(number, None) for number in range(40)]
    assert selection_half(suite(*items), 0) == selection_half(suite(*items), 0)
    assert selection_half(suite(*items), 0) != selection_half(suite(*items), 1)
    assert selection_half(suite(*items), 0) != selection_half(suite(*items, name="other"), 0)


def test_a_capability_of_one_topic_is_refused_with_the_remedy() -> None:
    items = [item(1, "a"), item(2, "a"), item(3, None, capability="other"), item(4, None, capability="other")]
    with pytest.raises(UserError, match=r"'reasoning' has one topic.*a table.*\{name\}.*selection: false"):
        selection_half(suite(*items), 0)


def test_all_capabilities_of_one_topic_are_said_at_once() -> None:
    items = [item(1, "a"), item(2, "b", capability="other"), *(item(n, None, capability="third") for n in (3, 4))]
    with pytest.raises(UserError, match=r"capabilities 'reasoning', 'other' each have one topic"):
        selection_half(suite(*items), 0)
