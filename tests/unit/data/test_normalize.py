import json

import pytest

from emulsion.data.normalize import documents
from emulsion.data.schemas import choose_kind
from emulsion.data.sources.formats import columns_of_row
from emulsion.data.sources.streams import Malformed
from emulsion.data.unread import ColumnCounts

CHAT = frozenset({"from", "value", "weight"})
OPENHERMES = {"conversations": CHAT, "source": frozenset(), "category": frozenset(), "id": frozenset()}
TASK = {"id": frozenset(), "definition": frozenset(), "input": frozenset(), "output": frozenset()}
PLAIN = {"text": frozenset(), "id": frozenset()}


def render(columns, rows, document_type="conversation", **options):
    kind = choose_kind(columns, "s", **options)
    return list(documents(iter(rows), kind, "s", document_type, "part-00000.jsonl"))


def chat(*turns):
    return {"conversations": [{"from": role, "value": text, "weight": None} for role, text in turns]}


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
        ({}, "no known schema fits its columns"),
        (chat(("human", "Hi?"), ("narrator", "x")), "unknown role 'narrator'"),
        (chat(("human", "Hi?"), ({"name": "tool"}, "x")), "unknown role {'name': 'tool'}"),
        (chat((None, "Hi?")), "unknown role None"),
        ({"conversations": {"from": "human", "value": "Hi?"}}, "no turns"),
        (chat(("human", "Hi?"), ("gpt", "Hello.")) | {"id": "\udcff"}, "id is not valid Unicode"),
        (chat(("human", "Hi?"), ("gpt", "")), "'value' is empty"),
        (chat(("human", "Hi?"), ("gpt", None)), "'value' is missing or null"),
        (chat(("human", "Hi?"), ("gpt", 3)), "'value' is int, not text"),
        (chat(("human", "Hi?")), "no turn by the assistant"),
        ({"conversations": [3]}, "not a record"),
        ({"conversations": ["Hi?"]}, "no turn by the assistant"),
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
    for output in (row["output"], "positive"):
        [(document, _)] = render(TASK, [{**row, "output": output}], "instruction")
        assert document["id"] == "t-1"
        assert document["text"] == "### Instruction: Say if it is negative\n\nInput: Fine film.\n### Response: positive"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"output": []}, "'output' has no answers"),
        ({"output": ""}, "'output' is empty"),
        ({"output": [None]}, "'output' is missing or null"),
        ({"input": 3}, "'input' is int, not text"),
    ],
)
def test_an_instance_without_its_parts_is_set_aside(change, reason):
    row = {"id": "t-1", "definition": "Say it.", "input": "x", "output": ["y"], **change}
    [(document, record)] = render(TASK, [row], "instruction")
    assert (document, record["reason"]) == (None, reason)


def test_ids_are_made_from_the_text_where_they_do_not_tell_documents_apart():
    kind = choose_kind(PLAIN, "s")
    rows = [{"text": "a", "id": "en"}, {"text": "b", "id": "en"}, {"text": "a", "id": "en"}]
    ids = [document["id"] for document, _ in documents(rows, kind, "s", "web", by_text=True)]
    assert ids[0] == ids[2] != ids[1]
    assert "en" not in ids


def test_the_columns_of_documents_are_counted_and_those_of_lost_rows_are_not():
    counts = ColumnCounts()
    rows = [{"text": "four", "url": "http"}, {"text": None, "url": "lost"}]
    list(documents(rows, choose_kind(PLAIN, "s"), "s", "web", counts=counts))
    assert counts.to_json() == {"characters": 8, "read": ["text"], "unread": {"url": 4}}


@pytest.mark.parametrize(
    "row",
    [
        {"text": "hello", "\ud800": "x"},
        {"hello": "h", "\ud800": "x"},
        {"messages": [{"role": "user", "content": "q", "x\ud800": 1}, {"role": "assistant", "content": "a"}]},
    ],
)
def test_half_a_character_in_a_name_can_be_written(row):
    counts = ColumnCounts()
    kind = choose_kind(columns_of_row(row if "text" in row else {"text": "", **row}), "s")
    [(document, record)] = documents([row], kind, "s", "chat", "a.jsonl", counts)
    json.dumps([document, record, counts.to_json()], ensure_ascii=False).encode()
    assert (document is None) == ("hello" in row) and "\\ud800" in str([record, counts.to_json()])
