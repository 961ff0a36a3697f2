"""Comma-separated and tab-separated values, as parsers and as spreadsheets write them."""

from __future__ import annotations

import csv
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.sources import cutting, delimited
from emulsion.data.sources.formats import read_file
from emulsion.data.sources.streams import Malformed
from raw_rows import reasons

TITLE = "a line above the names of the columns"
ROWS = [{"id": "1", "text": "One.", "note": ""}, {"id": "2", "text": "Two, or three.", "note": "n"}]
BODY = 'id,text,note\n1,One.,\n2,"Two, or three.",n\n'


def read(tmp_path, content, name="a.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(read_file(file))


@pytest.mark.parametrize(
    "above",
    [
        ["Do not copy these,,"],
        [",,"],
        ['"Answers, as of May",,', ",,"],
        ["# version 3, made by hand,,,"],
        ["# made by hand"],
        ["Answers of May"],
        ["sep=,"],
        ["Answers of May", "second edition"],
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_titles_above_the_names_are_set_aside(tmp_path, above, end):
    found = read(tmp_path, "".join(line + end for line in above) + BODY)
    assert found == [*(Malformed(TITLE, line + end.removesuffix("\n").strip("\n")) for line in above), *ROWS]


def test_titles_are_known_where_the_first_row_is_over_several_lines(tmp_path):
    assert read(tmp_path, 'Not for training,,\n,,\nid,text,note\n1,"One.\nMore.",\n') == [
        Malformed(TITLE, "Not for training,,"),
        Malformed(TITLE, ",,"),
        {"id": "1", "text": "One.\nMore.", "note": ""},
    ]


def test_columns_without_a_name_are_called_by_their_place(tmp_path):
    assert read(tmp_path, "label,text,,\nham,Hello.,,\nspam,Win!,now,\n") == [
        {"label": "ham", "text": "Hello.", "column 3": "", "column 4": ""},
        {"label": "spam", "text": "Win!", "column 3": "now", "column 4": ""},
    ]
    assert [list(row) for row in read(tmp_path, "text, , \nHello.,,\n")] == [["text", "column 2", "column 3"]]
    assert read(tmp_path, ",text\n0,Hello.\n") == [{"column 1": "0", "text": "Hello."}]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("text,,\nOne.,,\nTwo.,,\n", ["text", "column 2", "column 3"]),  # no other line has names
        ("#id,text\n1,One.\n", ["#id", "text"]),
        ("text\nOne.\n", ["text"]),
        ("a,b\n1,2\n", ["a", "b"]),
    ],
)
def test_the_first_line_has_the_names_where_it_may(tmp_path, content, names):
    assert [list(row) for row in read(tmp_path, content)] == [names] * (content.count("\n") - 1)


def test_other_delimiters_are_still_told_from_titles(tmp_path):
    found = read(tmp_path, "id;text\n1;One, two, three\n2;Four, five, six\n")
    assert all("separated by semicolons" in row.reason for row in found)


def test_lines_of_text_with_commas_are_no_names(tmp_path):
    found = read(tmp_path, "text\nYes, no, perhaps\nOne, two, three\n")
    assert [row.reason for row in found] == ["3 cells, but the first line names 1"] * 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (['100\t"Yes, I do,', '101\tand you too."'], [("100", '"Yes, I do,'), ("101", 'and you too."')]),
        (
            ['100\t"Yes,', "101\tI", '102\tdo."', '103\t"quoted"'],
            [("100", '"Yes,'), ("101", "I"), ("102", 'do."'), ("103", "quoted")],
        ),
        (['100\t"Yes,', 'I do."'], [("100", "Yes,{end}I do.")]),
        (['100\t"Yes,', "", '101\tyou too."'], [("100", "Yes,{end}{end}101\tyou too.")]),
    ],
)
def test_lines_that_are_rows_by_themselves_are_not_joined_by_their_quotes(tmp_path, end, lines, rows):
    found = read(tmp_path, end.join(["id\ttext", "1\tx", *lines, "200\tlast", ""]), "a.tsv")
    wanted = [("1", "x"), *rows, ("200", "last")]
    assert found == [{"id": number, "text": text.replace("{end}", end)} for number, text in wanted]


def test_lines_of_one_cell_are_joined_by_their_quotes(tmp_path):
    assert read(tmp_path, 'text\n"One.\nMore."\nTwo.\n', "a.tsv") == [{"text": "One.\nMore."}, {"text": "Two."}]


@pytest.mark.parametrize(
    "lines",
    [
        ['a"b,"cd', *['e,""f'] * 2000],
        ['a,"cd', *['e,""f""'] * 2000],
        ['b""",",'] * 2000,
        [*['b""",",'] * 2000, 'x",1,2'],
        ['a,"cd', *["e,f"] * 2000, 'g,"h"'],
    ],
)
def test_a_quote_is_looked_for_in_each_line_a_few_times_at_most(tmp_path, monkeypatch, lines):
    parsed = []
    reader = csv.reader

    def counted(source, **settings):
        return reader((parsed.append(line) or line for line in source), **settings)

    monkeypatch.setattr(delimited.csv, "reader", counted)
    assert len(read(tmp_path, "\n".join(["id,text", *lines, ""]))) == len(lines)
    assert len(parsed) < 12 * len(lines)
    assert sum(map(len, parsed)) < 12 * sum(map(len, lines))


def test_a_quote_that_is_open_behind_a_stray_one_is_closed(tmp_path):
    found = read(tmp_path, 'id,text\n1,"stray\n2,two\n3,"over\nlines"\n4,a"b\n5,"c\nd"\n')
    assert [row.reason if isinstance(row, Malformed) else row["text"] for row in found] == [
        "not CSV: a quote is opened, and closed in a later line where no cell ends",
        *("two", "over\nlines", 'a"b', "c\nd"),
    ]


def test_a_stray_quote_does_not_cost_a_later_row_that_has_one_as_well(tmp_path):
    found = read(tmp_path, 'id,text\n1,"stray\n2,two\nnail 5","over\nlines"\n4,four\n')
    assert [row for row in found if not isinstance(row, Malformed)] == [
        {"id": "2", "text": "two"},
        {"id": 'nail 5"', "text": "over\nlines"},
        {"id": "4", "text": "four"},
    ]


def test_a_row_with_a_stray_quote_and_a_cell_over_lines_is_read(tmp_path):
    assert read(tmp_path, 'id,text\na"b,"one\ntwo"\n') == [{"id": 'a"b', "text": "one\ntwo"}]


def test_csv_has_its_rows_under_the_names_of_the_first_line(tmp_path):
    rows = [{"id": "1", "text": 'He said "no",\n\nthen left.'}, {"id": "2", "text": "é"}, {"id": "3", "text": ""}]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8-sig") as out:
        writer = csv.DictWriter(out, ["id", "text"])
        writer.writeheader()
        writer.writerows(rows)
    assert list(read_file(tmp_path / "a.csv")) == rows


def test_bad_rows_of_csv_are_set_aside_each_with_its_reason(tmp_path):
    data = b'id,text\n1,one\n2\n3,three,more\n4,\xff\n5,"five"x\n\n6,six\n7,"never closed\n8,eight\n'
    assert reasons(read(tmp_path, data)) == [
        {"id": "1", "text": "one"},
        "1 cells, but the first line names 2",
        "3 cells, but the first line names 2",
        "not valid UTF-8",
        "not CSV: ',' expected after '\"'",
        {"id": "6", "text": "six"},
        "not CSV: a quote is opened and never closed",
        {"id": "8", "text": "eight"},
    ]


def test_a_line_of_csv_over_the_limit_is_set_aside_and_the_next_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(cutting, "ROW_BYTES", 1000)
    monkeypatch.setattr(delimited, "ROW_BYTES", 1000)
    data = 'id,text\n1,a\n2,"' + "x" * 2000 + '"\n3,c\n4,"' + "y\n" * 900 + '"\n5,e\n'
    assert reasons(read(tmp_path, data)) == [
        {"id": "1", "text": "a"},
        "longer than 0 MB",
        {"id": "3", "text": "c"},
        "not CSV: a quote is opened and not closed within 0 MB",
        *["1 cells, but the first line names 2"] * 899,
        "not CSV: a quote is opened and never closed",
        {"id": "5", "text": "e"},
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"a,b,a\n1,2,3\n4,5,6\n", "two of the columns are named 'a'; name them apart in the first line"),
        (b"id,t\xe9xt\n1,2\n\n3,4", "the first line should name the columns, but is not valid UTF-8"),
    ],
)
def test_a_csv_whose_columns_are_not_named_is_set_aside_whole(tmp_path, data, reason):
    rows = read(tmp_path, data)
    assert [row.reason for row in rows] == [reason] * 2
    assert rows[0].content.startswith("1,2")


def test_a_stray_quote_of_csv_costs_its_row_alone_which_is_shown(tmp_path):
    lines = [f"{number},row {number}" for number in range(200)]
    lines[5] = '5,"never closed'
    lines[90] = '90,"in quotes, with a comma"'
    lines[91] = '91,"over\ntwo ""lines"""'
    rows = read(tmp_path, "\n".join(["id,text", *lines, ""]))
    assert len(rows) == 200
    assert rows[5] == Malformed("not CSV: a quote is opened, and closed in a later line where no cell ends", lines[5])
    assert rows[90] == {"id": "90", "text": "in quotes, with a comma"}
    assert rows[91] == {"id": "91", "text": 'over\ntwo "lines"'}
    assert sum(isinstance(row, dict) for row in rows) == 199


def test_what_is_shown_of_a_bad_row_of_csv_is_its_first_2000_characters(tmp_path):
    [row] = read(tmp_path, 'id,text\n1,"' + "x" * 5000 + "\n")
    assert row.content == '1,"' + "x" * 1997


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('a",\n\r é'), max_size=6), min_size=2, max_size=2).filter(any), max_size=8
    )
)
def test_csv_that_is_whole_is_what_a_parser_makes_of_it(tmp_path_factory, rows):
    file = tmp_path_factory.mktemp("csv") / "a.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        # The writer leaves \r without quotes, which is no CSV.
        quoting = csv.QUOTE_ALL if any("\r" in cell for row in rows for cell in row) else csv.QUOTE_MINIMAL
        csv.writer(out, lineterminator="\n", quoting=quoting).writerows([["a", "b"], *rows])
    assert [list(row.values()) for row in read_file(file)] == rows


def test_tab_separated_values_have_their_rows(tmp_path):
    assert read(tmp_path, "id\ttext\n1\tone, two\n", "a.tsv") == [{"id": "1", "text": "one, two"}]


def test_a_quote_of_tab_separated_values_is_a_character_where_it_quotes_nothing(tmp_path):
    data = 'id\ttext\n1\t"Quoted" text\n2\t"open\n3\t"in\tquotes"\n4\t"two\nlines"\n5\ttoo\tmany\n'
    assert reasons(read(tmp_path, data, "a.tsv")) == [
        {"id": "1", "text": '"Quoted" text'},
        {"id": "2", "text": '"open'},
        {"id": "3", "text": "in\tquotes"},
        {"id": "4", "text": "two\nlines"},
        "3 cells, but the first line names 2",
    ]


@pytest.mark.parametrize(("other", "mend"), [(";", "save it anew as .csv with commas"), ("\t", "ends in .tsv")])
def test_csv_with_another_separator_is_told_what_to_do(tmp_path, other, mend):
    [row] = read(tmp_path, f"id{other}text\n1{other}one\n")
    assert row.reason.endswith(mend)


def test_a_table_of_many_columns_is_read_in_time_that_grows_with_them(tmp_path):
    names = [f"c{place}" for place in range(30_000)]
    content = ",".join(names) + "\n" + ",".join(names) + "\n"
    start = time.process_time()
    assert read(tmp_path, content) == [dict(zip(names, names, strict=True))]
    assert time.process_time() - start < 5
