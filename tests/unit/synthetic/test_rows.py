"""The rows of the embedded corpus: native, seeded and of any size."""

import itertools
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from emulsion.synthetic import SOURCES, arrow_schema, rows

PLAIN = (*SOURCES, "hashes")

MARKERS = ("### System:", "### Instruction:", "### Response:", "user:", "assistant:", "system:", "\n")
DIGEST = (
    "import hashlib; from emulsion.synthetic import LIKES, rows, suite_items;"
    "text = repr([list(rows(like, 50, 3)) for like in LIKES] + suite_items(20, 3));"
    "print(hashlib.sha256(text.encode()).hexdigest())"
)
LIBRARY = Path(__file__).parents[3] / "workflow" / "scripts"


def spoken(row: dict) -> list[str]:
    """The texts of a row: its turns, or its page."""
    return [turn["value"] for turn in row["conversations"]] if "conversations" in row else [row["text"]]


@pytest.mark.parametrize("like", PLAIN)
def test_rows_conform_to_the_native_schema(like):
    written = list(rows(like, 200, seed=0))
    table = pa.Table.from_pylist(written, schema=arrow_schema(like))
    assert table.num_rows == 200
    assert all(set(row) == set(arrow_schema(like).names) for row in written)
    assert table.to_pylist() == written


@pytest.mark.parametrize("like", PLAIN)
@pytest.mark.parametrize("documents", [0, 1, 777])
def test_any_number_of_documents_can_be_written(like, documents):
    assert len(list(rows(like, documents, seed=5))) == documents


@pytest.mark.parametrize("like", PLAIN)
def test_the_same_seed_writes_the_same_rows_and_another_seed_others(like):
    assert list(rows(like, 50, seed=1)) == list(rows(like, 50, seed=1))
    assert list(rows(like, 50, seed=1)) != list(rows(like, 50, seed=2))


@pytest.mark.parametrize("like", PLAIN)
def test_a_larger_corpus_begins_with_the_smaller_one(like):
    assert list(itertools.islice(rows(like, 500, seed=1), 50)) == list(rows(like, 50, seed=1))


def test_rows_and_items_do_not_depend_on_the_hash_seed_of_the_process():
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(LIBRARY)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("0", "1")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("like", PLAIN)
def test_no_text_contains_a_marker_of_a_template(like):
    for row in rows(like, 2000, seed=0):
        assert not any(marker in text for text in spoken(row) for marker in MARKERS)


@pytest.mark.parametrize("like", PLAIN)
def test_documents_are_short_but_not_trivial(like):
    lengths = [sum(map(len, spoken(row))) for row in rows(like, 2000, seed=0)]
    assert min(lengths) >= 60
    assert max(lengths) <= 1200
    assert 150 <= sum(lengths) / len(lengths) <= 900


def test_openhermes_has_system_turns_in_some_rows_and_mostly_null_columns():
    written = list(rows("openhermes", 1000, seed=0))
    with_system = [row for row in written if row["conversations"][0]["from"] == "system"]
    assert 0 < len(with_system) < 500
    assert all(row["system_prompt"] == row["conversations"][0]["value"] for row in with_system)
    assert sum(row["category"] is None for row in written) > 500
    assert all(row["model"] is None for row in written)


@pytest.mark.parametrize("like", ["openhermes", "magpie"])
def test_chats_alternate_between_human_and_gpt(like):
    for row in rows(like, 300, seed=0):
        roles = [turn["from"] for turn in row["conversations"] if turn["from"] != "system"]
        assert roles == ["human", "gpt"] * (len(roles) // 2)


def test_an_unknown_source_is_refused_in_words():
    with pytest.raises(ValueError, match=r"unknown embedded source 'pile'.*openhermes"):
        rows("pile", 1, seed=0)
    with pytest.raises(ValueError, match="unknown embedded source"):
        arrow_schema("pile")
