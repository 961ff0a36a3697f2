"""Comma-separated values as spreadsheets write them: titles above the names, columns without a name."""

from __future__ import annotations

import pytest

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
