"""One flipped bit or half of a Parquet file, raw or of ours: its next reader names it and says what to make again."""

import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import deduplicate
import describe_source
import make_tokenizer
import tokenize_shard
from emulsion import tables
from emulsion.data.cleaning import Cleaning
from emulsion.data.shards import Shard, join_documents, normalize_shard
from emulsion.data.sources.fetch import fetch
from emulsion.data.sources.groups import split_groups
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.files import read_json, sha256, write_json, write_jsonl
from emulsion.tables import open_table, read_table, table_writer, write_table

SCHEMA = pa.schema([(name, pa.string()) for name in ("id", "text")], metadata={"kind": "text"})
CLEANING = {"deduplicate": {"exact": True}}
TABLE = pa.table({"id": ["a", "b", "c"], "text": ["one", "two, longer", "three"]}, schema=SCHEMA)


def flip(file, place, bit=0):
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    file.write_bytes(content)
    tables._is_damaged.cache_clear()  # a job reads a file once; its name, size and time may all be those of before


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


DAMAGES = pytest.mark.parametrize(
    "damage", [lambda file: flip(file, file.stat().st_size // 3), halve], ids=["bit", "half"]
)


def test_a_bit_anywhere_in_a_table_is_noticed_or_changes_nothing(tmp_path):
    file = tmp_path / "a.parquet"
    write_table(TABLE, file)
    whole, unnoticed = file.read_bytes(), 0
    for place in range(len(whole)):
        flip(file, place, place % 8)
        try:
            found = read_table(file)
        except UserError as error:
            assert str(error).startswith(f"{file}: ")
        else:
            assert found.equals(TABLE)
            unnoticed += 1
        file.write_bytes(whole)
    assert unnoticed <= len(tables.SEAL) + 2  # what says that there is a seal


def test_a_sealed_table_is_one_for_any_reader_and_a_copy_gets_a_seal_of_its_own(tmp_path):
    write_table(TABLE, tmp_path / "a.parquet")
    assert pq.read_table(tmp_path / "a.parquet").equals(TABLE)
    opened = open_table(tmp_path / "a.parquet")
    assert opened.schema_arrow.metadata == {b"kind": b"text"}
    with table_writer(tmp_path / "b.parquet", opened.schema_arrow) as writer:
        writer.write_table(opened.read_row_group(0).slice(0, 2))
    assert read_table(tmp_path / "b.parquet").num_rows == 2


def test_a_table_from_elsewhere_is_taken_as_it_is(tmp_path):
    pq.write_table(TABLE, tmp_path / "a.parquet")
    assert read_table(tmp_path / "a.parquet").equals(TABLE)
    with pytest.raises(UserError, match=r"b\.parquet: no such file"):
        open_table(tmp_path / "b.parquet")


@pytest.fixture
def source(tmp_path):
    """A fetched source of chats, normalised, in one shard."""
    raw = tmp_path / "raw"
    fetch("chats", {"kind": "synthetic", "like": "cosmopedia", "documents": 60, "seed": 0}, raw)
    normalize_shard(
        Shard.of(read_json(raw / "provenance.json"), raw), "web", Cleaning.from_json(CLEANING), tmp_path / "shard"
    )
    join_documents([tmp_path / "shard/normalize.parquet"], tmp_path / "chats.parquet", 0.1)
    return tmp_path


@DAMAGES
def test_a_damaged_raw_file_is_refused_by_normalising_and_splitting(source, damage):
    [file] = (source / "raw").glob("*.parquet")
    damage(file)
    provenance = read_json(source / "raw/provenance.json")
    words = rf"{re.escape(file.name)}: damaged, or changed since it was fetched.*delete .*provenance\.json, then run"
    with pytest.raises(UserError, match=words):
        Shard.of(provenance, source / "raw")
    with pytest.raises(UserError, match=words):
        split_groups(provenance, source / "raw", "text", source / "groups")


@DAMAGES
def test_damaged_documents_and_signatures_of_a_shard_are_refused(source, damage):
    documents, signatures = source / "shard/normalize.parquet", source / "shard/signatures.parquet"
    asked = {"documents": documents, "source": "chats", "shard": 0, "own": [signatures], "held_out": 0.1}
    asked |= {"cleaning": CLEANING, "output": source / "shard"}
    damage(signatures)
    with pytest.raises(UserError, match=r"signatures\.parquet: (damaged|not a Parquet file)"):
        deduplicate.main(**asked)
    damage(documents)
    with pytest.raises(UserError, match=r"normalize\.parquet: (damaged|not a Parquet file)"):
        join_documents([documents], source / "joined.parquet", 0.1)
    with pytest.raises(UserError, match=r"normalize\.parquet: (damaged|not a Parquet file)"):
        deduplicate.main(**asked)


@DAMAGES
def test_a_damaged_normalised_source_is_refused_by_each_of_its_readers(source, tokenizer, damage):
    documents = source / "chats.parquet"
    damage(documents)
    write_json(source / "provenance.json", {"source": "chats"})
    readers = (
        lambda: describe_source.main(
            documents=documents, ledger=source / "none.json", licence=None, output=source / "stats.json"
        ),
        lambda: make_tokenizer.main(
            tokenizer={"kind": "bpe", "block": {"megabytes": 1, "vocab_size": 300}},
            documents=[documents],
            output=source / "small",
        ),
        lambda: tokenize_shard.main(
            documents=documents,
            provenance=source / "provenance.json",
            tokenizer=tokenizer,
            held_out=0.1,
            output=source / "store",
        ),
    )
    for read in readers:
        with pytest.raises(UserError, match=r"chats\.parquet: (damaged|not a Parquet file).*snakemake"):
            read()


@DAMAGES
def test_a_damaged_index_of_a_store_is_refused(tmp_path, store_folders, damage):
    import shutil

    store = TokenStore.open(shutil.copytree(store_folders["alpha"], tmp_path / "alpha"))
    damage(tmp_path / "alpha/documents.parquet")
    with pytest.raises(UserError, match=r"documents\.parquet: (damaged|not a Parquet file)"):
        store.documents()


def test_a_damaged_file_of_generations_is_refused_by_the_metrics(tmp_path):
    import summarize_metrics

    generations, capabilities = tmp_path / "generations.jsonl", tmp_path / "capabilities.json"
    write_jsonl(generations, [{"text": "a"}])
    write_json(capabilities, {"generations_sha256": sha256(generations)})
    generations.write_text('{"text": "b"}\n')
    files = {name: tmp_path / name for name in ("json", "markdown", "texts")}
    with pytest.raises(UserError, match=r"generations\.jsonl: damaged or edited.*snakemake"):
        summarize_metrics.main(
            experiment="exp1",
            title="t",
            limits={},
            runs=["a"],
            records=[tmp_path],
            perplexity=[tmp_path],
            capabilities=[capabilities],
            generations=[generations],
            logs=[tmp_path],
            **files,
        )
