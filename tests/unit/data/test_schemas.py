import json

import pytest

from emulsion.data.render import UnrenderableError
from emulsion.data.schemas import KINDS, choose_kind
from emulsion.data.sources.formats import columns_of_row
from emulsion.errors import UserError

CHAT = frozenset({"from", "value", "weight"})
OPENHERMES = {"conversations": CHAT, "source": frozenset(), "category": frozenset(), "id": frozenset()}
TASK = {"id": frozenset(), "definition": frozenset(), "input": frozenset(), "output": frozenset()}
PLAIN = {"text": frozenset(), "id": frozenset()}
TURNS = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]


def text_of(row, **options):
    return choose_kind(columns_of_row(row), "s", **options).render(row, "conversation")


@pytest.mark.parametrize(
    ("columns", "kind"),
    [
        (OPENHERMES, "chat_from_value"),
        ({"uuid": frozenset(), "conversations": frozenset({"from", "value"})}, "chat_from_value"),
        ({"messages": frozenset({"role", "content"})}, "chat_role_content"),
        ({"conversation": frozenset({"role", "content"})}, "chat_role_content"),
        ({"instruction": frozenset(), "response": frozenset()}, "instruction_response"),
        ({"instruction": frozenset(), "input": frozenset(), "output": frozenset()}, "instruction_response"),
        ({"instruction": frozenset(), "response": frozenset(), "conversations": CHAT}, "chat_from_value"),
        ({"prompt": frozenset(), "text": frozenset(), "audience": frozenset()}, "prompt_text"),
        (PLAIN, "text"),
        (TASK, "natural_instructions"),
    ],
)
def test_the_kind_is_detected_from_the_columns(columns, kind):
    assert choose_kind(columns, "s").name == kind
    assert kind in KINDS


def test_an_unknown_schema_is_refused_with_the_columns_found_and_the_kinds_known():
    with pytest.raises(UserError) as error:
        choose_kind({"body": frozenset(), "title": frozenset()}, "news")
    assert "body, title" in str(error.value)
    assert all(kind in str(error.value) for kind in KINDS)


def test_the_text_column_can_be_named():
    assert text_of({"body": "Hello."}, text_field="body") == "Hello."


def test_a_schema_that_contradicts_the_columns_is_refused():
    with pytest.raises(UserError, match=r"sources\.s\.schema: says 'chat_from_value'.*'text'"):
        choose_kind(PLAIN, "s", "chat_from_value")


def test_the_configuration_may_read_a_prompted_text_as_plain_text():
    assert choose_kind({"prompt": frozenset(), "text": frozenset()}, "s", "text").name == "text"


def test_a_source_without_a_readable_row_is_an_error_that_says_so():
    with pytest.raises(UserError, match=r"sources\.news: nothing is left of it"):
        choose_kind({}, "news")


@pytest.mark.parametrize("column", ["messages", "conversation", "chat", "dialog", "dialogue", "turns", "input", "data"])
def test_a_chat_is_found_under_its_usual_names(column):
    assert text_of({"id": "1", column: TURNS}) == "user: q\nassistant: a"


@pytest.mark.parametrize("other", [{"instruction": "q", "output": "a"}, {"text": "body"}])
def test_a_chat_of_pairs_is_read_where_flat_columns_are_too(other):
    assert text_of({"conversations": [["q", "a"], ["why", "so"]], **other}).endswith("user: why\nassistant: so")


@pytest.mark.parametrize(
    "row",
    [
        {"query": "q", "response": "a"},
        {"problem": "q", "solution": "a", "answer": "short"},
        {"inputs": "q", "targets": "a", "task": "t"},
        {"input": "q", "output": "a"},
        {"input": TURNS[:1], "ideal": "a"},
        {"input": TURNS[:1], "ideal": ["a", "b"]},
        {"prompt": TURNS[:1], "completion": TURNS[1:]},
        {"question": "q", "answers": {"text": ["a"], "answer_start": [0]}},
    ],
)
def test_a_question_and_its_answer_are_found_under_their_usual_names(row):
    assert text_of(row) == "user: q\nassistant: a"


@pytest.mark.parametrize("row", [{"messages": TURNS, "text": "body"}, {"prompt": "p", "response": "r", "text": "body"}])
def test_a_text_field_wins_over_chats_and_questions(row):
    assert text_of(row, text_field="text") == "body"
    assert text_of({**row, "essay": "long"}, text_field="essay") == "long"
    assert text_of(row, configured="text") == "body"
    assert text_of(row) != "body"


def test_the_default_text_field_may_be_given_where_rows_are_chats():
    assert text_of({"messages": TURNS}, text_field="text") == "user: q\nassistant: a"


def test_a_text_field_may_lead_into_records_and_lists():
    assert text_of({"doc": {"body": "inside"}}, text_field="doc.body") == "inside"
    assert text_of({"lines": ["one", "two"]}, text_field="lines") == "one\ntwo"
    assert text_of({"segments": [{"label": False, "text": "one "}, {"label": True, "text": "two"}]}) == "one two"


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match=r"sources\.s\.text_field: unknown column 'boddy'\. Did you mean 'body'\?"):
        choose_kind({"body": frozenset()}, "s", text_field="boddy")
    with pytest.raises(UserError, match=r"sources\.s\.columns\.question: unknown column 'ask'"):
        choose_kind({"asks": frozenset(), "reply": frozenset()}, "s", named={"question": "ask", "answer": "reply"})


def test_columns_of_questions_answers_chats_and_prompts_can_be_named():
    named = {"question": "asks", "answer": "reply", "system": "persona", "context": "facts"}
    row = {"asks": "q", "reply": "a", "persona": "Be brief.", "facts": "It is so.", "text": "other"}
    assert text_of(row, named=named) == "system: Be brief.\nuser: q\nIt is so.\nassistant: a"
    assert text_of({"log": TURNS, "text": "other"}, named={"chat": "log"}) == "user: q\nassistant: a"


def test_each_row_is_read_by_what_it_has():
    kind = choose_kind({"text": frozenset(), "id": frozenset()}, "s")
    rows = [
        {"text": "one"},
        {"content": "two"},
        {"messages": TURNS},
        {"conversations": json.dumps(TURNS), "text": None},
    ]
    texts = [kind.render(row, "conversation") for row in rows]
    assert texts == ["one", "two", "user: q\nassistant: a", "user: q\nassistant: a"]
    with pytest.raises(UnrenderableError, match=r"no known schema fits its columns \(id, title\)"):
        kind.render({"id": 1, "title": "t"}, "conversation")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"text": ""}, "'text' is empty"),
        ({"instruction": "Add.", "output": None}, "'output' is missing or null"),
        ({"messages": []}, "'messages' has no turns"),
        ({"prompt": "p"}, r"no known schema fits its columns \(prompt\)"),
    ],
)
def test_a_row_of_another_schema_that_is_empty_is_set_aside_for_that(row, reason):
    kind = choose_kind(columns_of_row({"conversations": TURNS}), "s")
    with pytest.raises(UnrenderableError, match=reason):
        kind.render(row, "conversation")


def test_a_configured_schema_reads_every_row_alike():
    kind = choose_kind({"text": frozenset(), "messages": frozenset({"role", "content"})}, "s", "text")
    with pytest.raises(UnrenderableError, match="'text' is missing or null"):
        kind.render({"messages": TURNS}, "conversation")


@pytest.mark.parametrize("row", [{"question": "q", "answer": "a"}, {"question": "q", "answer": "a", "id": 3}])
def test_all_rows_of_a_file_under_data_are_no_chat(row):
    with pytest.raises(UserError, match="no known schema fits its columns"):
        text_of({"version": 1, "data": [row, row]})
    assert text_of({"data": ["q", "a"]}) == "user: q\nassistant: a"
