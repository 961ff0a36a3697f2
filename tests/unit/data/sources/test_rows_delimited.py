"""Comma-separated values as spreadsheets write them: titles above the names, columns without a name."""

from __future__ import annotations

import csv

import pytest

from emulsion.data.sources import delimited
from emulsion.data.sources.formats import read_file
from emulsion.data.sources.streams import Malformed

TITLE = "a line above the names of the columns"
ROWS = [{"id": "1", "text": "One.", "note": ""}, {"id": "2", "text": "Two, or three.", "note": "n"}]
BODY = 'id,text,note\n1,One.,\n2,"Two, or three.",n\n'


def read(tmp_path, content, name="a.csv"):
    file = tmp_path / name
    file.write_bytes(content.encode())
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
