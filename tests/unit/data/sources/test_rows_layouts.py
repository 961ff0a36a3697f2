import gzip
import json

import pytest

from emulsion.data.sources.formats import parse, read_file
from emulsion.data.sources.raw import raw_lines
from emulsion.data.sources.streams import CHUNK_BYTES, Malformed
from raw_rows import written


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
@pytest.mark.parametrize("indent", [None, 2])
def test_one_list_behind_another_is_read_and_what_is_broken_in_it_costs_a_row(tmp_path, name, indent):
    rows = [{"text": f"row {number}"} for number in range(100)]
    one, other = json.dumps(rows[:50], indent=indent), json.dumps(rows[50:], indent=indent)
    for between in ("", "\n"):
        assert list(read_file(written(tmp_path, name, one + between + other))) == rows
        found = list(read_file(written(tmp_path, name, one.replace('"row 7"', '"row 7', 1) + between + other)))
        assert [row for row in found if isinstance(row, dict)] == [*rows[:7], *rows[8:]]
        assert len(found) == 100


def test_a_text_that_is_cut_costs_its_row_alone_among_records_over_several_lines(tmp_path):
    records = [json.dumps({"id": number, "text": f"row {number}"}, indent=2) for number in range(1000)]
    records[99] = '{\n  "id": 99,\n  "text": "cut he'
    found = list(read_file(written(tmp_path, "a.jsonl", "\n".join(records))))
    assert len(found) == 1000
    assert [number for number, row in enumerate(found) if isinstance(row, Malformed)] == [99]


LONG = {"text": "long book " * (CHUNK_BYTES // 8)}
SHORT = [{"text": f"row {number}"} for number in range(300)]
LONG_CHAT = [{"role": "user", "content": "Tell."}, {"role": "assistant", "content": LONG["text"]}]


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson.gz", "a.json"])
@pytest.mark.parametrize("cut", ['{"text": "cut here', '{"text": [', "cut", '{"messages": [{"a": 1},'])
def test_a_first_row_longer_than_what_is_looked_at_leaves_the_file_one_of_lines(tmp_path, name, cut):
    lines = [*map(json.dumps, [LONG, *SHORT[:100]]), cut, *map(json.dumps, SHORT[100:])]
    data = "\n".join(lines).encode()
    found = list(read_file(written(tmp_path, name, gzip.compress(data, 1) if name.endswith(".gz") else data)))
    assert [row for row in found if isinstance(row, dict)] == [LONG, *SHORT]
    assert len(found) == 302


def test_a_first_chat_longer_than_what_is_looked_at_is_a_row(tmp_path):
    file = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, [LONG_CHAT, LONG_CHAT[:1], *SHORT])))
    assert list(read_file(file)) == [{"messages": LONG_CHAT}, {"messages": LONG_CHAT[:1]}, *SHORT]


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("rows", [[LONG, *SHORT], [LONG, LONG]])
def test_long_rows_are_read_in_each_form_of_json(tmp_path, name, indent, rows):
    assert list(read_file(written(tmp_path, name, json.dumps(rows, indent=indent)))) == rows
    assert list(read_file(written(tmp_path, name, json.dumps(rows[0], indent=indent)))) == rows[:1]
    records = "\n".join(json.dumps(row, indent=indent) for row in rows)
    file = written(tmp_path, name, records)
    assert list(read_file(file)) == rows
    assert [json.loads(line) for line in raw_lines(file)] == rows


def test_records_on_one_long_line_are_read(tmp_path):
    rows = SHORT * (CHUNK_BYTES // 4000)
    assert list(read_file(written(tmp_path, "a.jsonl", " ".join(map(json.dumps, rows))))) == rows


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_file_that_is_something_else_is_a_row_set_aside_among_the_lines_as_well(tmp_path, name):
    file = written(tmp_path, name, b"PAR1 and more")
    [row] = read_file(file)
    assert row.reason == "it is a Parquet file; give it a name that ends in .parquet"
    assert [*map(parse, raw_lines(file))] == [row]


CHATS = [
    [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
    [{"chat_id": 1, "id": 1, "role": "user", "content": "q"}, {"chat_id": 1, "id": 2, "role": "bot", "content": "a"}],
]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz"])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chat", CHATS)
def test_a_file_of_one_chat_is_one_row(tmp_path, name, indent, chat):
    data = json.dumps(chat, indent=indent).encode() + b"\n"
    file = written(tmp_path, name, gzip.compress(data) if name.endswith(".gz") else data)
    assert list(read_file(file)) == [{"messages": chat}]
    assert [json.loads(line) for line in raw_lines(file)] == [chat]


@pytest.mark.parametrize(
    "rows",
    [
        [{"question": "q", "answer": "a"}] * 2,
        [{"from": "Ada", "text": "Dear Bo"}, {"from": "Bo", "text": "Dear Ada"}],
        [{"role": "user", "content": "q"}, {"text": "no turn"}, {"role": "assistant", "content": "a"}],
        [{"role": "user", "content": "q"}] * 2,
        [{"conversation": n, "role": r, "content": "x"} for n in (1, 2) for r in ("user", "assistant")],
    ],
)
def test_a_list_of_rows_that_are_no_chat_has_its_rows(tmp_path, rows):
    assert list(read_file(written(tmp_path, "a.json", json.dumps(rows)))) == rows


CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.mark.parametrize(
    "columns",
    [
        {"text": ["one", "two", "three"], "id": [1, 2, None]},
        {"question": ["a?", "b?"], "answer": ["A", "B"]},
        {"messages": [CHAT, CHAT], "tags": [["x"], []]},
    ],
)
def test_a_table_that_was_turned_into_one_record_is_read_by_its_rows(tmp_path, columns):
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    assert list(read_file(written(tmp_path, "a.json", json.dumps(columns)))) == rows
    assert list(read_file(written(tmp_path, "a.jsonl", json.dumps(columns)))) == [columns]
    two = json.dumps(columns) + "\n" + json.dumps(columns)
    assert list(read_file(written(tmp_path, "b.json", two))) == [columns, columns]


@pytest.mark.parametrize(
    "record",
    [
        {"text": ["a paragraph", "another"]},
        {"text": ["one"], "id": [1]},
        {"text": ["one", "two"], "tags": ["x"]},
        {"text": ["one", "two"], "id": 7},
        {"messages": CHAT, "tools": [{"name": "a"}, {"name": "b"}]},
    ],
)
def test_a_record_with_lists_that_are_no_table_is_one_row(tmp_path, record):
    assert list(read_file(written(tmp_path, "a.json", json.dumps(record)))) == [record]
