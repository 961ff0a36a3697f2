import json
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from emulsion.errors import UserError
from emulsion.files import read_json, sha256
from emulsion.merging import cursor, merge
from emulsion.merging.cursor import Progress
from emulsion.merging.manifest import drift
from emulsion.merging.request import Origin
from merging_cases import SIZES, WEIGHTS, content, merged, origin, request


def test_every_source_stays_within_one_document_of_its_share_at_every_point(corpus):
    merge(request(max_samples=400), corpus / "out")
    counts = dict.fromkeys(SIZES, 0)
    for position, (source, _) in enumerate(merged(corpus / "out"), start=1):
        counts[source] += 1
        assert all(abs(counts[name] - position * WEIGHTS[name] / 10) < 1 for name in SIZES)
    assert position == 400


def test_a_source_repeats_nothing_before_all_of_it_is_drawn_and_counts_its_passes(corpus):
    manifest = merge(request(), corpus / "out")
    assert manifest["ended"] == "every source was read to its end"
    drawn = {name: [key for source, key in merged(corpus / "out") if source == name] for name in SIZES}
    for name, (size, _) in SIZES.items():
        told = manifest["sources"][name]
        assert told["documents"] == len(drawn[name])
        assert told["documents_per_pass"] == size
        assert told["passes_completed"] == len(drawn[name]) // size >= 1
        for start in range(0, len(drawn[name]), size):
            one_pass = drawn[name][start : start + size]
            assert len(set(one_pass)) == len(one_pass)
    assert drawn["few"][:30] != drawn["few"][30:60]
    # The longest pass ends the merge: 200 of 'long' at three tenths.
    assert len(drawn["long"]) == 200 and manifest["documents"] == pytest.approx(200 / 0.3, abs=2)


def test_a_merge_may_end_before_a_source_is_repeated(corpus):
    manifest = merge(request(max_passes=1), corpus / "out")
    assert manifest["ended"] == "at max_passes of a source"
    assert manifest["sources"]["few"]["documents"] == 30
    assert len(set(merged(corpus / "out"))) == manifest["documents"] < sum(count for count, _ in SIZES.values())


def test_without_weights_sources_follow_one_another_in_their_own_order(corpus):
    manifest = merge(request(weighted=False), corpus / "out")
    assert merged(corpus / "out") == [(name, f"{name}-{i}") for name, (size, _) in SIZES.items() for i in range(size)]
    assert manifest["drift"] is None
    assert manifest["notes"][0] == "The datasets have weights, which say nothing without --use-weights."
    assert all("are no documents" in note for note in manifest["notes"][1:])
    notes = merge(request(weighted=False, max_samples=210), corpus / "first")["notes"]
    assert "'few' is not drawn: max_samples is reached before it." in notes
    assert merged(corpus / "first") == merged(corpus / "out")[:210]


def test_the_seed_decides_the_order_within_sources_and_nothing_else(corpus):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        merge(request(seed=seed, max_samples=500), corpus / name)
    assert content(corpus / "a") == content(corpus / "b")
    one, other = merged(corpus / "a"), merged(corpus / "c")
    assert one != other
    assert [source for source, _ in one] == [source for source, _ in other]


def test_the_manifest_lists_every_shard_with_its_checksum(corpus):
    manifest = merge(request(max_samples=300), corpus / "out")
    assert manifest == read_json(corpus / "out" / "manifest.json")
    assert [shard["name"] for shard in manifest["shards"]] == sorted(
        file.name for file in (corpus / "out").glob("*.parquet")
    )
    for shard in manifest["shards"]:
        file = corpus / "out" / shard["name"]
        assert shard["sha256"] == sha256(file) and shard["bytes"] == file.stat().st_size
        assert shard["documents"] == pq.read_metadata(file).num_rows
        assert sum(len(text.encode()) for text in pq.read_table(file)["text"].to_pylist()) < 8000 + 2000
    assert sum(shard["documents"] for shard in manifest["shards"]) == manifest["documents"] == 300


def test_the_manifest_says_what_files_a_source_was_read_from(corpus):
    source = merge(request(max_samples=100), corpus / "out")["sources"]["few"]
    assert source["kind"] == "local"
    assert {file["path"]: file["sha256"] for file in source["files"]} == {
        name: sha256(corpus / name) for name in ("few-0.jsonl", "few-1.jsonl")
    }


def test_the_manifest_says_how_far_shares_of_text_are_from_the_weights(corpus):
    manifest = merge(request(), corpus / "out")
    drift, told = manifest["drift"], manifest["sources"]
    texts = [pq.read_table(file) for file in (corpus / "out").glob("*.parquet")]
    size = dict.fromkeys(SIZES, 0)
    for table in texts:
        for name, text in zip(table["source"].to_pylist(), table["text"].to_pylist(), strict=True):
            size[name] += len(text.encode())
    assert drift["unit"] == "bytes" and {name: told[name]["bytes"] for name in SIZES} == size
    assert drift["shares"] == pytest.approx({name: size[name] / sum(size.values()) for name in SIZES})
    assert drift["differences"]["long"] == pytest.approx(drift["shares"]["long"] - 0.3)
    assert drift["largest"]["source"] == "long" and drift["misplaced"] > 0.4
    assert told["long"]["share_of_documents"] == pytest.approx(0.3, abs=2e-3)
    assert told["long"]["share_due"] == pytest.approx(0.3) and told["long"]["tokens"] is None


def test_the_source_furthest_from_its_weight_may_be_one_that_has_too_little():
    sizes = {"short": 10, "long": 50, "longer": 40}
    progress = {name: Progress(bytes=size) for name, size in sizes.items()}
    found = drift({"short": 0.5, "long": 0.25, "longer": 0.25}, progress, by_tokens=False)
    assert found["largest"] == {"source": "short", "difference": pytest.approx(-0.4)}
    assert found["misplaced"] == pytest.approx(0.4)


def test_with_a_tokenizer_shares_are_counted_in_tokens(corpus, tokenizer):
    manifest = merge(request(tokenizer=str(tokenizer)), corpus / "out")
    assert manifest["drift"]["unit"] == "tokens"
    assert manifest["tokens"] == sum(source["tokens"] for source in manifest["sources"].values())
    assert manifest["tokens"] > manifest["documents"]
    assert "estimate" not in manifest["drift"]["note"]


def test_weights_that_do_not_sum_to_one_are_normalised_with_a_note(corpus):
    assert merge(request(max_samples=50), corpus / "out")["notes"][0] == (
        "The weights sum to 10; each was divided by that."
    )


def test_a_source_too_small_to_be_drawn_is_told(corpus, caplog):
    sources = (origin("long"), Origin("few", 0.001, files=("few-*.jsonl",)))
    manifest = merge(request(sources=sources, max_samples=50), corpus / "out")
    assert any(note.startswith("'few' (share 0.000333) is not drawn") for note in manifest["notes"])
    assert "few: of 50 documents 0.0167 are due to it" in caplog.text


def test_a_source_that_is_repeated_often_is_told(corpus):
    sources = (origin("long"), Origin("few", 9.0, files=("few-*.jsonl",)))
    manifest = merge(request(sources=sources), corpus / "out")
    assert any(note.startswith("'few' is read 20.0 times") for note in manifest["notes"])


def test_rows_without_a_document_are_set_aside_once_and_counted(corpus):
    manifest = merge(request(), corpus / "out")
    kept = [json.loads(line) for file in (corpus / "out").glob("quarantine-*") for line in file.open()]
    assert manifest["sources"]["few"]["passes_completed"] > 1
    assert sorted((row["source"], row["file"], row["content"]) for row in kept) == sorted(
        (name, f"{name}-1.jsonl", text) for name in SIZES for text in ("{'text': ' '}", "{oops")
    )
    assert {row["row"] for row in kept if row["source"] == "few"} == {14, 15}
    for name, (size, _) in SIZES.items():
        told = manifest["sources"][name]
        assert told["rows_read"] == size + 2 and sum(told["set_aside"].values()) == 2
        passes = told["passes_completed"]
        for reason, count in told["set_aside"].items():
            assert passes * count <= told["removed"][reason] <= (passes + 1) * count


def test_what_is_processed_is_what_is_kept_and_what_is_removed(corpus):
    manifest = merge(request(weighted=False), corpus / "out")
    assert (manifest["processed"], manifest["documents"]) == (536, 530)
    assert manifest["kept"] == "530 (98.88 %)"
    for source in manifest["sources"].values():
        assert source["processed"] == source["documents"] + sum(source["removed"].values())
        assert source["share_kept"] == source["documents"] / source["processed"]


@pytest.mark.parametrize("weighted", [True, False])
def test_losing_much_of_a_source_stops_the_merge_before_anything_is_written(corpus, weighted):
    bad = [{"messages": [{"role": "stranger", "content": "hello"}, {"role": "user", "content": "hello"}]}] * 18
    good = [
        {"messages": [{"role": "user", "content": "who?"}, {"role": "assistant", "content": f"{i}"}]} for i in range(2)
    ]
    (corpus / "chats.jsonl").write_text("\n".join(map(json.dumps, [*bad, *good])))
    sources = (origin("long"), Origin("chats", 1.0, files=("chats.jsonl",), where="c.yaml: datasets[1]"))
    words = r"^c\.yaml: datasets\[1\]: chats: 18 of 20 rows \(90\.0 %\) .*: 18 x .*stranger.*chats\.jsonl, row 0.*"
    with pytest.raises(UserError, match=words + r"--max-loss 0\.91"):
        merge(request(weighted, sources=sources), corpus / "out")
    assert not list(corpus.glob("out/*"))
    allowed = (sources[0], replace(sources[1], max_loss=0.91))
    merge(request(weighted, sources=allowed), corpus / "allowed")
    manifest = merge(request(weighted, sources=sources, max_loss=0.91), corpus / "out")
    assert content(corpus / "allowed") == content(corpus / "out")
    assert any(note.startswith("chats: 18 of 20 rows (90.0 %) are no documents") for note in manifest["notes"])


@pytest.mark.parametrize("options", [{}, {"shard_bytes": 500}])
def test_columns_that_are_not_read_are_noted_and_counted_once(corpus, options):
    rows = [{"id": str(i), "text": "ten letter", "notes": "x" * 29, "n": 7} for i in range(100)]
    (corpus / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    wanted = request(sources=(Origin("rows", 1.0, files=("rows.jsonl",)), origin("long")), max_samples=700, **options)
    manifest = merge(wanted, corpus / "out")
    columns = manifest["sources"]["rows"]["columns"]
    assert columns["read"] == ["id", "text"] and set(columns["unread"]) == {"notes", "n"}
    characters = sum(len(str(value)) for row in rows for value in row.values())
    assert columns["unread"]["notes"] == pytest.approx(2900 / characters)
    assert any(note.startswith("rows: columns that are not read: notes (69 % of the") for note in manifest["notes"])


def test_losses_that_come_later_stop_the_merge_which_then_goes_on(corpus, monkeypatch):
    monkeypatch.setattr(cursor, "WINDOW_DOCUMENTS", 50)
    monkeypatch.setattr(cursor, "ROWS_TO_JUDGE", 100)
    lines = [json.dumps({"text": f"row {i} " * 20}) for i in range(150)] + ["{"] * 60 + ['{"text": "last"}']
    (corpus / "late.jsonl").write_text("\n".join(lines))
    late = {"sources": (Origin("late", 1.0, files=("late.jsonl",)),), "shard_bytes": 2000}
    with pytest.raises(UserError, match="60 of 210 rows"):
        merge(request(**late), corpus / "out")
    before = len(list((corpus / "out").glob("shard-*")))
    merge(request(**late, max_loss=0.5), corpus / "out")
    merge(request(**late, max_loss=0.5), corpus / "whole")
    assert before > 0 and content(corpus / "out") == content(corpus / "whole")


def test_text_is_brought_to_one_form_of_unicode(corpus):
    (corpus / "accents.jsonl").write_text(json.dumps({"text": "cafe\u0301"}) + "\n")
    sources = (Origin("accents", 1.0, files=("accents.jsonl",)),)
    merge(request(sources=sources), corpus / "out")
    assert pq.read_table(corpus / "out" / "shard-00000.parquet")["text"].to_pylist() == ["caf\u00e9"]


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("text", ["", '{"text": ""}\n{"text": null}\n'])
def test_an_empty_source_is_refused_before_anything_is_written(corpus, weighted, text):
    (corpus / "nothing.jsonl").write_text(text)
    sources = (origin("long"), Origin("nothing", 0.001, files=("nothing.jsonl",)))
    with pytest.raises(UserError, match=r"sources\.nothing: nothing is left of"):
        merge(request(weighted, sources=sources), corpus / "out")
    assert not list(corpus.glob("out/*"))


def test_a_source_of_weight_nought_is_not_read(corpus):
    (corpus / "nothing.jsonl").write_text("")
    sources = (origin("few"), Origin("nothing", 0.0, files=("nothing.jsonl",)))
    manifest = merge(request(sources=sources), corpus / "out")
    assert manifest["sources"]["nothing"]["documents"] == 0 and manifest["documents"] == 30
    assert "'nothing' (share 0) is not drawn: its weight is 0." in manifest["notes"]
