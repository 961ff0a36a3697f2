from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.evaluation.checks import passes, validate_check
from emulsion.evaluation.claims import last_number


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        ("no", "No, we cannot.", True),
        ("no", "I know nothing.", False),
        ("4", "There are 14.", False),
        ("4", "There are 4.", True),
        ("def", "undefined", False),
        ("3×10", "It is 3×10⁸ m/s.", True),
        ("3×10", "13×10", False),
        ("3×10", "3×100", False),
        ("C++", "I like c++.", True),
        ("C++", "I like C+", False),
        ("×10", "3×10 units", True),
        ("ice cream", "Ice\n  cream!", True),
        ("can't", "You can't.", True),
        (["light", "plant"], "A plant needs light.", True),
        (["light", "plant"], "A planet has light.", False),
        ("a.c", "abc", False),
        ("café", "CAFÉ!", True),
        ("don't", "I don’t know.", True),
        ("don’t", "I don't know.", True),
    ],
)
def test_contains_finds_words_and_not_parts_of_words(value: Any, text: str, expected: bool) -> None:
    assert passes({"contains": value}, text) is expected


@pytest.mark.parametrize(
    "check",
    [
        {"contains": "café"},
        {"equals": "café"},
        {"ends": "é"},
        {"regex": "caf[é]"},
        {"answer": {"right": ["café"], "wrong": ["cafe"]}},
        {"any": [{"some": {"of": ["café"], "least": 1}}]},
        {"not": {"without": "é"}},
    ],
)
def test_an_accent_is_the_same_however_it_is_written(check: Any) -> None:
    for form in ("NFC", "NFD"):
        asked = json.loads(unicodedata.normalize(form, json.dumps(check, ensure_ascii=False)))
        assert all(passes(asked, unicodedata.normalize(other, "café")) for other in ("NFC", "NFD"))
        assert not passes(asked, "cafe")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("4", 4),
        ("3 - 1 + 2 = 4.", 4),
        ("It costs 1,000 euros", 1000),
        ("1,234,567.5 in all", 1234567.5),
        ("one, 1,2", 2),
        ("between 3-1", 1),
        ("it is -3 degrees", -3),
        ("it is −3 degrees", -3),
        ("about .5 of it", 0.5),
        ("2.50 each", 2.5),
        ("well...4", 4),
        ("4 of GPT2", 4),
        ("7km", 7),
        ("it is –3 degrees, pages 2", 2),
        ("it is –3 degrees", -3),
        ("pages 2–3", 3),
        ("minus 3", -3),
        ("It is negative .5", -0.5),
        ("5 minus 3", 3),
        ("one minus 3", 3),
        ("It is 1/3", 1 / 3),
        ("1／２", 0.5),
        ("minus 3 1/2.", -3.5),
        ("3½ or ¼", 0.25),
        ("3½", 3.5),
        ("10/2 = 5", 5),
        ("on 3/4/2024", 2024),
        ("in 2019/2020", 2020),
        ("1/0", 0),
        (f"{'7' * 5000}/2", 2),
        (f"{'7' * 400}½", math.inf),
        (f"{'7' * 400} 1/2", 0.5),
        ("１２．", 12),
        ("٣", 3),
        ("10⁸", 10),
        ("none", None),
        ("", None),
    ],
)
def test_the_last_number_of_a_text_is_read(text: str, number: float | None) -> None:
    assert last_number(text) == number


@given(st.integers(-(10**9), 10**9), st.booleans())
def test_equals_number_accepts_a_number_however_it_is_grouped(number: int, grouped: bool) -> None:
    text = f"First 17, then {number:,}." if grouped else f"First 17, then {number}."
    assert passes({"equals_number": number}, text)
    assert not passes({"equals_number": number + 1}, text)


@given(st.decimals(0, 10**6, places=3))
def test_equals_number_reads_decimals(number: Any) -> None:
    assert passes({"equals_number": float(number)}, f"x = {number:,}")


def test_equals_number_judges_the_last_number_and_not_any_number() -> None:
    assert not passes({"equals_number": 4}, "4 or 5")
    assert not passes({"equals_number": 4}, "14")


def test_min_lines_counts_lines_that_are_not_blank() -> None:
    assert passes({"min_lines": 2}, "\n a\n\nb \n")
    assert not passes({"min_lines": 3}, "\n a\n\nb \n \n")


def test_distinct_fails_repetition_and_texts_too_short_to_tell() -> None:
    fresh = "one two three four five six seven eight nine ten"
    assert passes({"distinct": 1.0}, fresh)
    assert not passes({"distinct": 0.5}, "again and " * 20)
    assert not passes({"distinct": 0.1}, "")
    assert not passes({"distinct": 0.1}, "one two three")
    assert passes({"distinct": {"share": 0.1, "words": 3}}, "one two three")
    assert not passes({"distinct": {"share": 0.1, "words": 1}}, "one")


def test_distinct_compares_the_share_of_different_bigrams() -> None:
    text = "a b a b a b c d e f"  # nine bigrams, of which ab x3, ba x2, bc, cd, de, ef: six different
    assert passes({"distinct": 6 / 9}, text)
    assert not passes({"distinct": 6 / 9 + 0.01}, text)


def test_regex_is_found_anywhere_and_minds_case() -> None:
    assert passes({"regex": r"\bdef\b"}, "x def y")
    assert not passes({"regex": r"\bdef\b"}, "x DEF y")
    assert passes({"regex": r"(?i)\bdef\b"}, "x DEF y")


@given(st.booleans(), st.booleans())
def test_any_all_and_not_are_the_logic_they_are_named_after(a: bool, b: bool) -> None:
    text = " ".join(word for word, there in (("alpha", a), ("beta", b)) if there)
    both = [{"contains": "alpha"}, {"contains": "beta"}]
    assert passes({"any": both}, text) is (a or b)
    assert passes({"all": both}, text) is (a and b)
    assert passes({"not": {"any": both}}, text) is not (a or b)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ({"contain": "x"}, "Did you mean 'contains'"),
        ({"all": [{"any": [{"regx": "x"}]}]}, r"here\.all\[0\]\.any\[0\].*Did you mean 'regex'"),
        ({"not": {"contains": []}}, r"here\.not\.contains"),
        ({"contains": False}, "quotes"),
        ({"contains": 1945}, "quotes"),
        ({"contains": ["a", " "]}, "contains"),
        ({"regex": "("}, "no RE2 regular expression"),
        ({"regex": "(?!a)b"}, "look-around"),
        ({"regex": 3}, "not a text"),
        ({"answer": {"right": ["x"]}}, "'wrong' is missing"),
        ({"answer": {"right": ["x"], "wrong": [3]}}, r"answer\.wrong.*quotes"),
        ({"some": {"of": ["a"], "least": 2}}, "2 of 1"),
        ({"in_order": []}, "list of texts"),
        ({"words": {"leats": 3}}, "Did you mean 'least'"),
        ({"words": {}}, "mapping"),
        ({"capitals": False}, "not true"),
        ({"json": {}}, "mapping of keys"),
        ({"same_words": "..."}, "has no word or number"),
        ({"json": {"a": None, 3: 4}}, "mapping of keys"),
        ({"lines": 0}, "whole number"),
        ({"each_line": {"begin": "-"}}, "Did you mean 'begins'"),
        ({"equals_number": "4"}, "not a number"),
        ({"equals_number": True}, "not a number"),
        ({"equals_number": float("nan")}, "not a number"),
        ({"equals_number": 10**400}, "not a number"),
        ({"about": "What is it?"}, "more than 5 words would fail"),
        ({"min_lines": 0}, "whole number"),
        ({"min_lines": 2.5}, "whole number"),
        ({"distinct": 0}, "share"),
        ({"distinct": 1.5}, "share"),
        ({"distinct": {"share": 0.5, "word": 3}}, "Did you mean 'words'"),
        ({"distinct": {"words": 3}}, "share"),
        ({"any": []}, "list of checks"),
        ({"any": {"contains": "x"}}, "list of checks"),
        ({}, "one key"),
        ({"contains": "x", "regex": "y"}, "one key"),
        ("x", "one key"),
        ({"words": {"least": 5, "most": 3}}, "the least, 5, is more than the most, 3"),
        ({"some": {"of": ["Paris", "Rome", "paris"], "least": 2}}, "'Paris' and 'paris' are the same text"),
        ({"some": {"of": ["Rome", "Rome"], "least": 2}}, "'Rome' and 'Rome' are the same text"),
        ({"in_order": ["salt", "oil", "Salt"]}, "'salt' and 'Salt' are the same text"),
        ({"answer": {"right": ["Lima", "Quito"], "wrong": ["quito"]}}, "'Quito' is listed as right and as wrong"),
    ],
)
def test_a_malformed_check_is_refused_with_its_place(check: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as error:
        validate_check(check, "here")
    assert str(error.value).startswith("here")


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        ({"some": {"of": ["red", "ice cream", "sun"], "least": 2}}, ["The Sun is red."], ["red red", "ice and cream"]),
        ({"in_order": ["a", "b", "c"]}, ["a, b, c", "A then b then C"], ["a, c, b", "a, b", "a, b, c, a"]),
        ({"equals": "LAMP"}, ["LAMP", " LAMP.\n", '"LAMP"', "“LAMP.”"], ["lamp", "LAMP LAMP", "A LAMP", ""]),
        ({"equals": "lamp."}, ["lamp.", " lamp.", '"lamp."', "“lamp.”"], ["lamp", "lamp!", '"lamp"']),
        (
            {"same_words": "2, 5, a tree"},
            ["2, 5, a tree", "2 5 A Tree.", "2\n5\na tree"],
            ["5, 2, a tree", "2, 5, a tree or", "2, 5", ""],
        ),
        ({"equals": 'He said "no"'}, ['He said "no"', 'He said "no".'], ["He said no", "no"]),
        ({"begins": "Dear"}, [" Dear Ann"], ["dear Ann", "My Dear", ""]),
        ({"ends": "end."}, ["The end. \n"], ["The end", "end. So"]),
        ({"lines": 2}, ["a\n\nb\n"], ["a", "a\nb\nc", ""]),
        ({"words": {"least": 2, "most": 3}}, ["one two", "it's two, three"], ["one", "one two three four", ""]),
        ({"without": "e"}, ["A cat.", "42"], ["The cat", "EAT", "", " "]),
        ({"capitals": True}, ["GO! 4", "A"], ["Go", "4", ""]),
        ({"each_line": {"begins": "-"}}, ["- a\n\n- b"], ["- a\nb"]),
        ({"about": "the capital of France"}, ["It is Paris", "Paris, the old capital of the country"],
         ["We went to Paris in the old days"]),
        ({"prose": 4}, ["I went to the market."], ["I went to.", "market went table the of", "I went home"]),
        ({"json": {"a": "x", "b": 3}}, ['{"a": "X", "b": 3}', '```json\n{"b": 3.0, "a": "x"}\n```'],
         ['{"a": "x"}', '{"a": "x", "b": "3"}', '{"a": "x", "b": 3, "c": 1}', "[1]", "a: x", "", "[" * 100_000]),
        ({"json": {"a": ["x", 1, {"b": 0}]}},
         ['{"a": ["X", 1.0, {"b": 0}]}', '```JSON\n{"a": ["x", 1, {"b": 0}]}\n```'],
         ['{"a": ["x", true, {"b": 0}]}', '{"a": ["x", 1, {"b": false}]}', '{"a": ["x", 1]}', '{"a": "x"}']),
        ({"json": {"a": {"b": 0}, "c": [1]}}, ['{"a": {"b": 0}, "c": [1]}'],
         ['{"a": 3, "c": [1]}', '{"a": {"b": 0, "d": 1}, "c": [1]}', '{"a": {"b": 0}, "c": 1}']),
        ({"json": {"a": None, "b": 1}}, ['{"a": [2], "b": 1}'], ['{"a": 2, "b": true}', '{"a": 3, "a": 2, "b": 1}']),
    ],
)  # fmt: skip
def test_a_check_passes_what_it_asks_for_alone(check: Any, good: list[str], bad: list[str]) -> None:
    validate_check(check, "here")
    assert [text for text in good if not passes(check, text)] == []
    assert [text for text in bad if passes(check, text)] == []


def test_a_regular_expression_cannot_run_away() -> None:
    slow = {"regex": r"^(a+)+$|^(a|aa)+$|(.*a){12}b"}
    validate_check(slow, "here")
    assert not passes(slow, "a" * 20_000 + "!")
