import csv
import gzip
import json

import pytest

from emulsion.data.sources import formats, streams
from emulsion.data.sources.formats import columns_of, columns_of_first, read_file, suffix_of
from emulsion.data.sources.streams import Malformed
from emulsion.errors import UserError
from raw_rows import read_rows

ROWS = [{"text": "one"}, {"text": "zwei\nté"}, {"text": "three, or so", "n": 3}]


def written(folder, name, data):
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / name


def reasons(rows):
    """The rows, with the reason alone of each that is malformed."""
    return [row.reason if isinstance(row, Malformed) else row for row in rows]


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("a.jsonl", ".jsonl"),
        ("a.b.JSONL.GZ", ".jsonl.gz"),
        ("a.json.zst", ".json.zst"),
        ("a.tar.gz", None),
        ("a.parquet", ".parquet"),
        ("a.parquet.gz", None),
        ("x.test.py", ".py"),
        ("a.gz", None),
        ("py", None),
        ("Makefile", None),
    ],
)
def test_what_can_be_read_is_told_by_the_suffix(name, suffix):
    assert suffix_of(name) == suffix


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS)),
        ("a.jsonl", "\n\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)),
        ("a.jsonl", b"\xef\xbb\xbf" + "\r\n".join(json.dumps(row) for row in ROWS).encode()),
        ("a.jsonl.gz", gzip.compress("\n".join(json.dumps(row) for row in ROWS).encode())),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.json.gz", gzip.compress(json.dumps(ROWS).encode())),
        ("a.json", "\n".join(json.dumps(row) for row in ROWS)),
    ],
)
def test_records_are_the_same_in_each_form_of_json(tmp_path, name, data):
    assert list(read_file(written(tmp_path, name, data))) == ROWS


@pytest.mark.parametrize("indent", [None, 2])
def test_one_json_object_is_one_row(tmp_path, indent):
    assert list(read_file(written(tmp_path, "a.json", json.dumps(ROWS[2], indent=indent)))) == [ROWS[2]]


def test_bad_lines_are_set_aside_each_with_its_reason_and_the_good_ones_kept(tmp_path):
    lines = [
        b'{"text": "one"}',
        b"not json",
        b'"just text"',
        b'{"text": "\xff"}',
        b"[" * 100_000,
        b'{"text": ' + b"1" * 5000 + b"}",
        b'{"text": "two"}',
        b'{"text": "cut off he',
    ]
    rows = list(read_rows([written(tmp_path, "a.jsonl", b"\n".join(lines))]))
    assert reasons(rows) == [
        {"text": "one"},
        "not JSON: Expecting value",
        "a row is str, not a record",
        "not valid UTF-8",
        "not JSON that can be read: nested too deeply",
        "not JSON that can be read: a number is too long",
        {"text": "two"},
        "not JSON: Unterminated string starting at",
    ]
    assert rows[3].content == '{"text": "\\xff"}'
    assert len(rows[4].content) == 2000


def test_a_bad_element_of_a_json_array_is_set_aside_alone(tmp_path):
    data = b'[{"text": "one"}, 7, {"text": }, {"text": "\xff"}, {"score": NaN, "text": "two"}]'
    found = reasons(read_file(written(tmp_path, "a.json", data)))
    assert found[:4] == [
        {"text": "one"},
        "a row is int, not a record",
        "not JSON: Expecting value",
        "not valid UTF-8",
    ]
    assert found[4]["text"] == "two"


def test_a_document_of_50_megabytes_is_read_and_one_over_the_limit_is_set_aside(tmp_path):
    large = "x" * 50_000_000
    too_large = "y" * streams.ROW_BYTES
    data = "\n".join(json.dumps({"text": text}) for text in (large, too_large, "small"))
    first, second, third = read_file(written(tmp_path, "a.jsonl", data))
    assert first == {"text": large}
    assert second.reason == "longer than 64 MB"
    assert third == {"text": "small"}


def test_of_a_truncated_gzip_the_whole_lines_are_kept_and_the_cut_is_counted(tmp_path):
    lines = [json.dumps({"text": f"row {number}", "x": number * 7919 % 10007}) for number in range(20_000)]
    packed = gzip.compress("\n".join(lines).encode())
    *kept, last = read_file(written(tmp_path, "a.jsonl.gz", packed[: len(packed) // 2]))
    assert last == Malformed("the file ends in the middle: truncated .gz")
    assert kept == [json.loads(line) for line in lines[: len(kept)]]
    assert len(kept) > 5000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", ["not JSON: Expecting value"]),
        ("[]", []),
        ('{"text": ', ["not JSON: Expecting value"]),
        ('[{"text": "a"}, {"text"', [{"text": "a"}, "the file ends in the middle of its list"]),
        ('[{"text": "a"}] and more', [{"text": "a"}, "there is more after the end of its list"]),
        ('{"text": oops}\n{"text": "b"}', ["not JSON: Expecting value", {"text": "b"}]),
    ],
)
def test_json_files_that_are_not_whole(tmp_path, data, expected):
    assert reasons(read_file(written(tmp_path, "a.json", data))) == expected


def test_a_task_of_natural_instructions_has_its_instances_for_rows(tmp_path):
    instances = [{"id": "t-1", "input": "a", "output": ["b", "c"]}, "oops", {"id": "t-2", "input": "d"}]
    task = {"Contributors": ["x"], "Definition": ["Do it.", "Well."], "Instances": instances}
    file = written(tmp_path, "a.json", json.dumps(task, indent=4))
    assert reasons(read_file(file)) == [
        {"id": "t-1", "input": "a", "output": ["b", "c"], "definition": "Do it.\nWell."},
        "an instance is str, not a record",
        {"id": "t-2", "input": "d", "output": None, "definition": "Do it.\nWell."},
    ]
    assert set(columns_of(file)) == {"id", "input", "output", "definition"}


def test_csv_has_its_rows_under_the_names_of_the_first_line(tmp_path):
    rows = [{"id": "1", "text": 'He said "no",\n\nthen left.'}, {"id": "2", "text": "é"}, {"id": "3", "text": ""}]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.DictWriter(out, ["id", "text"])
        writer.writeheader()
        writer.writerows(rows)
    assert list(read_file(tmp_path / "a.csv")) == rows


def test_bad_rows_of_csv_are_set_aside_each_with_its_reason(tmp_path):
    data = b'id,text\n1,one\n2\n3,three,more\n4,\xff\n5,"five"x\n\n6,six\n7,"never closed\n8,eight\n'
    assert reasons(read_file(written(tmp_path, "a.csv", data))) == [
        {"id": "1", "text": "one"},
        "1 cells, but the first line names 2",
        "3 cells, but the first line names 2",
        "not valid UTF-8",
        "not CSV: ',' expected after '\"'",
        {"id": "6", "text": "six"},
        "not CSV: unexpected end of data",
    ]


def test_a_line_of_csv_over_the_limit_is_set_aside_and_the_next_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "ROW_BYTES", 1000)
    monkeypatch.setattr(formats, "ROW_BYTES", 1000)
    data = 'id,text\n1,a\n2,"' + "x" * 2000 + '"\n3,c\n4,"' + "y\n" * 900 + '"\n5,e\n'
    assert reasons(read_file(written(tmp_path, "a.csv", data))) == [
        {"id": "1", "text": "a"},
        "longer than 0 MB",
        {"id": "3", "text": "c"},
        "not CSV: field larger than field limit (1000)",
        *["1 cells, but the first line names 2"] * 399,
        "not CSV: unexpected end of data",
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b,a\n1,2,3\n", "two of its columns are named 'a'"),
        (b"id,t\xe9xt\n1,2\n", "its first line should name the columns, but is not valid UTF-8"),
    ],
)
def test_a_csv_whose_columns_are_not_named_is_set_aside_whole(tmp_path, data, reason):
    assert reasons(read_file(written(tmp_path, "a.csv", data))) == [reason]


def test_a_file_of_text_or_code_is_one_document_under_its_path(tmp_path):
    file = written(tmp_path, "part-00007.rs.gz", gzip.compress(b"\xef\xbb\xbffn main() {}\n"))
    assert list(read_file(file, "src/main.rs.gz")) == [{"id": "src/main.rs.gz", "text": "fn main() {}\n"}]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"caf\xe9", "not valid UTF-8"),
        ("a.txt", "text in UTF-16".encode("utf-16"), "not valid UTF-8"),
        ("a.txt", b"x" * 2001, "longer than 0 MB"),
        ("a.txt.gz", gzip.compress(b"some text")[:-9], "the file ends in the middle: truncated .gz"),
        ("a.txt.zst", b"no archive", "cannot be decompressed"),
    ],
)
def test_a_document_that_cannot_be_read_is_one_row_set_aside(tmp_path, monkeypatch, name, data, reason):
    monkeypatch.setattr(streams, "ROW_BYTES", 2000)
    [row] = reasons(read_file(written(tmp_path, name, data)))
    assert row.startswith(reason)


def test_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(UserError, match=r"gone\.jsonl: no such file"):
        list(read_file(tmp_path / "gone.jsonl"))


def test_the_columns_are_those_of_the_first_rows_together(tmp_path):
    turn = {"from": "human", "value": "Hi?"}
    lines = ["oops", '{"conversations": []}', "{}", json.dumps({"conversations": [turn], "id": "a"})]
    file = written(tmp_path, "a.jsonl", "\n".join(lines))
    assert columns_of(file) == {"conversations": {"from", "value"}, "id": frozenset()}


def test_the_columns_of_a_source_are_those_of_its_first_file_that_has_any(tmp_path):
    empty = written(tmp_path, "a.jsonl", "")
    damaged = written(tmp_path, "b.parquet", "PAR1 oops")
    good = written(tmp_path, "c.jsonl", '{"text": "a"}')
    assert set(columns_of_first([empty, damaged, good])) == {"text"}
    assert columns_of_first([empty, damaged]) == {}
