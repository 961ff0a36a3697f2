import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.sources import cutting
from emulsion.data.sources import values as sources_values
from emulsion.data.sources.formats import parse
from emulsion.data.sources.streams import Malformed
from emulsion.data.sources.values import _Pieces, values
from raw_rows import broken, cut


def test_the_row_that_is_cut_is_malformed_and_shown():
    assert list(values(broken(b'[{"a": 1}, {"b', "cut"), True)) == [b'{"a": 1}', Malformed("cut", ' {"b')]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(['\\"', "],[", "{\\", '"']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(
    st.lists(JSON, max_size=6),
    st.sampled_from([None, 0, 2]),
    st.sampled_from([None, (",", ":"), (" , ", "  : ")]),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_the_elements_of_an_array_are_those_a_parser_finds_however_it_is_cut(elements, indent, separators, sizes):
    data = f" {json.dumps(elements, indent=indent, separators=separators, ensure_ascii=False)}\n".encode()
    assert [json.loads(value) for value in values(cut(data, sizes), in_lists=True)] == elements


def test_a_malformed_element_of_an_array_is_lost_alone():
    data = b'[{"a": 1}, {"a": oops}, {"a" 2}, \xff, {"a": 3}]'
    assert list(values(iter([data]), in_lists=True)) == [
        b'{"a": 1}',
        b' {"a": oops}',
        b' {"a" 2}',
        b" \xff",
        b' {"a": 3}',
    ]


@given(
    st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=6),
    st.sampled_from([None, 0, 2]),
    st.sampled_from(["", "\n", ",", " , "]),
    st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_records_one_after_another_are_those_a_parser_finds_however_it_is_cut(records, indent, between, sizes):
    data = between.join(json.dumps(record, indent=indent) for record in records).encode()
    assert [json.loads(value) for value in values(cut(data, sizes), in_lists=False)] == records


@pytest.mark.parametrize(
    ("data", "reason", "content"),
    [
        (b'[{"a": 1}, {"a": 2', "ends in the middle of its list", ' {"a": 2'),
        (b'[{"a": 1}, {"a": 2}', "ends in the middle of its list", ' {"a": 2}'),
        (b'[{"a": 1}] and more', "more after the end of its list", "and more"),
        (b'[{"a": 1}, {"a": [2]', "last row of its list does not end", '{"a": [2]'),
        (b'[{"a": 1}, {"a": "2]', "last row of its list does not end", '{"a": "2]'),
    ],
)
def test_an_array_that_does_not_end_where_it_should_is_told_after_the_elements_before(data, reason, content):
    first, last = values(iter([data]), in_lists=True)
    assert first == b'{"a": 1}'
    assert reason in last.reason
    assert last.content == content


TURNS = [{"role": "user", "content": 'x, {y} ["'}, {"role": "assistant", "content": "z\\"}]
ROWS = [{"id": number, "text": f"row {number}", "turns": TURNS} for number in range(20)]
LAYOUTS = {
    "a list on one line": json.dumps(ROWS),
    "a list without indentation": json.dumps(ROWS, indent=0),
    "an indented list": json.dumps(ROWS, indent=2),
    "a list with a row on each line": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]\n",
    "the first row on the line of the bracket": "[" + ",\r\n".join(map(json.dumps, ROWS)) + "]",
    "lines": "\n".join(map(json.dumps, ROWS)),
    "indented records": "\n".join(json.dumps(row, indent=2) for row in ROWS),
}
AT = {name: data.index('"row 7"') for name, data in LAYOUTS.items()}  # the value of the text of row 7


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("removed", "put_in"),
    [
        ('"row 7"', '"row 7'),
        ('"row 7"', 'row 7"'),
        ('"row 7"', '"row\n7"'),
        ('"row 7"', '"row\n'),
        ('"row 7"', '"row 7"]'),
        ('"row 7"', '"row 7"['),
        ('"row 7"', '"row 7"{'),
        ('"row 7"', '{"row 7"'),
        ('"row 7"', '["row 7"'),
        ('"row 7"', '"row" "7"'),
        ('"row 7"', ""),
        ("z", '"'),
        ("]", ""),
        ("[", ""),
        ("assistant", "assist\nant"),
        ("]", "]]"),
        ("[", "[["),
    ],
)
def test_what_is_broken_costs_its_row_alone(layout, removed, put_in):
    data, at = LAYOUTS[layout], AT[layout]
    place = data.index(removed, at)
    data = data[:place] + put_in + data[place + len(removed) :]
    found = list(map(parse, values(cut(data.encode(), [50, 7]), data.startswith("["))))
    assert [row for row in found if isinstance(row, dict)] == ROWS[:7] + ROWS[8:]
    assert 1 <= len(found) - 19 <= 2


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_is_cut_out_up_to_the_next_row_costs_no_other(layout):
    data, at = LAYOUTS[layout], AT[layout]
    end = data.rindex("{", 0, data.index('"row 8"')) - ("\n{" in data)
    for place in (at - 3, at, at + 3, at + 40):
        found = list(map(parse, values(iter([(data[:place] + data[end:]).encode()]), data.startswith("["))))
        assert [row for row in found if isinstance(row, dict)] == ROWS[:7] + ROWS[8:]
        assert len(found) == 20


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("wrong", ["}", "} ", "{", "[", '"'])
def test_a_stray_mark_between_rows_costs_no_more_than_the_next(layout, wrong):
    data, at = LAYOUTS[layout], AT[layout]
    place = data.rindex("{", 0, at)
    found = list(map(parse, values(iter([(data[:place] + wrong + data[place:]).encode()]), data.startswith("["))))
    rows = [row for row in found if isinstance(row, dict)]
    assert rows in (ROWS, ROWS[:7] + ROWS[8:])
    assert 20 <= len(found) <= 22


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_first_row_that_is_broken_costs_no_other(layout):
    data = LAYOUTS[layout].replace('"row 0"', '"row 0', 1)
    found = list(map(parse, values(iter([data.encode()]), data.startswith("["))))
    assert [row for row in found if isinstance(row, dict)] == ROWS[1:]
    assert len(found) == 20


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("between", ["", "\n", ",", "\n\ufeff", " "])
def test_lists_and_records_that_were_joined_are_all_read(indent, between):
    parts = [ROWS[:5], ROWS[5], ROWS[6:18], [], ROWS[18], ROWS[19:]]
    data = between.join(json.dumps(part, indent=indent) for part in parts)
    assert list(map(parse, values(iter([data.encode()]), True))) == ROWS


@pytest.mark.parametrize("layout", ["a list on one line", "an indented list", "a list with a row on each line"])
def test_an_end_of_its_list_amid_the_rows_costs_none_and_a_missing_one_is_told(layout):
    data, at = LAYOUTS[layout].rstrip(), AT[layout]
    place = data.rindex(",", 0, data.rindex("{", 0, at))
    *rows, last = map(parse, values(iter([(data[:place] + "]" + data[place:]).encode()]), True))
    assert (rows, last.reason) == (ROWS, "there is more after the end of its list")
    *rows, last = map(parse, values(iter([data[:-1].encode()]), True))
    assert (rows, last.reason[:38]) == (ROWS[:-1], "the file ends in the middle of its list"[:38])


def test_rows_of_which_each_is_broken_are_each_lost_and_each_reads_one_piece_again_at_most(monkeypatch):
    data = ("[" + ",\n".join('{"text": "a\nb", "n": 1}' for _ in range(20_000)) + "]").encode()
    again, give_back = [], _Pieces.give_back
    monkeypatch.setattr(_Pieces, "give_back", lambda self, held: (again.append(len(held)), give_back(self, held)))
    monkeypatch.setattr(sources_values, "PIECE_BYTES", 1 << 10)
    assert sum(1 for _ in values(cut(data, [1 << 20]), True)) == 20_000
    assert len(again) <= 20_000 and max(again) < 1 << 11


def test_a_row_that_does_not_end_within_the_limit_is_told(monkeypatch):
    monkeypatch.setattr(cutting, "ROW_BYTES", 1000)
    first, last = values(iter([b'[{"a": 1}, {"a": [' + b"1, " * 1000]), True)
    assert first == b'{"a": 1}'
    assert last.reason.startswith("a row of its list does not end, and is longer than 0 MB; how much is missing")
    [long] = values(iter([b'{"a": [' + b"1, " * 1000]), False)
    assert long.reason == "longer than 0 MB"
