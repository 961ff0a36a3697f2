import gzip
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.sources.raw import RawFile, raw_files, shard_files
from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl, write_json

SCRIPTS = Path(__file__).parents[4] / "workflow/scripts"
SIZES = st.lists(st.integers(0, 10**9), max_size=40)


def files_of(sizes):
    return [RawFile(Path(f"part-{number:05d}.jsonl"), str(number), size) for number, size in enumerate(sizes)]


@given(SIZES, st.integers(1, 50))
def test_the_shards_in_order_are_the_files_in_order(sizes, shards):
    files = files_of(sizes)
    assert [file for shard in range(shards) for file in shard_files(files, shard, shards)] == files


@given(SIZES, st.integers(1, 10))
def test_no_shard_has_more_than_its_share_and_one_file(sizes, shards):
    files = files_of(sizes)
    share = sum(size + 1 for size in sizes) / shards
    for shard in range(shards):
        assert sum(file.bytes + 1 for file in shard_files(files, shard, shards)) <= share + max([0, *sizes]) + 1


def test_equal_files_are_dealt_equally():
    files = files_of([100] * 12)
    assert [len(shard_files(files, shard, 4)) for shard in range(4)] == [3, 3, 3, 3]


@pytest.mark.parametrize(("shard", "shards"), [(4, 4), (-1, 4), (0, 0)])
def test_a_shard_that_there_is_not_is_refused(shard, shards):
    with pytest.raises(UserError, match=rf"--shard {shard}"):
        shard_files([], shard, shards)


@pytest.mark.parametrize("name", ["../../secret.jsonl", "/etc/passwd", "sub/a.jsonl", "..", ""])
def test_a_file_outside_of_the_raw_folder_is_refused(tmp_path, name):
    provenance = {"source": "s", "files": [{"name": name, "bytes": 1, "sha256": ""}]}
    with pytest.raises(UserError, match=r"provenance\.json: the file '.*' is not in this folder"):
        raw_files(provenance, tmp_path)


def provenance_of(folder):
    files = [{"name": file.name, "bytes": file.stat().st_size, "sha256": ""} for file in sorted(folder.iterdir())]
    write_json(folder / "provenance.json", {"source": "mine", "kind": "local", "files": files})
    return folder / "provenance.json"


@pytest.fixture
def raw(tmp_path):
    """The provenance of a source with a bad row of every kind: 15 rows that are good, and 15 that are not."""
    folder = tmp_path / "raw"
    folder.mkdir()
    turns = [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello."}]
    good = [{"id": f"g{number}", "conversations": turns} for number in range(4)]
    bad = [
        {},
        {"conversations": None},
        {"conversations": "text"},
        {"conversations": []},
        {"conversations": [{"from": "tool", "value": "x"}]},
        {"conversations": [{"from": "human", "value": 7}]},
        {"conversations": [turns[0]]},
        {"conversations": [turns[0], {"from": "gpt", "value": "\ud800"}]},
        {"id": "\ud800", "conversations": turns},
    ]
    lines = [json.dumps(row).encode() for row in [*bad[:4], *good, *bad[4:]]]
    (folder / "a.jsonl").write_bytes(b"\n".join([*lines, b"not json", b'{"id": "\xff"}', b"[1]"]))
    packed = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in good))
    (folder / "b.jsonl.gz").write_bytes(packed + packed[:30])
    pq.write_table(pa.Table.from_pylist([{"text": "other columns"}, {"text": "and no chat"}]), folder / "c.parquet")
    (folder / "d.parquet").write_bytes(b"PAR1 and nothing else")
    (folder / "e.json").write_text(json.dumps([*good, 3]) + "]")
    return provenance_of(folder)


def run_script(name, *options):
    """What a script said, and whether it ended well."""
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stderr, done.returncode == 0


def normalize(raw, folder, *options):
    """(documents, rows set aside) of a shard."""
    said, well = run_script("normalize", "--raw", raw, "--type", "conversation", "--output", folder, *options)
    assert well, said
    return pq.read_table(folder / "normalize.parquet").to_pylist(), read_jsonl(folder / "normalize.jsonl")


def gather(folder, *options):
    """What is said when the only shard of a source is gathered."""
    files = ["--documents", "normalize.parquet", "--quarantines", "normalize.jsonl", "--ledgers", "normalize.json"]
    inputs = [folder / part if "." in part else part for part in files]
    outputs = ["--output", folder / "all.parquet", "--quarantine", folder / "q.jsonl", "--ledger", folder / "l.json"]
    return run_script("gather", "--source", "mine", "--held-out", 0.05, *inputs, *outputs, *options)


def test_every_row_is_kept_or_set_aside_with_where_it_was(raw, tmp_path):
    documents, aside = normalize(raw, tmp_path)
    chats, others = [document for document in documents if "Hi?" in document["text"]], documents[-6:-4]
    assert len(chats) == 13
    assert len({document["id"] for document in chats}) == 1  # their own ids are shared by three files
    assert [document["text"] for document in others] == ["other columns", "and no chat"]
    assert [(record["file"], record["row"]) for record in aside] == [
        *[("a.jsonl", row) for row in (0, 1, 2, 3, 8, 9, 10, 11, 13, 14, 15)],
        ("b.jsonl.gz", 4),
        ("d.parquet", 0),
        *[("e.json", row) for row in (4, 5)],
    ]
    assert all(record["reason"] for record in aside)
    said, well = gather(tmp_path)
    assert not well
    assert "sources.mine: 15 of 30 rows (50.0 %) are no documents" in said
    assert "sources.mine.max_loss: 0.5" in said
    said, well = gather(tmp_path, "--max-loss", 0.5)
    assert well, said
    assert "15 of 30 rows" in said
    ledger = read_json(tmp_path / "l.json")
    assert (ledger["read"], ledger["kept"]) == (30, 15)
    assert sum(ledger["removed"].values()) == sum(ledger["set_aside"].values()) == 15


def test_the_shards_together_are_what_one_shard_makes(raw, tmp_path):
    documents, aside, shards = [], [], 7
    for shard in range(shards):
        some, others = normalize(raw, tmp_path, "--shard", shard, "--shards", shards)
        documents += some
        aside += others
    assert (documents, aside) == normalize(raw, tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        (
            "a.jsonl",
            b'{"text": ""}\n{"text": 7}\n',
            "nothing is left of 2 rows: 1 x 'text' is empty (first: a.jsonl, row 0); 1 x 'text' is int, not text",
        ),
        ("a.txt", b"", "nothing is left of 1 rows: 1 x 'text' is empty"),
    ],
)
def test_a_source_with_nothing_left_says_so_and_leaves_no_file(tmp_path, name, data, reason):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / name).write_bytes(data)
    normalize(provenance_of(tmp_path / "raw"), tmp_path)
    said, well = gather(tmp_path)
    assert reason in said
    assert not well
    assert not (tmp_path / "all.parquet").exists()


def test_a_source_of_which_nothing_can_be_read_says_so(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.jsonl").write_bytes(b"oops\n")
    raw = provenance_of(tmp_path / "raw")
    said, well = run_script("normalize", "--raw", raw, "--type", "conversation", "--output", tmp_path)
    assert "nothing is left of it: none of its files has a row that can be read" in said
    assert not well


PARAGRAPH = "The harbour master wrote down every ship that came in on the morning tide and what it carried that day."


def test_filtered_documents_are_counted_and_set_aside_in_full_where_asked(tmp_path):
    (tmp_path / "raw").mkdir()
    rows = [{"id": "long", "text": PARAGRAPH}, {"id": "short", "text": "Too short."}]
    (tmp_path / "raw/a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    raw = provenance_of(tmp_path / "raw")
    cleaning = {"unicode": "NFC", "words": [5, 100]}
    documents, aside = normalize(raw, tmp_path, "--cleaning", json.dumps(cleaning))
    assert [document["id"] for document in documents] == ["long"]
    assert aside == []
    _, aside = normalize(raw, tmp_path, "--cleaning", json.dumps({**cleaning, "keep_removed": True}))
    assert aside == [{"id": "short", "reason": "length: fewer than 5 words", "text": "Too short."}]
    account = read_json(tmp_path / "normalize.json")
    assert (account["read"], account["kept"], account["removed"]) == (2, 1, {aside[0]["reason"]: 1})
    assert account["set_aside"] == {}
