import datetime
import json
import math
from decimal import Decimal

import pytest

from emulsion.data.render import UnrenderableError, is_empty, parsed, parsed_chat, render_turns, required, structured


def test_indentation_is_kept_and_begins_on_a_line_of_its_own():
    turns = [("user", "def f(x):\n    if x:\n"), ("assistant", "\n        return 1\n    return 0\n")]
    assert render_turns(turns, "code") == "user: def f(x):\n    if x:\nassistant:\n        return 1\n    return 0"


def test_a_single_blank_before_a_text_is_no_indentation():
    assert render_turns([("user", " Hi"), ("assistant", "Hello. ")], "chat") == "user: Hi\nassistant: Hello."


def test_a_chat_without_an_answer_is_no_document():
    with pytest.raises(UnrenderableError, match="no turn by the assistant"):
        render_turns([("user", "Hi"), ("tool", "5")], "chat")


@pytest.mark.parametrize("value", [None, math.nan, "", " \n", [], {}, "[]", " {} ", "null"])
def test_values_that_say_nothing(value):
    assert is_empty(value)


@pytest.mark.parametrize("value", [0, False, "x", [None], {"a": None}, "[0]"])
def test_values_that_say_something(value):
    assert not is_empty(value)


def test_json_is_parsed_where_it_is_whole():
    assert parsed('[{"a": 1}]') == [{"a": 1}]
    assert parsed("[not json") == "[not json"
    assert parsed("[" * 100_000) == "[" * 100_000
    assert structured({"é": [1, None]}) == '{"é": [1, null]}'


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal("1.50"), "1.50"), (datetime.date(2020, 2, 1), "2020-02-01"), (1.5, "1.5"), (True, "true"), (b"x", "x")],
)
def test_a_number_or_a_date_is_written_without_quotes(value, text):
    assert structured(value) == text


@pytest.mark.parametrize("text", ["[{{}}]", "[{[1]}]", "[{a}]", "[{" * 5_000])
def test_text_that_begins_as_a_list_of_records_does_stays_text(text):
    assert parsed_chat(text) == text


def test_a_cell_that_is_missing_is_no_text():
    with pytest.raises(UnrenderableError, match="'answer' is missing or null"):
        required(math.nan, "answer")


def test_keys_of_maps_that_are_no_text_become_text():
    day = datetime.date(2020, 1, 2)
    assert structured([{day: {b"k": "v"}}]) == '[{"2020-01-02": {"k": "v"}}]'


def test_json_that_was_saved_twice_is_parsed_and_text_in_quotes_is_not():
    assert parsed(json.dumps(json.dumps([{"a": 1}]))) == [{"a": 1}]
    assert parsed('"[note] a text in quotes"') == '"[note] a text in quotes"'


def test_bytes_are_text_where_they_are_utf_8():
    assert required("caf\u00e9".encode(), "text") == structured("caf\u00e9".encode()) == "caf\u00e9"
    assert structured({"text": b"a"}) == '{"text": "a"}'
    for value in (b"\xff", {"image": b"\xff"}):
        with pytest.raises(UnrenderableError, match="a value is bytes that are no UTF-8"):
            structured(value)
