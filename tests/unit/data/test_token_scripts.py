"""The scripts from documents to statistics, on truncating tokenizers and on text about language models."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import describe_source
import fetch_tokenizer
import pack_tokens
import tokenize_shard
from emulsion.data.tokens import SPLITS, TokenStore
from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from tokenizer_kinds import TEXTS, edit_definition, save_kind

LONG = " ".join(TEXTS[:4]) * 5
CUTTING = {"direction": "Right", "max_length": 16, "strategy": "LongestFirst", "stride": 0}


@pytest.fixture
def documents(tmp_path):
    """Short documents first, so that a sample of them would not show the truncation; one in four names a token."""
    texts = [f"{TEXTS[number % 4][:30]} {number}" for number in range(40)] + [f"{LONG} {n} <|end|>" for n in range(10)]
    metadata = {"kind": "text", "fields": json.dumps(["text"])}
    schema = pa.schema([(name, pa.string()) for name in ("id", "text")], metadata=metadata)
    table = pa.table({"id": [str(number) for number in range(50)], "text": texts}, schema=schema)
    pq.write_table(table, tmp_path / "notes.parquet", row_group_size=25)
    write_json(tmp_path / "provenance.json", {"source": "notes"})
    columns = {"characters": 0, "read": ["text"], "unread": {}}
    splits = {"documents": {"train": 50, "validation": 0, "test": 0}, "copies": {"validation": 0, "test": 0}}
    account = {"read": 50, "kept": 50, "removed": {}, "set_aside": {}, "columns": columns, "splits": splits}
    write_json(tmp_path / "ledger.json", account)
    return texts


def store(folder, tokenizer):
    """Tokenise in two shards and join them."""
    for shard in range(2):
        tokenize_shard.main(
            documents=folder / "notes.parquet",
            provenance=folder / "provenance.json",
            tokenizer=tokenizer,
            held_out=0.1,
            shard=shard,
            shards=2,
            output=folder / f"shards/{shard}",
        )
    shards = [folder / f"shards/{shard}/header.json" for shard in range(2)]
    output = folder / tokenizer.name / "notes"
    pack_tokens.main(shards=shards, provenance=folder / "provenance.json", output=output)
    return TokenStore.open(output)


def test_no_document_is_cut_and_no_text_ends_a_document(tmp_path, documents):
    edit_definition(save_kind("byte_bpe", tmp_path / "brought"), truncation=CUTTING)
    pretrained = {"kind": "pretrained", "block": {"id": str(tmp_path / "brought"), "vocab_size": 302}}
    fetch_tokenizer.main(name="mine", tokenizer=pretrained, output=tmp_path / "mine")
    made = store(tmp_path, tmp_path / "mine")
    end = made.header["end_of_text"]
    tokens = np.concatenate([made._tokens[split] for split in SPLITS])
    assert (tokens == end).sum() == len(documents)
    assert sum(made.header["splits"][split]["bytes"] for split in SPLITS) == sum(map(len, documents))
    assert made.documents().column("tokens").to_numpy().max() > 300

    describe_source.main(
        licence="unstated",
        documents=tmp_path / "notes.parquet",
        ledger=tmp_path / "ledger.json",
        stores=[made.folder / "header.json"],
        output=tmp_path / "stats.json",
    )
    stats = read_json(tmp_path / "stats.json")
    assert stats["documents_with_control_tokens"] == {"mine": 10}
    assert stats["unknown_tokens"] == {"mine": 0}


def test_a_tokenizer_that_cuts_is_refused_by_the_store(tmp_path, documents):
    edit_definition(save_kind("byte_bpe", tmp_path / "brought"), truncation=CUTTING)
    with pytest.raises(UserError, match="`truncation` cuts documents to 16 tokens"):
        store(tmp_path, tmp_path / "brought")
    assert not (tmp_path / "shards/0").exists()


def test_the_share_of_unknown_tokens_is_in_the_statistics(tmp_path, documents):
    made = store(tmp_path, save_kind("wordlevel", tmp_path / "words"))
    describe_source.main(
        licence="unstated",
        documents=tmp_path / "notes.parquet",
        ledger=tmp_path / "ledger.json",
        stores=[made.folder / "header.json"],
        output=tmp_path / "stats.json",
    )
    stats = read_json(tmp_path / "stats.json")
    assert stats["unknown_token_share"]["words"] == stats["unknown_tokens"]["words"] / stats["tokens"]["words"] > 0.05
