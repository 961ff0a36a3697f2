import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulsion.errors import UserError
from emulsion.files import read_json, sha256
from emulsion.sources import fetch
from emulsion.sources.local import local_files
from emulsion.sources.rows import ROWS_PER_GROUP, columns_of, read_rows

SYNTHETIC = {"kind": "synthetic", "like": "openhermes", "documents": 50, "seed": 0, "licence": "unstated"}


def raw_files(folder):
    return [folder / file["name"] for file in read_json(folder / "provenance.json")["files"]]


def test_a_generated_source_lies_there_in_its_native_schema_with_its_provenance(tmp_path):
    provenance = fetch("openhermes", SYNTHETIC, tmp_path / "raw")
    [file] = raw_files(tmp_path / "raw")
    assert provenance["files"][0]["sha256"] == sha256(file)
    assert columns_of(file)["conversations"] >= {"from", "value"}
    assert len(list(read_rows([file]))) == 50


def test_fetching_again_gives_the_same_bytes(tmp_path):
    assert fetch("s", SYNTHETIC, tmp_path / "a") == fetch("s", SYNTHETIC, tmp_path / "b")


def test_more_rows_than_a_group_holds_all_arrive_in_order(tmp_path):
    documents = 2 * ROWS_PER_GROUP + 7
    fetch("s", {**SYNTHETIC, "like": "fineweb", "documents": documents}, tmp_path / "raw")
    ids = [row["id"] for row in read_rows(raw_files(tmp_path / "raw"))]
    assert len(set(ids)) == documents


def test_local_files_of_each_format_are_read(tmp_path):
    rows = [{"text": "one"}, {"text": "two"}]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "a.jsonl").write_text(lines)
    with gzip.open(tmp_path / "b.jsonl.gz", "wt") as out:
        out.write(lines)
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "c.parquet")
    fetch("s", {"kind": "local", "files": [str(tmp_path / "*.jsonl*"), str(tmp_path / "c.parquet")]}, tmp_path / "raw")
    files = raw_files(tmp_path / "raw")
    assert list(read_rows(files)) == rows * 3
    assert all(set(columns_of(file)) == {"text"} for file in files)


def test_a_malformed_line_becomes_a_row_to_set_aside(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\nnot json\n"just text"\n{"text": "\xff"}\n')
    assert list(read_rows([tmp_path / "a.jsonl"])) == [{"text": "one"}, {}, {}, {}]


def test_a_missing_local_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"sources\.mine\.files: no file matches '.*nothing-\*\.jsonl'"):
        local_files("mine", {"files": [str(tmp_path / "nothing-*.jsonl")]})


def test_a_local_file_of_an_unknown_format_is_named(tmp_path):
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(UserError, match=r"a\.docx' is not one of"):
        local_files("mine", {"files": [str(tmp_path / "a.docx")]})


def test_a_hub_that_cannot_be_reached_is_an_error_in_words(tmp_path):
    source = {"kind": "hub", "id": "nobody/nothing", "split": "train", "documents": 1, "shuffle_buffer": 1, "seed": 0}
    with pytest.raises(UserError, match=r"sources\.s: the hub dataset 'nobody/nothing' could not be read"):
        fetch("s", source, tmp_path / "raw")
