"""A shard of a fetched source: its documents, their signatures, and the account of every row."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emulsion.data import shards
from emulsion.data.cleaning import Cleaning
from emulsion.data.shards import Shard, grouped, join_documents, known_rows, normalize_shard
from emulsion.data.tokens import SPLITS, split_of
from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl


@pytest.fixture
def fetched(tmp_path):
    """(provenance, folder) of a source of two files, whose second has a row without text."""
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    (folder / "b.jsonl").write_text('{"text": "three"}\n{"text": null}\n')
    return provenance(folder), folder


def provenance(folder):
    names = sorted(path.name for path in folder.iterdir())
    files = [{"name": name, "path": name, "python": None, "bytes": 1, "sha256": "", "rows": 2} for name in names]
    return {"source": "mine", "files": files}


def test_a_shard_has_its_files_alone_and_the_columns_of_all(fetched):
    first, second = (Shard.of(*fetched, shard, 2) for shard in range(2))
    assert (first.kinds.first.name, set(first.kinds.columns), first.rows) == ("text", {"text"}, 2)
    assert [document["text"] for document, _ in first.documents("web")] == ["one", "two"]
    assert [document and document["text"] for document, _ in second.documents("web")] == ["three", None]


def test_each_file_is_read_by_its_own_columns(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    (folder / "a.jsonl").write_text('{"title": "none"}\n')
    (folder / "b.jsonl").write_text('{"text": "one"}\n')
    (folder / "c.jsonl").write_text(json.dumps({"messages": turns}) + "\n")
    (folder / "d.jsonl").write_text("oops\n")
    pairs = list(Shard.of(provenance(folder), folder).documents("web"))
    assert [document and document["text"] for document, _ in pairs] == [None, "one", "user: q\nassistant: a", None]
    reasons = [record["reason"] for _, record in pairs if record]
    assert reasons == ["no known schema fits its columns (title)", "not JSON: Expecting value"]


def test_a_source_of_which_no_file_can_be_read_is_refused_with_the_reasons(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "a.jsonl").write_text("oops\n")
    with pytest.raises(
        UserError, match=r"sources\.mine: nothing is left .* 'a\.jsonl': row 0: not JSON: Expecting value"
    ):
        Shard.of(provenance(folder), folder)
    (folder / "b.jsonl").write_text('{"title": "none"}\n')
    with pytest.raises(UserError, match=r"sources\.mine: no known schema fits its columns \(title\)"):
        Shard.of(provenance(folder), folder)


def test_a_shard_is_written_with_the_account_of_its_rows(fetched, tmp_path):
    normalize_shard(Shard.of(*fetched), "web", Cleaning.from_json({}), tmp_path / "out")
    documents = pq.read_table(tmp_path / "out" / "normalize.parquet")
    assert documents.column("text").to_pylist() == ["one", "two", "three"]
    assert json.loads(documents.schema.metadata[b"fields"]) == ["text"]
    assert [record["row"] for record in read_jsonl(tmp_path / "out" / "normalize.jsonl")] == [1]
    account = read_json(tmp_path / "out" / "normalize.json")
    assert (account["read"], account["kept"]) == (4, 3)
    assert (tmp_path / "out" / "signatures.parquet").exists()


def test_groups_are_bounded_by_documents_and_by_characters(monkeypatch):
    monkeypatch.setattr(shards, "DOCUMENTS_PER_GROUP", 2)
    monkeypatch.setattr(shards, "CHARACTERS_PER_GROUP", 5)
    pairs = [({"text": text}, None) for text in ("a", "b", "longer", "c")] + [(None, {"row": 4})]
    sizes = [(len(good), len(bad)) for good, bad in grouped(iter(pairs))]
    assert sizes == [(2, 0), (1, 0), (1, 1), (0, 0)]


def test_rows_are_known_where_every_file_has_been_counted(fetched):
    record, folder = fetched
    files = Shard.of(record, folder).files
    assert known_rows(record, files) == 4
    del record["files"][0]["rows"]
    assert known_rows(record, files) is None


def test_documents_of_shards_are_put_together_in_order(tmp_path):
    for name, texts in (("a", ["one", "two"]), ("b", ["three"])):
        pq.write_table(pa.table({"id": texts, "text": texts}), tmp_path / name, row_group_size=1)
    splits, cut = join_documents([tmp_path / "a", tmp_path / "b"], tmp_path / "all", held_out=0.05)
    assert (sum(splits.documents.values()), cut) == (3, None)
    together = pq.ParquetFile(tmp_path / "all")
    assert together.read().column("text").to_pylist() == ["one", "two", "three"]
    assert together.num_row_groups == 3


@pytest.mark.parametrize("own", SPLITS)
def test_a_long_document_without_others_is_cut_into_splits_of_the_same_text(own, tmp_path):
    name = next(name for name in map("input{}.txt".format, range(1000)) if split_of(name, 0.05) == own)
    text = "".join(f"Line {number} of the play.\n" for number in range(2000))
    columns = {"id": [name], "text": [text], "source": ["play"], "type": ["text"]}
    pq.write_table(pa.table(columns), tmp_path / "a")
    splits, cut = join_documents([tmp_path / "a"], tmp_path / "all", held_out=0.05)
    parts = pq.read_table(tmp_path / "all").to_pylist()
    assert splits.documents == {"train": 1, "validation": 1, "test": 1}
    assert cut == name
    assert [split_of(part["id"], 0.05) for part in parts] == ["train", "validation", "test"]
    assert "".join(part["text"] for part in parts) == text
    assert all(part["text"].startswith("Line ") for part in parts)
    assert len(parts[1]["text"]) == pytest.approx(0.05 * len(text), rel=0.1)


def test_two_held_out_documents_leave_one_that_is_cut_for_training(tmp_path):
    ids = {own: next(name for name in map(str, range(1000)) if split_of(name, 0.05) == own) for own in SPLITS[1:]}
    texts = {"validation": "a line of some length\n" * 1000, "test": "a short line\n"}
    rows = [{"id": ids[own], "text": texts[own], "source": "play", "type": "text"} for own in texts]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a")
    splits, cut = join_documents([tmp_path / "a"], tmp_path / "all", held_out=0.05)
    assert (splits.documents, cut) == ({"train": 1, "validation": 1, "test": 1}, ids["validation"])


@pytest.mark.parametrize(("ids", "by_text"), [(["en"] * 9, True), (list("abcdefghi"), False), ([None] * 9, False)])
def test_ids_that_rows_share_do_not_tell_documents_apart(tmp_path, ids, by_text):
    folder = tmp_path / "raw"
    folder.mkdir()
    rows = [json.dumps({"id": each, "text": f"text {number}"}) for number, each in enumerate(ids)]
    (folder / "a.jsonl").write_text("\n".join(rows))
    shard = Shard.of(provenance(folder), folder)
    assert shard.by_text == by_text
    assert len({document["id"] for document, _ in shard.documents("web")}) == 9
