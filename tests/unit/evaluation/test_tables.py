"""Items from tables: filled, drawn, computed, different, and refused in words."""

from __future__ import annotations

from typing import Any

import pytest

from emulsion.errors import UserError
from emulsion.evaluation.item_tables import evaluated, table_items

FACTS: dict[str, Any] = {
    "table": "capitals",
    "capability": "knowledge",
    "columns": ["country", "city"],
    "rows": [["Italy", "Rome"], ["Spain", "Madrid"], ["Peru", "Lima"], ["Cuba", "Havana"], ["Iran", "Tehran"]],
    "ask": [
        {"kind": "choice", "prompt": "{country}?", "right": "{city}", "wrong": {"column": "city"}},
        {"kind": "generation", "prompt": "Of {country}:",
         "checks": [{"answer": {"right": ["{city}"], "wrong": {"column": "city"}}}]},
    ],
}  # fmt: skip
SUMS: dict[str, Any] = {
    "table": "sums",
    "capability": "reasoning",
    "columns": ["form", "value"],
    "rows": [["{a} and {b}", "a + b"], ["{a} less {b}", "a - b"]],
    "draw": {"a": "10..19", "b": [1, 2, 3], "name": ["Ann"]},
    "where": "b != 2",
    "compute": {"right": "{value}", "more": "right + 1", "less": "right - 1", "far": "right * 2"},
    "times": 3,
    "ask": [
        {"kind": "choice", "prompt": "{form}", "right": "{right}", "wrong": ["{more}", "{less}", "{far}"]},
        {"kind": "generation", "prompt": "{name}, {form}", "checks": [{"number": "{right}"}]},
    ],
}


def made(table: dict[str, Any], **changes: Any) -> list[dict[str, Any]]:
    return [item for item, _ in table_items({**table, **changes}, "file")]


def test_each_row_is_asked_in_each_wording_with_the_others_as_wrong_answers() -> None:
    items = made(FACTS)
    assert [item["id"] for item in items] == [f"capitals-{n:03d}" for n in range(10)]
    assert [item["prompt"] for item in items[:3]] == ["Italy?", "Of Italy:", "Spain?"]
    assert items[0]["choices"][items[0]["answer"]] == " Rome"
    assert len(set(items[0]["choices"])) == 4
    assert set(items[0]["choices"]) < {" Rome", " Madrid", " Lima", " Havana", " Tehran"}
    wrong = ["Madrid", "Lima", "Havana", "Tehran"]
    assert items[1]["checks"] == [{"answer": {"right": ["Rome"], "wrong": wrong}}]
    assert items[0]["topic"] == items[1]["topic"] == "capitals Italy"


def test_draws_hold_their_condition_and_differ_and_numbers_stay_numbers() -> None:
    items = made(SUMS)
    assert len(items) == 2 * 2 * 3
    assert len({item["prompt"] for item in items}) == len(items)
    for item, values in table_items(SUMS, "file"):
        assert values["b"] in (1, 3)
        right = values["a"] + values["b"] * (1 if "and" in item["prompt"] else -1)
        if item["kind"] == "choice":
            assert item["choices"][item["answer"]] == f" {right}"
        else:
            assert item["checks"] == [{"number": right}]
    assert {item["topic"] for item in items} == {"sums {a} and {b}", "sums {a} less {b}"}


def test_the_same_table_makes_the_same_items_and_earlier_rows_stay_as_they_were() -> None:
    assert made(SUMS) == made(SUMS)
    assert made(SUMS, rows=SUMS["rows"][:1]) == made(SUMS)[:6]


def test_a_wording_may_have_a_topic_and_turns_of_its_own() -> None:
    wording = {**FACTS["ask"][0], "topic": "in {city}", "earlier": [["Hi from {city}.", "Hello!"]]}
    first = made(FACTS, ask=[wording])[0]
    assert (first["topic"], first["earlier"]) == ("in Rome", [["Hi from Rome.", "Hello!"]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colums": []}, "Did you mean 'columns'"),
        ({"rows": [["Italy"]]}, r"a value per column, but `columns` names \['country', 'city'\]"),
        ({"columns": [], "rows": [{"country": "Italy", "city": "Rome"}]}, "`columns` is missing"),
        ({"ask": [{"kind": "choice", "prompt": "{contry}", "right": "a", "wrong": ["b"]}]}, "Did you mean 'country'"),
        ({"ask": [{**FACTS["ask"][0], "wrong": {"column": "cit"}}]}, "Did you mean 'city'"),
        ({"ask": ["x"]}, "mapping with a kind"),
        ({"ask": [{**FACTS["ask"][0], "wright": "x"}]}, "Did you mean 'right'"),
        ({"draw": {"a": "1-3"}}, r"draw\.a.*1-3"),
        ({"draw": {"a": [1]}, "compute": {"b": "a +"}}, r"compute\.b"),
        ({"draw": {"a": [1]}, "compute": {"b": "open(a)"}}, r"compute\.b.*arithmetic"),
        ({"draw": {"a": [1]}, "times": 2}, "no further item"),
        ({"rows": [["Italy", "Rome"], ["Italy", "Lima"]]}, "no further item"),
        ({"rows": None}, "rows: should be a list of rows"),
        ({"columns": ["city", "city"]}, "columns: should be a list of different names"),
        ({"columns": [1, 2]}, "columns: should be a list of different names"),
        ({"draw": [1]}, "draw: should be a mapping"),
        ({"draw": {"a": "9..2"}}, r"draw\.a.*9\.\.2"),
        ({"compute": "a + b"}, "compute: should be a mapping"),
        *(({"times": times}, "times: should be a whole number") for times in ("3", 0, 2.5, True)),
        *(({"ask": ask}, "ask: should be a list of wordings") for ask in (None, [], FACTS["ask"][0])),
        ({"ask": [{"kind": "choice", "prompt": "?", "wrong": ["b"]}]}, "the key 'right' is missing"),
        ({"ask": [{"kind": "choice", "prompt": "?", "right": "b"}]}, "the key 'wrong' is missing"),
        *(
            ({"ask": [{**FACTS["ask"][0], "wrong": wrong}]}, "wrong: ")
            for wrong in (None, [], "abc", 5, {"colum": "x"})
        ),
        ({"rows": [["{city}", "{country}"]]}, "unknown column"),
    ],
)
def test_a_malformed_table_is_refused_with_its_name(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"file: table 'capitals'.*{message}|file: unknown key.*{message}"):
        made(FACTS, **changes)


@pytest.mark.parametrize(
    ("expression", "value"), [("2 * a + b", 11), ("a // 2", 2), ("a > b and a % 2 == 0", True), ("name == 'x'", True)]
)
def test_expressions_are_arithmetic(expression: str, value: object) -> None:
    assert evaluated(expression, {"a": 4, "b": 3, "name": "x"}, "here") == value


@pytest.mark.parametrize("expression", ["a ** 9", "c", "a.b", "[a]", "a if a else a", "1 // 0", "lambda: 1"])
def test_nothing_but_arithmetic_is_evaluated(expression: str) -> None:
    with pytest.raises(UserError, match="here"):
        evaluated(expression, {"a": 4}, "here")
