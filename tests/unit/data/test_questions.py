import math

import pytest

from emulsion.data.schemas import choose_kind
from emulsion.data.sources.formats import columns_of_row
from emulsion.data.unread import Fields


def text_of(row, document_type="chat"):
    return choose_kind(columns_of_row(row), "s").render(row, document_type)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("1 2", "1 2"), (7, "7"), ({"name": "Ann"}, '{"name": "Ann"}'), (["é", 1], '["é", 1]'), (True, "true")],
)
def test_an_input_of_any_form_belongs_to_the_question(given, shown):
    assert text_of({"instruction": "Who?", "input": given, "output": "a"}) == f"user: Who?\n{shown}\nassistant: a"


@pytest.mark.parametrize("given", [None, math.nan, "", "  ", [], {}])
def test_an_empty_input_is_left_out(given):
    assert text_of({"instruction": "Who?", "input": given, "output": "a"}) == "user: Who?\nassistant: a"


def test_context_is_evidence_of_the_question():
    row = {"context": "The sky is blue.", "question": "Colour?", "answer": "Blue."}
    assert text_of(row) == "user: Colour?\nThe sky is blue.\nassistant: Blue."


def test_system_prompt_tools_history_and_reasoning_stand_where_they_were_said():
    row = {
        "system_prompt": "Be brief.",
        "tools": [{"name": "add"}],
        "history": [["q1", "a1"]],
        "question": "q2",
        "cot": "Hm.",
        "response": "a2",
    }
    assert text_of(row) == (
        'tools: [{"name": "add"}]\nsystem: Be brief.\nuser: q1\nassistant: a1\nuser: q2\nreasoning: Hm.\nassistant: a2'
    )


@pytest.mark.parametrize(
    ("answer", "shown"),
    [(3, "3"), (2.5, "2.5"), (True, "true"), (["x", "y"], "x"), ([{"text": "x"}, {"text": "y"}], "x")],
)
def test_answers_may_be_numbers_and_lists(answer, shown):
    assert text_of({"question": "q", "answer": answer}) == f"user: q\nassistant: {shown}"


def test_every_other_column_is_counted_as_unread():
    row = {"system": "s", "system_prompt": "tt", "question": "q", "answer": "a", "distractor": "abc"}
    fields = Fields(row)
    choose_kind(columns_of_row(row), "s").read(fields, "chat")
    assert dict(fields.unread()) == {"system_prompt": 2, "distractor": 3}


def test_columns_that_are_named_may_lie_within_records():
    row = {"data": {"ask": "q", "reply": "a", "persona": "Be brief.", "id": "x"}}
    named = {"question": "data.ask", "answer": "data.reply", "system": "data.persona"}
    fields = Fields(row)
    kind = choose_kind(columns_of_row(row), "s", named=named)
    assert kind.read(fields, "chat") == "system: Be brief.\nuser: q\nassistant: a"
    assert dict(fields.unread()) == {"data.id": 1}


@pytest.mark.parametrize("column", ["system", "history", "context", "cot", "tools"])
def test_a_cell_that_pandas_left_out_is_not_part_of_the_text(column):
    row = {"question": "q", column: math.nan, "answer": "a"}
    assert text_of(row) == "user: q\nassistant: a"
