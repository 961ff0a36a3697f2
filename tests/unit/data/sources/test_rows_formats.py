import gzip
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulsion.data.sources import formats, streams
from emulsion.data.sources.formats import columns_of, read_file, suffix_of
from emulsion.data.sources.raw import RawFile, columns_of_first, raw_lines
from emulsion.errors import UserError
from raw_rows import read_rows, reasons, written

ROWS = [{"text": "one"}, {"text": "zwei\nté"}, {"text": "three, or so", "n": 3}]


def raw(file):
    return RawFile(file, file.name, file.stat().st_size)


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
        ("a.jsonl.gz", gzip.compress("\n".join(json.dumps(row) for row in ROWS).encode(), mtime=0)),
        ("a.json", json.dumps(ROWS)),
        ("a.json", json.dumps(ROWS, indent=2)),
        ("a.json.gz", gzip.compress(json.dumps(ROWS).encode(), mtime=0)),
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
    packed = gzip.compress("\n".join(lines).encode(), mtime=0)
    *kept, last = read_file(written(tmp_path, "a.jsonl.gz", packed[: len(packed) // 2]))
    assert last.reason.startswith(
        "the file ends in the middle: truncated .gz; how much is missing after it is not known"
    )
    assert lines[len(kept)].startswith(last.content)
    assert kept == [json.loads(line) for line in lines[: len(kept)]]
    assert len(kept) > 5000


CUT = "the file ends in the middle of its list; how much is missing after it is not known"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("", []),
        ("[]", []),
        ('{"text": ', ["not JSON: Expecting value"]),
        ('[{"text": "a"}, {"text"', [{"text": "a"}, CUT]),
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


def test_a_file_of_text_or_code_is_one_document_under_its_path(tmp_path):
    file = written(tmp_path, "part-00007.rs.gz", gzip.compress(b"\xef\xbb\xbffn main() {}\n", mtime=0))
    assert list(read_file(file, "src/main.rs.gz")) == [{"id": "src/main.rs.gz", "text": "fn main() {}\n"}]


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b"caf\xe9", "not valid UTF-8"),
        ("a.txt.gz", gzip.compress(b"some text", mtime=0)[:-9], "the file ends in the middle: truncated .gz"),
        ("a.txt.zst", b"\0no archive", "cannot be decompressed"),
    ],
)
def test_a_document_that_cannot_be_read_is_one_row_set_aside(tmp_path, name, data, reason):
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
    empty = raw(written(tmp_path, "a.jsonl", ""))
    damaged = raw(written(tmp_path, "b.parquet", "PAR1 oops"))
    good = raw(written(tmp_path, "c.jsonl", '{"text": "a"}'))
    assert set(columns_of_first("s", [empty, damaged, good])) == {"text"}
    said = r"sources\.s: nothing is left .* 'a\.jsonl': it has no rows.* 'b\.parquet': row 0: not a Parquet file that"
    with pytest.raises(UserError, match=said):
        columns_of_first("s", [empty, damaged])


@pytest.mark.parametrize(
    ("what", "name", "data"),
    [
        ("json under .jsonl", "a.jsonl", json.dumps(ROWS)),
        ("indented", "a.jsonl", json.dumps(ROWS, indent=2)),
        ("records over several lines", "a.jsonl", "\n".join(json.dumps(row, indent=2) for row in ROWS)),
        ("records over several lines", "a.json", "\n".join(json.dumps(row, indent=2) for row in ROWS)),
        ("several on a line", "a.jsonl", "".join(json.dumps(row) for row in ROWS)),
        ("several on a line, a blank between", "a.json", " ".join(json.dumps(row) for row in ROWS)),
        ("joined without a line end", "a.jsonl", "\n".join(json.dumps(row) for row in ROWS[:2]) + json.dumps(ROWS[2])),
        ("commas behind", "a.json", ",\n".join(json.dumps(row) for row in ROWS)),
        ("commas behind all", "a.jsonl", "".join(json.dumps(row) + ", \n" for row in ROWS)),
        ("lines of an old Mac", "a.jsonl", "\r".join(json.dumps(row) for row in ROWS)),
        ("lines of an old Mac", "a.jsonl", "\r".join(json.dumps(row) for row in ROWS) + "\r"),
        ("UTF-16", "a.jsonl", "\n".join(json.dumps(row) for row in ROWS).encode("utf-16")),
        ("UTF-16", "a.json", json.dumps(ROWS, ensure_ascii=False).encode("utf-16")),
        (
            "packed under a plain name",
            "a.jsonl",
            gzip.compress("\n".join(json.dumps(row) for row in ROWS).encode(), mtime=0),
        ),
        ("plain under a packed name", "a.jsonl.gz", "\n".join(json.dumps(row) for row in ROWS)),
        ("other suffix", "a.ndjson", "\n".join(json.dumps(row) for row in ROWS)),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else "",
)
def test_json_is_read_however_it_is_laid_out(tmp_path, what, name, data):
    file = written(tmp_path, name, data)
    assert list(read_file(file)) == ROWS
    assert [json.loads(line) for line in raw_lines(file)] == ROWS


def test_lists_in_lines_are_rows_that_are_no_records(tmp_path):
    rows = reasons(read_file(written(tmp_path, "a.jsonl", '["a", "b"]\n["c"]\n{"text": "d"}\n')))
    assert rows == ["a row is list, not a record"] * 2 + [{"text": "d"}]


@pytest.mark.parametrize("first", ['["a"]', "7", '"text"', '["a", ', '[{"a": 1}', '{"a": [1,', '{"a"', "", "]"])
@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_a_first_line_that_is_no_record_costs_no_other(tmp_path, name, first):
    rows = list(read_file(written(tmp_path, name, f'{first}\n{{"text": "two"}}\n{{"text": "three"}}\n')))
    assert rows[-2:] == [{"text": "two"}, {"text": "three"}]
    assert len(rows) == (3 if first else 2)


def test_a_first_line_that_is_not_utf_8_leaves_the_file_one_of_lines(tmp_path):
    data = b'{"text": "caf\xe9"}\n{"text": "cut \n{"text": "three"}\n'
    assert reasons(read_file(written(tmp_path, "a.jsonl", data))) == [
        "not valid UTF-8",
        "not JSON: Unterminated string starting at",
        {"text": "three"},
    ]


@pytest.mark.parametrize("between", [",\n", "\n,", ",", "\n, \n"])
@pytest.mark.parametrize("ends", ["[]", ["[\n", "\n]"], ["[ ", "\n\n]"]])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_list_is_one_however_it_is_broken_into_lines(tmp_path, between, ends, count):
    data = ends[0] + between.join(json.dumps(row) for row in ROWS[:count]) + ends[1]
    assert list(read_file(written(tmp_path, "a.jsonl", data))) == ROWS[:count]


def test_a_first_line_that_is_broken_costs_no_other(tmp_path):
    rows = reasons(read_file(written(tmp_path, "a.json", '{"text": "on\n{"text": "two"}\n{"text": "three"}\n')))
    assert rows == ["not JSON: Unterminated string starting at", {"text": "two"}, {"text": "three"}]


def test_a_long_record_over_several_lines_is_one_row(tmp_path):
    task = {
        "Definition": ["Do it."],
        "Instances": [{"id": str(n), "input": "x" * 100, "output": ["y"]} for n in range(9999)],
    }
    file = written(tmp_path, "a.json", json.dumps(task, indent=4))
    assert file.stat().st_size > streams.CHUNK_BYTES
    assert len(list(read_file(file))) == 9999


def test_a_text_over_the_limit_comes_in_pieces_that_end_with_a_paragraph(tmp_path, monkeypatch):
    monkeypatch.setattr(formats, "ROW_BYTES", 3000)
    monkeypatch.setattr(formats, "PIECE_BYTES", 1000)
    text = "".join(f"Paragraph {number} of a long text.\nIts second line: é.\n\n" for number in range(200))
    rows = list(read_file(written(tmp_path, "a.txt", text)))
    assert "".join(row["text"] for row in rows) == text
    assert [row["id"] for row in rows] == [f"a.txt#{number}" for number in range(1, len(rows) + 1)]
    assert all(row["text"].endswith("\n\n") and 500 < len(row["text"].encode()) <= 1000 for row in rows[:-1])


@pytest.mark.parametrize("text", ["é" * 5000, "word " * 3000, "line\n" * 3000])
def test_a_long_text_without_paragraphs_loses_nothing(tmp_path, monkeypatch, text):
    monkeypatch.setattr(formats, "ROW_BYTES", 3000)
    monkeypatch.setattr(formats, "PIECE_BYTES", 1000)
    assert "".join(row["text"] for row in read_file(written(tmp_path, "a.txt", text))) == text


def test_a_row_that_could_not_be_read_is_the_same_after_it_was_brought_to_lines(tmp_path):
    file = written(tmp_path, "a.csv", 'id,text\n1,one\n2\n3,"open\n')
    lines = written(tmp_path, "b.jsonl", b"\n".join(raw_lines(file)))
    assert list(read_file(lines)) == list(read_file(file))
    own = {formats.UNREADABLE: "is a column of its own"}
    assert list(read_file(written(tmp_path, "c.jsonl", json.dumps(own)))) == [own]


def test_one_comma_behind_a_row_is_read_and_more_are_not(tmp_path):
    data = '{"text": "one"},\n{"text": "two"},' + "," * 5000 + "\n"
    assert reasons(read_file(written(tmp_path, "a.jsonl", data))) == [{"text": "one"}, "not JSON: Extra data"]


@pytest.mark.parametrize("end", ["\n", "", "\r\n"])
def test_files_that_were_joined_each_with_its_byte_order_mark_lose_no_row(tmp_path, end):
    data = "".join(f"\ufeff{json.dumps(row)}{end}" for row in ROWS)
    file = written(tmp_path, "a.jsonl", data)
    assert list(read_file(file)) == ROWS
    lines = written(tmp_path, "b.jsonl", b"\n".join(raw_lines(file)))
    assert list(read_file(lines)) == ROWS


EXCHANGE = {"prompt": {"role": "user", "content": "What?"}, "response": {"role": "assistant", "content": "A cat."}}


@pytest.mark.parametrize(
    ("name", "row"),
    [
        *[(name, EXCHANGE) for name in ("a.jsonl", "a.ndjson", "a.jsonl.gz", "a.json")],
        ("a.json", {"question": {"text": "Q"}, "answer": {"text": "A"}, "source": {"text": "S"}}),
        ("a.jsonl", {"Ada": {"text": "One."}, "Bo": {"text": "Two."}}),
        ("a.jsonl", {"text": {"0": "One."}}),
    ],
)
def test_a_row_whose_values_are_records_is_one_row(tmp_path, name, row):
    file = written(tmp_path, name, json.dumps(row))
    assert list(read_file(file)) == [row]
    assert [json.loads(line) for line in raw_lines(file)] == [row]


@pytest.mark.parametrize(
    ("record", "row"),
    [
        ({"text": {"7": "One."}}, {"text": "One."}),
        ({"prompt": {"0": "Q"}, "response": {"0": "A"}}, {"prompt": "Q", "response": "A"}),
        (
            {"Definition": ["Do."], "Instances": [{"id": "1", "input": "a", "output": ["b"]}]},
            {"id": "1", "input": "a", "output": ["b"], "definition": "Do."},
        ),
    ],
)
def test_a_record_that_holds_one_row_is_that_row_among_the_lines_as_well(tmp_path, record, row):
    file = written(tmp_path, "a.json", json.dumps(record))
    assert list(read_file(file)) == [row]
    assert [json.loads(line) for line in raw_lines(file)] == [row]


TEXTS = st.text(max_size=8) | st.sampled_from(['"', "\\", "},{", "}\n{", "],", "\r\n", "\u2028", "\ufeff", "\x85"])
RECORDS = st.fixed_dictionaries({"id": st.integers(), "text": TEXTS}, optional={"meta": st.lists(TEXTS, max_size=2)})
LAYOUTS = {
    "lines": "\n".join,
    "lines of a list": lambda rows: "[\r\n" + ",\r\n".join(rows) + "\r\n]",
    "list": lambda rows: f"[{', '.join(rows)}]",
    "joined": "".join,
}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(RECORDS, min_size=2, max_size=6),
    st.sampled_from(sorted(LAYOUTS)),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from([bytes, gzip.compress, streams.zstd.compress]),
    st.booleans(),
)
def test_records_are_read_alike_in_every_layout_encoding_and_packing(
    tmp_path, records, layout, encoding, packed, ascii_only
):
    lines = [json.dumps(record, ensure_ascii=ascii_only) for record in records]
    file = written(tmp_path, "a.json", packed(LAYOUTS[layout](lines).encode(encoding)))
    assert list(read_file(file)) == records
    assert [json.loads(line) for line in raw_lines(file)] == records
