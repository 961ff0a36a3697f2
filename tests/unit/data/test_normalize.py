import pytest

from emulsion.data.lost import check_some_are_left
from emulsion.data.normalize import documents
from emulsion.data.schemas import KINDS, choose_kind
from emulsion.data.sources.streams import Malformed
from emulsion.errors import UserError

CHAT = frozenset({"from", "value", "weight"})
OPENHERMES = {"conversations": CHAT, "source": frozenset(), "category": frozenset(), "id": frozenset()}
TASK = {"id": frozenset(), "definition": frozenset(), "input": frozenset(), "output": frozenset()}
PLAIN = {"text": frozenset(), "id": frozenset()}


def render(columns, rows, document_type="conversation", **options):
    kind = choose_kind(columns, "s", **options)
    return list(documents(iter(rows), kind, "s", document_type, "part-00000.jsonl"))


def chat(*turns):
    return {"conversations": [{"from": role, "value": text, "weight": None} for role, text in turns]}


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
    [(document, _)] = render({"body": frozenset()}, [{"body": "Hello."}], text_field="body")
    assert document["text"] == "Hello."


def test_a_schema_that_contradicts_the_columns_is_refused():
    with pytest.raises(UserError, match=r"sources\.s\.schema: says 'chat_from_value'.*'text'"):
        choose_kind(PLAIN, "s", "chat_from_value")


def test_the_configuration_may_read_a_prompted_text_as_plain_text():
    assert choose_kind({"prompt": frozenset(), "text": frozenset()}, "s", "text").name == "text"


def test_instructions_are_rendered_as_blocks_with_their_system_turn():
    rows = [chat(("system", "Be brief."), ("human", "Hi?"), ("gpt", "Hello."))]
    [(document, _)] = render(OPENHERMES, rows, "instruction")
    assert document["text"] == "### System: Be brief.\n### Instruction: Hi?\n### Response: Hello."


def test_conversations_are_rendered_as_lines_by_role():
    [(document, _)] = render(OPENHERMES, [chat(("human", "Hi?"), ("gpt", "Hello."), ("human", "Bye"), ("gpt", "Bye!"))])
    assert document["text"] == "user: Hi?\nassistant: Hello.\nuser: Bye\nassistant: Bye!"


def test_the_input_of_an_instruction_belongs_to_its_question():
    columns = {"instruction": frozenset(), "input": frozenset(), "output": frozenset()}
    row = {"instruction": "Add.", "input": "1 2", "output": "3"}
    [(document, _)] = render(columns, [row], "instruction")
    assert document["text"] == "### Instruction: Add.\n1 2\n### Response: 3"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"conversations": []}, "no turns"),
        ({"conversations": None}, "no turns"),
        ({}, "no turns"),
        (chat(("human", "Hi?"), ("tool", "x")), "unknown role 'tool'"),
        (chat(("human", "Hi?"), ({"name": "tool"}, "x")), "unknown role {'name': 'tool'}"),
        (chat((None, "Hi?")), "unknown role None"),
        ({"conversations": {"from": "human", "value": "Hi?"}}, "no turns"),
        (chat(("human", "Hi?"), ("gpt", "Hello.")) | {"id": "\udcff"}, "id is not valid Unicode"),
        (chat(("human", "Hi?"), ("gpt", "")), "'value' is empty"),
        (chat(("human", "Hi?"), ("gpt", None)), "'value' is missing or null"),
        (chat(("human", "Hi?"), ("gpt", 3)), "'value' is int, not text"),
        (chat(("human", "Hi?")), "no turn by the assistant"),
        ({"conversations": ["Hi?"]}, "not a record"),
        (chat(("human", "Hi?"), ("gpt", "bad \ud800 text")), "not valid Unicode"),
    ],
)
def test_a_row_that_cannot_be_rendered_is_set_aside_with_its_reason(row, reason):
    [(document, record)] = render(OPENHERMES, [row])
    assert document is None
    assert reason in record["reason"]
    assert (record["file"], record["row"]) == ("part-00000.jsonl", 0)
    record["content"].encode()


def test_every_row_is_either_kept_or_set_aside():
    rows = [{"text": "a"}, {"text": None}, {"text": "b"}, {"text": " "}, {}]
    pairs = render(PLAIN, rows)
    assert [document is not None for document, _ in pairs] == [True, False, True, False, False]
    assert [record["row"] for _, record in pairs if record] == [1, 3, 4]


def test_a_document_keeps_its_own_id_or_gets_one_from_its_text():
    pairs = render(PLAIN, [{"text": "a", "id": "x1"}, {"text": "a", "id": None}, {"text": "a"}, {"text": "b"}])
    ids = [document["id"] for document, _ in pairs]
    assert ids[0] == "x1"
    assert ids[1] == ids[2] != ids[3]


def test_a_row_that_could_not_be_read_is_set_aside_with_the_reason_of_its_reader():
    rows = [{"text": "a"}, Malformed("not JSON: Expecting value", "{oops"), {"text": "b"}]
    kept, (document, record), _ = render(PLAIN, rows)
    assert kept[0]["text"] == "a"
    assert document is None
    assert record == {
        "file": "part-00000.jsonl",
        "row": 1,
        "reason": "not JSON: Expecting value",
        "content": "{oops",
    }


def test_a_row_set_aside_is_shown_by_its_beginning_however_long_or_deep_it_is():
    deep = []
    for _ in range(5000):
        deep = [deep]
    [(_, long), (_, nested)] = render(PLAIN, [{"title": "x" * 10_000_000}, {"title": deep}])
    assert long["content"].startswith("{'title': 'xxx")
    assert len(long["content"]) <= 2000
    assert nested["content"].startswith("{'title': [[[")


def test_a_task_of_natural_instructions_asks_by_definition_and_input_and_answers_by_its_first_output():
    row = {"id": "t-1", "definition": "Say if it is negative ", "input": "Fine film.", "output": ["positive", "good"]}
    [(document, _)] = render(TASK, [row], "instruction")
    assert document["id"] == "t-1"
    assert document["text"] == "### Instruction: Say if it is negative\n\nInput: Fine film.\n### Response: positive"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"output": []}, "'output' has no answers"),
        ({"output": "positive"}, "'output' has no answers"),
        ({"output": [None]}, "'output' is missing or null"),
        ({"definition": None}, "'definition' is missing or null"),
        ({"input": 3}, "'input' is int, not text"),
    ],
)
def test_an_instance_without_its_parts_is_set_aside(change, reason):
    row = {"id": "t-1", "definition": "Say it.", "input": "x", "output": ["y"], **change}
    [(document, record)] = render(TASK, [row], "instruction")
    assert (document, record["reason"]) == (None, reason)


def test_a_source_without_a_readable_row_is_an_error_that_says_so():
    with pytest.raises(UserError, match=r"sources\.news: nothing is left of it"):
        choose_kind({}, "news")


def test_a_source_with_nothing_left_is_an_error_with_the_reasons_counted():
    with pytest.raises(UserError, match=r"sources\.news: nothing is left of 7 rows: 5 x 'text' is empty; 2 x not JSON"):
        check_some_are_left("news", 0, {"'text' is empty": 5, "not JSON": 2})
    check_some_are_left("news", 1, {"'text' is empty": 5})
