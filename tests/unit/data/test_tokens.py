import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.encoding import encoder
from emulsion.data.tokenizers import end_of_text
from emulsion.data.tokens import (
    NOTES,
    SPLITS,
    TokenStore,
    close_documents,
    join_stores,
    open_all,
    report_notes,
    smallest_dtype,
    split_of,
    text_batches,
    write_store,
)
from emulsion.errors import UserError
from emulsion.files import read_json, sha256, write_json
from small_corpus import corpus
from tokenizer_kinds import save_kind

PROVENANCE = {"source": "alpha", "licence": "unstated"}


def write(folder, tokenizer, batches, held_out=0.2):
    return write_store(folder, batches, tokenizer, held_out, PROVENANCE)


def test_a_store_holds_every_document_once_closed_by_the_end_of_text(stores, tokenizer):
    store, (ids, texts) = stores["alpha"], corpus("alpha")
    encode, end = encoder(tokenizer), end_of_text(tokenizer)
    rows = {row["id"]: row for row in store.documents().to_pylist()}
    assert set(rows) == set(ids)
    for document, text in zip(ids, texts, strict=True):
        row = rows[document]
        tokens = store._tokens[row["split"]][row["start"] : row["start"] + row["tokens"]]
        assert np.array_equal(tokens[:-1], encode([text])[0])
        assert tokens[-1] == end
        assert row["bytes"] == len(text.encode())
    assert sum(store.tokens(split) for split in SPLITS) == sum(row["tokens"] for row in rows.values())


def test_batches_of_any_size_give_the_same_store(tmp_path, tokenizer):
    ids, texts = corpus("alpha")
    write(tmp_path / "whole", tokenizer, [(ids, texts)])
    write(tmp_path / "pieces", tokenizer, [(ids[n : n + 7], texts[n : n + 7]) for n in range(0, len(ids), 7)])
    for split in SPLITS:
        assert (tmp_path / "whole" / f"{split}.bin").read_bytes() == (tmp_path / "pieces" / f"{split}.bin").read_bytes()


@pytest.mark.parametrize("shards", [1, 3, 7])
def test_shards_joined_are_the_store_written_at_once(tmp_path, tokenizer, shards):
    ids, texts = corpus("alpha")
    table = pa.table({"id": ids, "text": texts})
    pq.write_table(table, tmp_path / "documents.parquet", row_group_size=50)
    whole = write(tmp_path / "whole", tokenizer, text_batches(pq.ParquetFile(tmp_path / "documents.parquet")))
    parts = [tmp_path / f"part-{shard}" for shard in range(shards)]
    for shard, part in enumerate(parts):
        write(part, tokenizer, text_batches(pq.ParquetFile(tmp_path / "documents.parquet"), shard, shards))
    assert join_stores(tmp_path / "joined", parts, PROVENANCE) == whole
    for file in (tmp_path / "whole").iterdir():
        if file.name == "documents.parquet":
            assert pq.read_table(file).equals(pq.read_table(tmp_path / "joined" / file.name))
        else:
            assert file.read_bytes() == (tmp_path / "joined" / file.name).read_bytes(), file.name
    assert whole["sha256"] == {split: sha256(tmp_path / "joined" / f"{split}.bin") for split in SPLITS}


def test_stores_of_other_tokens_have_other_headers_though_their_counts_are_equal(tmp_path, tokenizer):
    ids, texts = corpus("alpha")
    forwards = write(tmp_path / "forwards", tokenizer, [(ids, texts)])
    backwards = write(tmp_path / "backwards", tokenizer, [(ids[::-1], texts[::-1])])
    hashes = forwards.pop("sha256"), backwards.pop("sha256")
    assert forwards == backwards
    assert all(hashes[0][split] != hashes[1][split] for split in SPLITS)


def test_shards_of_different_tokenizers_are_not_joined(tmp_path, tokenizer):
    for number, name in enumerate("ab"):
        write(tmp_path / name, tokenizer, [corpus("alpha")])
        header = read_json(tmp_path / name / "header.json")
        write_json(tmp_path / name / "header.json", {**header, "tokenizer": str(number)})
    with pytest.raises(UserError, match="differ in `tokenizer`"):
        join_stores(tmp_path / "joined", [tmp_path / "a", tmp_path / "b"], PROVENANCE)


def test_a_document_never_changes_side_when_the_corpus_grows(tmp_path, tokenizer):
    few, many = corpus("alpha", 100), corpus("alpha", 300)
    write(tmp_path / "few", tokenizer, [few])
    write(tmp_path / "many", tokenizer, [many])
    sides = [
        {row["id"]: row["split"] for row in TokenStore.open(tmp_path / name).documents().to_pylist()}
        for name in ("few", "many")
    ]
    assert sides[0].items() <= sides[1].items()


def test_the_splits_have_about_the_shares_asked_for():
    sides = [split_of(f"document-{number}", 0.1) for number in range(10_000)]
    assert 900 < sides.count("test") < 1100
    assert 900 < sides.count("validation") < 1100


def test_sequences_cover_the_tokens_without_gap_or_overlap_of_predictions(stores):
    store, context = stores["beta"], 16
    rows = np.arange(store.count("train", context))
    sequences = store.read("train", rows, context)
    assert sequences.shape == (len(rows), context + 1)
    predicted = sequences[:, 1:].ravel()
    assert np.array_equal(predicted, store._tokens["train"][1 : len(predicted) + 1])
    assert store.tokens("train") - 1 - len(predicted) < context


def test_a_split_too_short_for_one_sequence_has_none(stores):
    assert stores["alpha"].count("test", 10**6) == 0


@given(st.lists(st.integers(0, 5), max_size=10))
def test_closing_documents_puts_one_end_behind_each(lengths):
    flat = np.arange(1, sum(lengths) + 1)
    closed = close_documents(flat, np.array(lengths, dtype=np.int64), 0)
    assert len(closed) == len(flat) + len(lengths)
    assert np.array_equal(closed[closed != 0], flat)
    assert [len(part) for part in np.split(closed, np.flatnonzero(closed == 0))][: len(lengths)] == [
        length + (index > 0) for index, length in enumerate(lengths)
    ]


def test_the_smallest_integer_that_holds_the_vocabulary_is_used():
    assert [smallest_dtype(size) for size in (300, 2**16, 2**16 + 1)] == ["uint16", "uint16", "uint32"]


def test_a_store_that_is_not_whole_is_refused(tmp_path, tokenizer):
    write(tmp_path / "store", tokenizer, [corpus("alpha")])
    with (tmp_path / "store" / "train.bin").open("r+b") as out:
        out.truncate(10)
    with pytest.raises(UserError, match=r"train\.bin: 10 bytes, but its header says"):
        TokenStore.open(tmp_path / "store")


def test_a_store_of_another_format_is_refused(tmp_path, tokenizer):
    write(tmp_path / "store", tokenizer, [corpus("alpha")])
    header = read_json(tmp_path / "store" / "header.json")
    write_json(tmp_path / "store" / "header.json", {**header, "format": 99})
    with pytest.raises(UserError, match="format 99"):
        TokenStore.open(tmp_path / "store" / "header.json")


SPLIT = {"documents": 1, "tokens": 2, "bytes": 3}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"source": None}, r"header\.json\.source: is missing"),
        ({"source": ["alpha"]}, r"header\.json\.source: should be text"),
        ({"tokenizer": None}, r"header\.json\.tokenizer: is missing"),
        ({"dtype": "foo"}, r"header\.json\.dtype: should be uint16 or uint32, but is 'foo'"),
        ({"splits": []}, r"header\.json\.splits: should be counts"),
        ({"splits": {"train": SPLIT, "test": SPLIT}}, "should be counts of documents, tokens, bytes for each"),
        ({"splits": {split: {**SPLIT, "tokens": -2} for split in SPLITS}}, "should be counts"),
        ({"splits": {split: {"tokens": 2} for split in SPLITS}}, "should be counts"),
        ({"sha256": {}}, "should be a SHA-256 for each of train, validation, test"),
        ({"provenance": None}, r"header\.json\.provenance: is missing"),
    ],
)
def test_a_header_that_lacks_what_is_read_when_a_run_has_ended_is_refused_at_once(tmp_path, tokenizer, change, told):
    header = {**write(tmp_path / "store", tokenizer, [corpus("alpha")]), **change}
    kept = {key: value for key, value in header.items() if value is not None}
    write_json(tmp_path / "store" / "header.json", kept)
    with pytest.raises(UserError, match=told):
        TokenStore.open(tmp_path / "store")


def test_two_stores_of_one_source_are_not_taken_for_one(tmp_path, tokenizer, store_folders):
    write(tmp_path / "other", tokenizer, [corpus("alpha")])
    assert list(open_all(store_folders.values())) == list(store_folders)
    with pytest.raises(UserError, match=r"other: source 'alpha' is given twice; the other is .*alpha"):
        open_all([*store_folders.values(), tmp_path / "other"])


def test_shards_of_different_sources_are_not_joined(tmp_path, tokenizer):
    write(tmp_path / "0", tokenizer, [corpus("alpha")])
    write_store(tmp_path / "1", [corpus("beta")], tokenizer, 0.2, {"source": "beta"})
    with pytest.raises(UserError, match="its shards differ in `source`"):
        join_stores(tmp_path / "whole", [tmp_path / "0", tmp_path / "1"], PROVENANCE)


def test_a_missing_store_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        TokenStore.open(tmp_path / "nothing")


def test_control_tokens_in_documents_are_text_and_their_documents_are_counted(tmp_path, tokenizer):
    ids, texts = corpus("alpha")
    texts = [f"{text} <|endoftext|> {text}" if number % 3 == 0 else text for number, text in enumerate(texts)]
    header = write(tmp_path / "store", tokenizer, [(ids, texts)])
    store = TokenStore.open(tmp_path / "store")
    ends = sum(int((store._tokens[split] == header["end_of_text"]).sum()) for split in SPLITS)
    assert ends == len(ids)
    assert header["documents_with_control_tokens"] == len(range(0, len(ids), 3))


def test_the_header_of_a_source_with_nothing_to_note_has_no_notes(tmp_path, tokenizer):
    header = write(tmp_path / "store", tokenizer, [corpus("alpha")])
    assert not set(NOTES) & set(header)


def test_notes_of_shards_are_added_up(tmp_path):
    folder = save_kind("wordpiece", tmp_path / "wordpiece")
    texts = ["the gulls \u6771 [SEP]", "\u6771 \u4eac", "the boats", "an [SEP]"]
    parts = [tmp_path / f"part-{number}" for number in range(2)]
    for number, part in enumerate(parts):
        write(part, folder, [([str(number), f"{number}b"], texts[2 * number : 2 * number + 2])])
    whole = write(tmp_path / "whole", folder, [(["0", "0b", "1", "1b"], texts)])
    assert join_stores(tmp_path / "joined", parts, PROVENANCE) == whole
    assert (whole["documents_with_control_tokens"], whole["unknown_tokens"]) == (2, 3)


def test_many_unknown_tokens_are_warned_of_with_their_share(caplog):
    header = {"source": "alpha", "splits": {"train": {"tokens": 900}, "test": {"tokens": 100}}, "unknown_tokens": 300}
    with caplog.at_level(logging.INFO):
        report_notes(header)
        report_notes({**header, "source": "beta", "unknown_tokens": 5, "documents_with_control_tokens": 7})
    assert [(record.levelname, record.message.split(",")[0].split(";")[0]) for record in caplog.records] == [
        ("WARNING", "alpha: 300 tokens (30.00 %) are unknown tokens"),
        ("INFO", "beta: 7 documents have a control token written in them"),
        ("INFO", "beta: 5 tokens (0.50 %) are unknown tokens"),
    ]
