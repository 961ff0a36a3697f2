"""The evaluation items: well formed, held out where they test a skill, told where they test memory."""

import re
from collections import Counter

import pytest

from emulsion.evaluation.halves import selection_half
from emulsion.evaluation.suites import Item, Suite
from emulsion.synthetic import CAPABILITIES, rows, suite_items

CHATS = ("openhermes", "magpie")
PROSE = ("cosmopedia", "fineweb")


@pytest.fixture(scope="module")
def items() -> list[dict]:
    return suite_items(280, seed=1)


@pytest.fixture(scope="module")
def exchanges() -> set[tuple[str, str]]:
    """Every pair of a human's words and the answer in six thousand chats."""
    told: set[tuple[str, str]] = set()
    for like in CHATS:
        for row in rows(like, 3000, seed=11):
            turns = [turn["value"] for turn in row["conversations"] if turn["from"] != "system"]
            told.update(zip(turns[::2], turns[1::2], strict=True))
    return told


@pytest.fixture(scope="module")
def prose() -> str:
    return "\n".join(row["text"] for like in PROSE for row in rows(like, 4000, seed=11))


def as_item(item: dict) -> Item:
    return Item(**{key: tuple(value) if isinstance(value, list) else value for key, value in item.items()})


def asked(item: dict) -> str:
    """What the human says last in an item's prompt."""
    return re.findall(r"(?:### Instruction|user): (.*)\n(?:### Response|assistant):", item["prompt"])[-1]


@pytest.mark.parametrize("count", [0, 1, 37, 280])
def test_every_capability_has_as_many_items_as_asked_for(count):
    assert Counter(item["capability"] for item in suite_items(count, seed=0)) == Counter(
        dict.fromkeys(CAPABILITIES, count)
    )


def test_a_capability_with_fewer_different_items_says_so(caplog):
    counts = Counter(item["capability"] for item in suite_items(400, seed=0))
    assert counts == dict.fromkeys(CAPABILITIES, 400) | {"factual_knowledge": 280}
    assert caplog.messages == [
        "the embedded suite has 280 different items of factual_knowledge, fewer than the 400 asked for"
    ]


def test_no_two_items_ask_the_same_for_the_same_answer(items):
    asked = [(item["prompt"], item["choices"][item["answer"]] if "choices" in item else "") for item in items]
    assert len(set(asked)) == len(asked)


def test_topics_are_the_styles_facts_scales_pastimes_and_genres(items):
    topics = {name: {item["topic"] for item in items if item["capability"] == name} for name in CAPABILITIES}
    assert [len(topics[name]) for name in CAPABILITIES] == [40, 140, 12, 32, 28]
    halves = selection_half(Suite(name="world", template="{prompt}", items=tuple(map(as_item, items))), seed=0)
    for name in CAPABILITIES:
        chosen = {item["topic"] for item in items if item["capability"] == name and item["id"] in halves}
        judged = {item["topic"] for item in items if item["capability"] == name and item["id"] not in halves}
        assert chosen.isdisjoint(judged)
        assert len(chosen) == len(judged)


def test_items_have_unique_ids_and_the_keys_of_their_kind(items):
    assert len({item["id"] for item in items}) == len(items)
    keys = {
        "choice": {"id", "capability", "kind", "topic", "prompt", "choices", "answer"},
        "generation": {"id", "capability", "kind", "topic", "prompt", "checks", "max_new_tokens"},
    }
    assert all(set(item) == keys[item["kind"]] for item in items)


def test_choices_are_four_distinct_continuations_that_carry_the_boundary_space(items):
    for item in items:
        if item["kind"] == "choice":
            assert len(set(item["choices"])) == 4
            assert all(choice.startswith(" ") for choice in item["choices"])
            assert not item["prompt"].endswith(" ")


def test_the_right_choice_stands_in_every_position(items):
    positions = Counter(item["answer"] for item in items if item["kind"] == "choice")
    assert min(positions.values()) > 0.8 * max(positions.values())


def test_the_same_seed_makes_the_same_suite_and_another_seed_another():
    assert suite_items(20, seed=1) == suite_items(20, seed=1)
    assert suite_items(20, seed=1) != suite_items(20, seed=2)


@pytest.mark.parametrize("capability", ["instruction_following", "conversation"])
def test_skill_items_never_occur_in_text_whatever_the_wording(capability, items, exchanges):
    held_out = {asked(item) for item in items if item["capability"] == capability} - {"Who am I?"}
    assert len(held_out) > 50
    assert held_out.isdisjoint(human for human, _ in exchanges)


def test_compared_sets_never_occur_in_text_in_any_order(items, exchanges):
    def compared(question: str) -> tuple[str, frozenset[str]] | None:
        found = re.fullmatch(r"Which is the (\w+): (\w+), (\w+), (\w+) or (\w+)\?", question)
        return (found[1], frozenset(found.groups()[1:])) if found else None

    held_out = {compared(asked(item)) for item in items if item["capability"] == "reasoning"}
    told = {compared(human) for human, _ in exchanges} - {None}
    assert None not in held_out
    assert len(told) > 500
    assert held_out.isdisjoint(told)


def test_facts_asked_for_are_told_and_never_contradicted(items, prose):
    facts = [item for item in items if item["capability"] == "factual_knowledge"]
    told = [item["prompt"] + item["choices"][item["answer"]] in prose for item in facts]
    assert sum(told) > 0.97 * len(told)
    for item in facts:
        wrong = [choice for place, choice in enumerate(item["choices"]) if place != item["answer"]]
        assert not any(item["prompt"] + choice in prose for choice in wrong)


def test_each_prose_source_tells_facts_that_the_other_does_not(items):
    told = {like: "\n".join(row["text"] for row in rows(like, 4000, seed=11)) for like in PROSE}
    owners = Counter(
        tuple(like for like in PROSE if item["prompt"] in told[like])
        for item in items
        if item["capability"] == "factual_knowledge"
    )
    assert owners["cosmopedia",] > owners["fineweb",] > 0
    assert owners[PROSE] > 0


def test_stories_are_told_in_the_words_that_their_checks_ask_for(items, prose):
    for item in items:
        if item["kind"] == "generation":
            motifs = [check["contains"] for check in item["checks"][0]["any"]]
            opening = item["prompt"].split(" ", 1)[1]
            assert any(f"{opening} {motif} " in prose for motif in motifs)
