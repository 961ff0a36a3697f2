import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.held_out import (
    Splits,
    check_copies,
    check_splits,
    count_splits,
    cut_document,
    longest,
    too_small,
)
from emulsion.data.tokens import SPLITS, split_of
from emulsion.errors import UserError


def header(**tokens):
    splits = {split: {"tokens": tokens.get(split, 100), "documents": 3} for split in SPLITS}
    return {"source": "news", "splits": splits}


def test_copies_of_training_text_in_held_out_splits_are_counted(tmp_path):
    texts = [f"text {number % 100}" for number in range(400)]
    pq.write_table(pa.table({"id": [f"row {number}" for number in range(400)], "text": texts}), tmp_path / "d")
    splits = count_splits([tmp_path / "d"], 0.05)
    assert sum(splits.documents.values()) == 400
    assert splits.copies == {split: splits.documents[split] for split in ("validation", "test")}
    assert splits.documents["validation"] > 0
    with pytest.raises(UserError, match=r"sources\.news: .*validation documents \(100\.0 %\) are in training too"):
        check_copies("news", splits, 0.05)
    check_copies("news", splits, 1.0)


def test_texts_that_differ_are_no_copies(tmp_path):
    ids = [f"row {number}" for number in range(200)]
    pq.write_table(pa.table({"id": ids, "text": ids}), tmp_path / "d")
    splits = count_splits([tmp_path / "d"], 0.1)
    assert splits.copies == {"validation": 0, "test": 0}
    check_copies("news", splits, 0.0)


def test_the_remedy_of_copies_is_named():
    with pytest.raises(UserError, match=r"deduplicate: \{exact: true\}.*sources\.news\.max_copies: 0\.2"):
        check_copies("news", Splits({"train": 80, "validation": 20, "test": 0}, {"validation": 4, "test": 0}), 0.1)


@given(
    st.text(min_size=3, max_size=200),
    st.sampled_from([["validation"], ["test"], ["validation", "test"]]),
    st.sampled_from([0.01, 0.05, 0.4]),
)
def test_a_document_is_cut_into_its_own_text_part_by_part(text, missing, held_out):
    parts = cut_document({"id": "x", "text": text, "source": "s", "type": "t"}, missing, held_out)
    assert "".join(part["text"] for part in parts) == text
    assert [split_of(part["id"], held_out) for part in parts] == ["train", *missing]
    assert all(part["text"] for part in parts)


def test_a_document_is_cut_at_a_line_that_begins_near_and_else_where_a_part_ends():
    lines = {"id": "x", "text": 20 * "123456789\n"}
    assert [len(part["text"]) for part in cut_document(lines, ["validation", "test"], 0.22)] == [120, 40, 40]
    assert [len(part["text"]) for part in cut_document({**lines, "text": 200 * "x"}, ["test"], 0.2)] == [160, 40]


def test_a_part_has_an_id_of_its_split_however_small_the_share_of_held_out_documents():
    text = {"id": "b", "text": 200 * "x", "source": "s", "type": "t"}
    [*_, test] = cut_document(text, ["test"], 1e-6)  # a million names are not enough here
    assert split_of(test["id"], 1e-6) == "test" and len(test["text"]) == 1


def test_the_longest_document_is_found(tmp_path):
    for name, texts in (("a", ["x", "xxx"]), ("b", ["xx", "x", "xxxx"])):
        pq.write_table(pa.table({"text": texts}), tmp_path / name)
    assert longest([tmp_path / "a", tmp_path / "b"]) == (4, 1, 2)


def test_every_split_is_held_against_the_context():
    assert too_small([header()], 99) == []
    assert len(too_small([header()], 100)) == 3
    with pytest.raises(UserError) as error:
        check_splits([header(test=0), header()], 80, "mixtures/a.json")
    assert "mixtures/a.json: source 'news' has no test sequence of 80 tokens: its test split has 0 tokens" in str(
        error.value
    )
    assert "validation" not in str(error.value)
