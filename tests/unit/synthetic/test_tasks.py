"""The nine instruction tasks: right answers, in the form in which Natural Instructions are read."""

import itertools
import re
from collections import Counter

import pytest

from emulsion.data.normalize import documents
from emulsion.data.schemas import choose_kind
from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.formats import columns_of, read_file
from emulsion.synthetic import LIKES, SOURCES, TASKS, arrow_schema, rows, suite_items
from emulsion.synthetic.world import FACTS, GENRES, RELATIONS, SCALES

TOLD = {fact.statement(phrasing): fact.value for fact in FACTS for phrasing in range(len(fact.relation.phrasings))}


def instances(task, count=1000, seed=0):
    """(what is given, the answer) of a task's first rows."""
    return [(row["input"], row["output"][0]) for row in rows(task, count, seed)]


def test_there_are_nine_beside_the_four_sources():
    assert len(TASKS) == 9
    assert (*SOURCES, *TASKS, "hashes") == LIKES


@pytest.mark.parametrize("task", TASKS)
def test_a_fetched_task_is_read_as_natural_instructions(task, tmp_path):
    fetch("tried", {"kind": "synthetic", "like": task, "documents": 30, "seed": 5}, tmp_path)
    (file,) = tmp_path.glob("*.parquet")
    kind = choose_kind(columns_of(file), "tried", "natural_instructions")
    read = list(documents(read_file(file), kind, "tried", "instruction"))
    assert [problem for _, problem in read if problem] == []
    assert len({document["id"] for document, _ in read}) == 30
    for (document, _), row in zip(read, rows(task, 30, 5), strict=True):
        asked = f"### Instruction: {row['definition']}\n\nInput: {row['input']}"
        assert document["text"] == f"{asked}\n### Response: {row['output'][0]}"


@pytest.mark.parametrize("task", TASKS)
def test_rows_follow_from_the_seed_and_a_larger_task_begins_with_the_smaller(task):
    assert list(rows(task, 50, seed=1)) == list(itertools.islice(rows(task, 200, seed=1), 50))
    assert list(rows(task, 50, seed=1)) != list(rows(task, 50, seed=2))
    assert all(list(row) == arrow_schema(task).names for row in rows(task, 50, seed=1))


@pytest.mark.parametrize("task", TASKS)
def test_instances_are_many_and_short_and_share_one_definition(task):
    written = list(rows(task, 2000, seed=0))
    assert len({row["input"] for row in written}) > 250
    assert len({row["definition"] for row in written}) == 1
    assert max(len(row["definition"] + row["input"] + row["output"][0]) for row in written) < 160
    assert not any("\n" in row["input"] or row["input"] != row["input"].strip() for row in written)


def test_questions_are_answered_by_the_facts_of_the_world():
    assert all(answer == f"{TOLD[given]}." for given, answer in instances("task_question"))


def test_true_and_false_are_told_apart_by_the_facts_and_as_common():
    told = instances("task_true_false")
    for given, answer in told:
        statement, _, value = given.removesuffix(".").rpartition(" ")
        assert answer == str(TOLD[statement] == value)
        assert value in next(relation.values for relation in RELATIONS if TOLD[statement] in relation.values)
    assert 0.45 < sum(answer == "True" for _, answer in told) / len(told) < 0.55


def test_the_letter_is_that_of_the_fact_and_each_as_common():
    letters = Counter()
    for given, answer in instances("task_choice", 2000):
        statement, _, listed = given.partition(": ")
        choices = dict(re.findall(r"([ABCD])\) (\w+)", listed))
        assert len(set(choices.values())) == 4
        assert choices[answer] == TOLD[statement]
        letters[answer] += 1
    assert set(letters) == set("ABCD")
    assert min(letters.values()) > 0.8 * max(letters.values())


def test_sums_and_differences_are_right():
    for given, answer in instances("task_arithmetic"):
        one, other = map(int, re.findall(r"\d+", given))
        assert int(answer) == (one + other if "adds" in given else one - other) >= 0


def test_names_are_put_in_the_order_of_their_scale():
    ends = {end: members if upward else members[::-1] for *both, members in SCALES for upward, end in enumerate(both)}
    for given, answer in instances("task_list"):
        end, _, named = given.partition(" first: ")
        assert answer == f"{', '.join(sorted(named.split(', '), key=ends[end].index))}."


def test_stories_go_on_with_what_belongs_in_them():
    for given, answer in instances("task_story"):
        name, genre = re.fullmatch(r"(\w+) told a tale of the (\w+)\.", given).groups()
        assert name in answer
        assert sum(motif in answer for motif in GENRES[genre]) == 2


def test_praise_and_blame_never_share_a_word_and_are_as_common():
    told = instances("task_polarity", 2000)
    words = {polarity: {given.split()[1] for given, answer in told if answer == polarity} for _, polarity in told}
    assert set(words) == {"Positive", "Negative"}
    assert words["Positive"].isdisjoint(words["Negative"])
    assert 0.45 < sum(answer == "Positive" for _, answer in told) / len(told) < 0.55


@pytest.mark.parametrize(
    ("task", "capability"), [("task_style", "instruction_following"), ("task_reply", "conversation")]
)
def test_no_instance_tells_what_the_suite_holds_out(task, capability):
    asked = {given for given, _ in instances(task, 20000)}
    prompts = [item["prompt"] for item in suite_items(300, seed=1) if item["capability"] == capability]
    assert not any(given in prompt for prompt in prompts for given in asked)
