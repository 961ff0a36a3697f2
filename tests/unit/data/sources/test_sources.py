from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.formats import columns_of
from emulsion.data.sources.parquet import ROWS_PER_GROUP
from emulsion.files import sha256
from raw_rows import files_of, read_rows

SYNTHETIC = {"kind": "synthetic", "like": "openhermes", "documents": 50, "seed": 0, "licence": "unstated"}


def test_a_generated_source_lies_there_in_its_native_schema_with_its_provenance(tmp_path):
    provenance = fetch("openhermes", SYNTHETIC, tmp_path / "raw")
    [file] = files_of(tmp_path / "raw")
    assert provenance["files"][0]["sha256"] == sha256(file)
    assert columns_of(file)["conversations"] >= {"from", "value"}
    assert len(list(read_rows([file]))) == 50


def test_fetching_again_gives_the_same_bytes(tmp_path):
    assert fetch("s", SYNTHETIC, tmp_path / "a") == fetch("s", SYNTHETIC, tmp_path / "b")


def test_more_rows_than_a_group_holds_all_arrive_in_order(tmp_path):
    documents = 2 * ROWS_PER_GROUP + 7
    fetch("s", {**SYNTHETIC, "like": "fineweb", "documents": documents}, tmp_path / "raw")
    ids = [row["id"] for row in read_rows(files_of(tmp_path / "raw"))]
    assert len(set(ids)) == documents
