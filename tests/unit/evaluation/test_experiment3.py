"""The suite of experiment 3: every generation item passes right replies and refuses deliberate wrong ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from emulsion.evaluation.checks import passes
from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.suites import Item, load_suite
from experiment3_replies import FILE, GROUPS, SINGLE, VALUES, answers, group

SUITE = load_suite(FILE)
COHERENCE = yaml.safe_load((Path(__file__).parents[2] / "coherence_texts.yaml").read_text())
CAPABILITIES = ("instruction_following", "factual_knowledge", "reasoning", "conversation", "creativity")
GENERATED = [item for item in SUITE.items if item.kind == "generation"]


def accepted(item: Item, text: str) -> bool:
    return all(passes(check, text) for check in item.checks)


def nonsense(item: Item) -> Iterator[str]:
    """What is wrong whatever is asked: nothing, the question again, loops, salads, and prose about something else."""
    yield from ("", " \n ", "...", "I do not know.", "a", " is" * 40, "the of and to a in " * 5)
    yield item.prompt
    yield f"{item.prompt} " * 3
    yield from COHERENCE["loops"] + COHERENCE["fragments"] + COHERENCE["salads"] + COHERENCE["plain"]


@pytest.mark.parametrize("name", GROUPS)
def test_right_replies_pass_and_wrong_ones_do_not(name: str) -> None:
    asked = [(item, *answers(item)) for item in GENERATED if group(item) == name]
    assert asked
    assert [(item.id, text) for item, right, _ in asked for text in right if not accepted(item, text)] == []
    assert [(item.id, text) for item, _, wrong in asked for text in wrong if accepted(item, text)] == []
    assert min(len(wrong) for _, _, wrong in asked) >= 3


@pytest.mark.parametrize("name", GROUPS)
def test_nonsense_and_prose_about_something_else_are_refused(name: str) -> None:
    asked = [item for item in GENERATED if group(item) == name]
    assert [(item.id, text) for item in asked for text in nonsense(item) if accepted(item, text)] == []


def test_the_right_reply_to_one_item_is_wrong_for_the_others() -> None:
    """Of single items and one item of each table; a reply that happens to fit another prompt is not counted."""
    first = {group(item): item for item in reversed(GENERATED)}
    crossed = [(a, b) for a in first.values() for b in first.values() if a is not b]
    passed = [(a.id, b.id) for a, b in crossed if accepted(b, answers(a)[0][0])]
    assert len(passed) <= len(crossed) / 100, passed


def test_every_capability_has_200_items_and_more_of_both_kinds_in_both_halves() -> None:
    chosen = selection_half(SUITE, 0)
    for name in CAPABILITIES:
        items = [item for item in SUITE.items if item.capability == name]
        assert len(items) >= 200
        for half in (True, False):
            kinds = Counter(item.kind for item in items if (item.id in chosen) is half)
            assert min(kinds["choice"], kinds["generation"]) >= 30, (name, kinds)


def test_the_prompts_first_asked_stay_in_the_suite() -> None:
    assert set(SINGLE) <= {item.id for item in SUITE.items}
    assert all(item.id in VALUES for item in SUITE.items if item.id not in SINGLE)


def test_the_right_choice_is_not_given_away_by_its_place_or_its_length() -> None:
    asked = [item for item in SUITE.items if item.kind == "choice"]
    places = Counter(item.answer for item in asked)
    assert min(places.values()) > 0.8 * len(asked) / 4
    longest = sum(max(item.choices, key=len) == item.choices[item.answer] for item in asked if item.answer is not None)
    assert 0.15 < longest / len(asked) < 0.4


def test_no_wrong_end_of_a_comparison_is_a_common_one_too() -> None:
    common = {"as cold as": " stone", "on the shore like": " thunder", "rumbled like distant": " drums"}
    asked = [item for item in SUITE.items if item.id.startswith("similes")]
    both = [item.id for item in asked for begun, end in common.items() if begun in item.prompt and end in item.choices]
    assert both == []
