"""A folder is looked at: what is read of it and by which columns; what is no text is named."""

import gzip
import json
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulsion.data.sources.folders import flat_text, flattened, look
from emulsion.errors import UserError
from emulsion.study.proposal import notes_of

PROSE = "The house of the king was in the old town, and it was there that he had lived with his mother. "


def write(folder, files):
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder)


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def test_packed_text_counts_as_much_as_the_same_text_that_is_not_packed(tmp_path):
    texts = [f"{number} {PROSE}" * 20 for number in range(50)]
    rows = lines(*({"text": text} for text in texts)).encode()
    plain = look(write(tmp_path / "plain", {"a.jsonl": rows}), "plain")
    packed = look(write(tmp_path / "packed", {"a.jsonl.gz": gzip.compress(rows)}), "packed")
    (tmp_path / "table").mkdir()
    pq.write_table(pa.table({"text": texts}), tmp_path / "table/a.parquet", compression="zstd", use_dictionary=False)
    table = look(str(tmp_path / "table"), "table")
    assert packed.bytes == plain.bytes == len(rows)
    assert table.bytes == pytest.approx(len(rows), rel=0.05)
    assert notes_of({"plain": plain, "packed": packed, "table": table}) == []
    cut = look(write(tmp_path / "cut", {"a.jsonl.gz": gzip.compress(rows)[:-20], "b.jsonl": rows}), "cut")
    assert cut.bytes == len(rows) + len(gzip.compress(rows)) - 20


def test_a_large_packed_file_is_unpacked_at_its_beginning_alone(tmp_path):
    digits = random.Random(0)
    rows = lines(*({"text": f"{digits.getrandbits(8000):x}"} for _ in range(2000))).encode()
    whole = gzip.compress(rows, 1)
    assert len(whole) > 2 << 20
    damaged = whole[: 2 << 20] + bytes(len(whole) - (2 << 20))
    found = look(write(tmp_path, {"a.jsonl.gz": damaged}), "large")
    assert found.bytes == pytest.approx(len(rows), rel=0.05)


def test_files_that_are_no_text_are_named_and_not_read(tmp_path):
    folder = write(
        tmp_path,
        {
            "a.txt": PROSE * 20,
            "deep/b.txt": PROSE,
            "latin.txt": "façade über".encode("latin1") * 5,
            "picture.png": b"\x89PNG\r\n\x1a\n\0\0",
            "paper.pdf": b"%PDF-1.7\n1 0 obj\n",
            "sound.wav": b"RIFF\0\0\0\0WAVE",
            "NOTES": PROSE,
            ".hidden": "x",
        },
    )
    found = look(folder, "texts")
    assert (found.files, found.language, found.kind) == (2, "English", "text")
    assert set(found.unread) == {"latin.txt", "picture.png", "paper.pdf", "sound.wav", "NOTES"}
    assert "iconv" in found.unread["latin.txt"] and "rename it to .txt" in found.unread["NOTES"]
    assert "it is no text" in found.unread["sound.wav"]
    assert found.unread["picture.png"] == "it is an image"
    assert found.unread["paper.pdf"] == "it is a PDF; bring its text to a .txt or .md file"
    assert found.source() == {"cleaning": "once", "local": {"files": [folder], "exclude": ["latin.txt"]}}
    assert found.bytes == len(PROSE) * 21


def test_a_text_that_lies_in_several_files_counts_once(tmp_path):
    other = PROSE.replace("king", "duke")  # as long
    folder = write(tmp_path, {"a.txt": PROSE, "b.txt": other, "deep/a.txt": PROSE, "c.txt": PROSE * 2})
    found = look(folder, "texts")
    assert (found.files, found.copies, found.bytes) == (4, 1, len(PROSE) * 4)
    assert "texts: 1 of its 4 files are copies of others; each text is read once." in notes_of({"texts": found})


def test_known_columns_need_no_proposal(tmp_path):
    folder = write(
        tmp_path, {"rows.jsonl": lines({"question": "Who?", "answer": "Ann."}, {"question": "Why?", "answer": "So."})}
    )
    found = look(folder, "rows")
    assert (found.kind, found.text_field) == ("instruction_response", None)
    assert found.source() == {"cleaning": "once", "local": {"files": [folder]}}


def test_the_column_with_most_of_the_characters_is_proposed(tmp_path):
    folder = write(
        tmp_path, {"rows.jsonl": lines(*({"meta": {"by": "Ann"}, "body": {"main": PROSE}} for _ in range(3)))}
    )
    found = look(folder, "rows")
    assert found.text_field == "body.main" and found.share > 0.9
    assert found.source()["text_field"] == "body.main"


def test_records_without_one_main_column_are_refused_with_two_remedies(tmp_path):
    record = {"a": {"one": PROSE, "two": PROSE}, "b": PROSE, "c": PROSE}
    folder = write(tmp_path / "reports", {"rows.jsonl": lines(record, record)})
    with pytest.raises(UserError) as error:
        look(folder, "reports")
    assert "4 fields of text" in str(error.value) and "a.one (25 %)" in str(error.value)
    assert "--columns reports=a.one" in str(error.value) and "--flatten reports" in str(error.value)
    assert look(folder, "reports", "a.two").text_field == "a.two"
    with pytest.raises(UserError, match=r"--columns my-reports=a\.one.*--flatten my-reports"):
        look(folder, "my-reports")


def test_what_cannot_be_written_or_is_missing_does_not_end_flattening(tmp_path):
    (tmp_path / "one.json").write_text('[{"a": NaN, "b\\ud800": "c"}]')
    assert [row["text"] for row in flattened(str(tmp_path), "one")] == ["b\\ud800: c"]


def test_a_row_that_cannot_be_read_is_flattened_to_one_without_a_text(tmp_path):
    (tmp_path / "x.jsonl").write_text('{"a": "one"}\n{"a": "tw\n{"a": "three"}\n')
    rows = list(flattened(str(tmp_path), "x"))
    assert [row.get("text") for row in rows] == ["a: one", None, "a: three"]
    assert rows[1] == {"id": "x.jsonl#1", "not_read": "not JSON: Unterminated string starting at"}


def test_a_folder_of_plain_text_is_not_flattened(tmp_path):
    (tmp_path / "notes.txt").write_text("one")
    with pytest.raises(UserError, match=r"--flatten: notes: 'notes\.txt' holds no records"):
        list(flattened(str(tmp_path), "notes"))


def test_flattened_records_have_a_line_for_each_field(tmp_path):
    record = {"People": {"Count": {"text": "12"}, "Cities": ["A", "B"]}, "none": None}
    folder = write(tmp_path, {"one.json": json.dumps(record)})
    assert list(flat_text(record)) == ["People, Count: 12", "People, Cities: A", "People, Cities: B"]
    assert list(flattened(folder, "one")) == [{"id": "one.json#0", "text": "\n".join(flat_text(record))}]


def test_source_code_is_called_so(tmp_path):
    assert look(write(tmp_path, {"a.py": "def f():\n    return 1\n"}), "code").language == "code"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no file below it"),
        ({"a.txt": ""}, "all of its files are empty"),
        ({"a.bin": b"\0\1"}, r"It has a\.bin; rename what is text to \.txt, and lines of JSON to \.jsonl\.$"),
        ({"a.jsonl": lines({"number": 1})}, "none of the rows looked at holds text"),
        ({"a.csv": "id;text\n1;words\n"}, "holds text.* cells are separated by semicolons"),
        ({"a.json": '{"data": [{"text": "words"}]}'}, "holds text.* holds 1 records in 'data'; bring those to a file"),
    ],
)
def test_a_folder_without_text_is_refused(tmp_path, files, message):
    with pytest.raises(UserError, match=message):
        look(write(tmp_path, files), "none")


def test_a_slip_in_a_name_is_told(tmp_path):
    (tmp_path / "speeches").mkdir()
    with pytest.raises(UserError, match=r"Did you mean '.*/speeches'"):
        look(str(tmp_path / "speches"), "speeches")


def test_links_that_lead_to_nothing_are_told(tmp_path):
    folder = write(tmp_path / "texts", {"a.txt": PROSE})
    for link, target in (("b.txt", "b.txt"), ("loop", "loop"), ("c.txt", "nowhere")):
        (tmp_path / "texts" / link).symlink_to(target)
    found = look(folder, "texts")
    assert (found.files, set(found.unread), set(found.exclude)) == (1, {"b.txt", "c.txt", "loop"}, {"b.txt", "c.txt"})
    with pytest.raises(UserError, match=r"there is no such folder. It is a link that leads to nothing.$"):
        look(f"{folder}/loop", "texts")


def test_archives_are_told_and_left_out_of_the_configuration(tmp_path):
    files = {"a.txt": PROSE, "b.jsonl.xz": b"\xfd7zXZ\x00", "deep/c.zip": b"PK\x03\x04", "d.tar": b"\0" * 512}
    found = look(write(tmp_path, files), "texts")
    assert (found.files, sorted(found.exclude)) == (1, ["b.jsonl.xz", "d.tar", "deep/c.zip"])
    assert found.unread["b.jsonl.xz"] == "it is an xz archive; unpack it, or pack it by gzip or zstd"


def test_the_home_of_nobody_is_not_there():
    with pytest.raises(UserError, match="~nobody-here/texts: there is no such folder"):
        look("~nobody-here/texts", "one")
