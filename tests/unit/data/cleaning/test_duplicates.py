from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cleaning_texts import Document, prose, shards, sign, with_changes
from emulsion.data.cleaning import Cleaning, Duplicate, Signer, Words, duplicates
from emulsion.errors import UserError

NEAR = Cleaning.from_json({"deduplicate": {"exact": True, "near": {}}})
# Short texts of few words: bands that are easily shared give long chains of near-duplicates.
LOOSE = Cleaning.from_json({"deduplicate": {"near": {"ngram": 1, "bands": 4, "rows": 1}}})
TEXTS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4).map(" ".join)
DOCUMENTS = st.lists(st.tuples(st.sampled_from("pqrstuvw"), TEXTS), max_size=12)


def copies(
    folder: Path, sources: dict[str, Sequence[Sequence[Document]]], chosen: Cleaning
) -> dict[str, list[tuple[Document, Duplicate | None]]]:
    """Every document of every source, given as shards in order of precedence, with what it is a copy of."""
    signed = {source: sign(folder, source, parts, chosen) for source, parts in sources.items()}
    found: dict[str, list[tuple[Document, Duplicate | None]]] = {}
    for number, (source, parts) in enumerate(sources.items()):
        earlier = {name: signed[name] for name in [*sources][:number]}
        found[source] = []
        for shard, part in enumerate(parts):
            found[source] += zip(part, duplicates(source, signed[source], shard, earlier, chosen), strict=True)
    return found


def kept(found: dict[str, list[tuple[Document, Duplicate | None]]]) -> dict[str, list[Document]]:
    return {source: sorted(each for each, copy in rows if copy is None) for source, rows in found.items()}


def by_definition(sources: dict[str, list[Document]], chosen: Cleaning) -> dict[str, list[Document]]:
    """Go through all documents in order, and keep those of which no key has been seen."""
    rows, seen, stay = [], set(), {source: [] for source in sources}
    for number, (source, documents) in enumerate(sources.items()):
        table = Signer(chosen).table([each for each, _ in documents], Words([text for _, text in documents]))
        for document, row in zip(documents, table.to_pylist(), strict=True):
            keys = {(name, value) for name, value in row.items() if name not in ("id", "id_hash")}
            rows.append((number, row["text_hash"], row["id_hash"], source, document, keys))
    for *_, source, document, keys in sorted(rows, key=lambda row: row[:3]):
        if not keys & seen:
            stay[source].append(document)
        seen |= keys
    return {source: sorted(documents) for source, documents in stay.items()}


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, DOCUMENTS, st.integers(1, 3), st.integers(1, 3), st.randoms(use_true_random=False))
def test_what_is_kept_depends_neither_on_order_nor_on_shards_and_is_what_the_definition_says(
    a, b, first, second, random
):
    expected = by_definition({"a": a, "b": b}, LOOSE)
    random.shuffle(a), random.shuffle(b)
    with tempfile.TemporaryDirectory() as folder:
        found = copies(Path(folder), {"a": shards(a, first), "b": shards(b, second)}, LOOSE)
    assert kept(found) == expected


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS, DOCUMENTS)
def test_cleaning_what_was_cleaned_removes_nothing_and_every_text_survives_somewhere(a, b):
    with tempfile.TemporaryDirectory() as folder:
        once = kept(copies(Path(folder), {"a": [a], "b": [b]}, LOOSE))
        again = copies(Path(folder), {"a": [once["a"]], "b": [once["b"]]}, LOOSE)
        exact = kept(copies(Path(folder), {"a": [a], "b": [b]}, Cleaning.from_json({"deduplicate": {}})))
    assert kept(again) == once
    assert Counter(text for rows in exact.values() for _, text in rows) == Counter({text for _, text in a + b})


def test_planted_copies_are_found_within_and_across_sources_and_unrelated_documents_stay(tmp_path):
    a = [(f"a{seed}", prose(seed)) for seed in range(60)]
    b = [(f"b{seed}", prose(seed)) for seed in range(100, 160)]
    exact = [(f"copy of a{seed}", prose(seed)) for seed in range(10)]
    near = [(f"near a{seed}", with_changes(prose(seed), (50, 51, 52))) for seed in range(10, 40)]
    found = copies(tmp_path, {"a": shards(a, 3), "b": shards(b + exact + near, 4)}, NEAR)
    assert all(copy is None for _, copy in found["a"])
    across = {document: copy for (document, _), copy in found["b"] if copy}
    assert across == {f"copy of a{seed}": Duplicate("exact", "a", f"a{seed}") for seed in range(10)} | {
        f"near a{seed}": Duplicate("near", "a", f"a{seed}") for seed in range(10, 40)
    }
    within = copies(tmp_path, {"b": shards(a + near + exact, 4)}, NEAR)["b"]
    assert sum(copy is None for _, copy in within) == 60
    assert {copy.kind for _, copy in within if copy} == {"exact", "near"}
    assert {copy.source for _, copy in within if copy} == {"b"}


def test_of_rows_alike_in_id_and_text_exactly_one_stays(tmp_path):
    same = [("x", "the same text")] * 5
    assert [copy for _, copy in copies(tmp_path, {"a": shards(same, 2)}, NEAR)["a"]].count(None) == 1


def test_the_source_with_precedence_keeps_its_copy_whatever_the_ids_are(tmp_path):
    for one, other in (("1", "2"), ("2", "1")):
        found = copies(tmp_path, {"a": [[(one, "a text")]], "b": [[(other, "a text")]]}, NEAR)
        assert kept(found) == {"a": [(one, "a text")], "b": []}


def test_a_shard_without_documents_has_no_copies(tmp_path):
    assert copies(tmp_path, {"a": [[], [("1", "a text")]], "b": [[]]}, NEAR) == {
        "a": [(("1", "a text"), None)],
        "b": [],
    }
    assert duplicates("a", sign(tmp_path, "a", [[("1", "a text")]], Cleaning()), 0, {}, Cleaning()) == []


def test_signatures_made_with_other_settings_are_refused_with_their_file(tmp_path):
    own = sign(tmp_path, "own", [[("1", "a text")]], NEAR)
    other = sign(tmp_path, "other", [[("2", "a text")]], LOOSE)
    with pytest.raises(UserError, match=r"other\.signatures\.parquet: made with other settings of `deduplicate`"):
        duplicates("own", own, 0, {"other": other}, NEAR)


def test_signatures_of_a_source_are_those_of_its_shards_a_row_group_each(tmp_path):
    parts = [[("1", "a text")], [], [("2", "a text"), ("3", "another")]]
    joined = pq.ParquetFile(sign(tmp_path, "a", parts, NEAR))
    tables = [pq.read_table(tmp_path / f"a-{number}.parquet") for number in range(3)]
    assert joined.num_row_groups == 3
    assert [joined.read_row_group(number).equals(table) for number, table in enumerate(tables)] == [True] * 3


def test_reading_other_shards_needs_no_more_memory_than_the_largest(tmp_path, monkeypatch):
    """Of every shard one column is read at a time."""
    own = sign(tmp_path, "a", shards([(str(seed), prose(seed, 20)) for seed in range(12)], 3), NEAR)
    read = []
    group_of = pq.ParquetFile.read_row_group
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_group",
        lambda self, group, columns: read.append(columns) or group_of(self, group, columns=columns),
    )
    assert duplicates("a", own, 1, {}, NEAR) == [None] * 4
    assert {len(columns) for columns in read} == {1}
    assert not any("id" in columns for columns in read)


SIGNED = Cleaning.from_json({"deduplicate": {"near": {}}})
SCRIPTS = Path(__file__).parents[4] / "workflow" / "scripts"


def bands(*texts: str) -> np.ndarray:
    """[texts, bands]"""
    table = Signer(SIGNED).table([str(row) for row in range(len(texts))], Words(texts))
    return np.stack([table.column(name).to_numpy() for name in table.column_names if name.startswith("band_")], axis=1)


def test_signatures_are_the_same_in_every_version_and_on_every_machine():
    """Signatures on disk outlive an upgrade: where this fails, the algorithm they name must change as well."""
    text = "The quick brown fox jumps over the lazy dog, and the dog does not mind it at all."
    table = Signer(SIGNED).table(["a"], Words([text])).select(["text_hash", "id_hash", "band_00", "band_13"])
    assert table.to_pylist() == [
        {
            "text_hash": 6630318956706719090,
            "id_hash": 3405396810240292928,
            "band_00": 3103053201166622179,
            "band_13": 16171941500370585561,
        }
    ]


def test_signatures_do_not_depend_on_the_process_or_its_threads():
    code = (
        "from cleaning_texts import prose; from test_duplicates import bands; import numpy, hashlib;"
        "print(hashlib.sha256(bands(*map(prose, range(40))).tobytes()).hexdigest())"
    )
    printed = set()
    for threads, seed in (("1", "1"), ("3", "2")):
        environment = {"RAYON_NUM_THREADS": threads, "PYTHONHASHSEED": seed}
        path = os.pathsep.join([str(SCRIPTS), str(Path(__file__).parent), str(Path(__file__).parents[3])])
        given = {**os.environ, **environment, "PYTHONPATH": path}
        run = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
        printed.add(run.stdout)
    assert len(printed) == 1


def test_bands_in_common_are_as_frequent_as_the_similarity_says():
    """20 of 196 5-grams are replaced: a similarity of 176 / 216, and with its 8th power a band of 8 is shared."""
    pairs = [(prose(seed), with_changes(prose(seed), (20, 60, 100, 140))) for seed in range(100)]
    before, after = bands(*(one for one, _ in pairs)), bands(*(other for _, other in pairs))
    expected = (176 / 216) ** 8
    shares = (before == after).mean()
    assert abs(shares - expected) < 0.05


def test_unrelated_texts_share_no_band():
    found = bands(*map(prose, range(200)))
    assert all(len(set(column.tolist())) == 200 for column in found.T)


def test_case_marks_and_blanks_do_not_tell_texts_apart_but_short_texts_are_not_alike():
    one, other, short, shorter, none, marks = bands(
        "Yes, I do -- like it", "yes i do\nlike IT!", "yes I do", "yes I", "???", "!!!"
    )
    assert np.array_equal(one, other)
    rest = [one, short, shorter, none, marks]
    assert all(not (rest[a] == rest[b]).any() for a in range(5) for b in range(a))


def test_nothing_is_signed_where_nothing_is_deduplicated():
    table = Signer(Cleaning.none()).table(["a"], Words(["text"]))
    assert table.num_rows == 0
    assert table.schema == Signer(Cleaning.none()).schema


def test_only_texts_are_hashed_where_only_exact_copies_go():
    settings = Cleaning.from_json({"deduplicate": {"exact": True}})
    assert Signer(settings).table(["a"], Words(["text"])).column_names == ["id", "text_hash", "id_hash"]
    hashes = Signer(settings).table(["a", "b", "c"], Words(["text", " text\n", "te xt"]))["text_hash"].to_pylist()
    assert hashes[0] == hashes[1] != hashes[2]
    assert Signer(settings).table([], Words([])).schema == Signer(settings).schema
