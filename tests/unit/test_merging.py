import json
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import merge_datasets
from emulsion.errors import UserError
from emulsion.files import sha256
from emulsion.merging import cursor, merge
from emulsion.merging.request import Origin, Request, read_sources
from emulsion.sources import hub_plan

SCRIPT = Path(__file__).parents[2] / "workflow" / "scripts" / "merge_datasets.py"
SIZES = {"long": (200, 60), "short": (300, 4), "few": (30, 12)}  # source: documents, words in each
WEIGHTS = {"long": 3.0, "short": 6.0, "few": 1.0}


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """A working folder with the files of three sources; two rows of each hold no document."""
    monkeypatch.chdir(tmp_path)
    for name, (count, words) in SIZES.items():
        rows = [{"id": f"{name}-{number}", "text": f"{name} {number} " * words} for number in range(count)]
        lines = [json.dumps(row) for row in rows] + ['{"text": " "}', "{oops"]
        half = len(lines) // 2
        (tmp_path / f"{name}-0.jsonl").write_text("\n".join(lines[:half]) + "\n")
        (tmp_path / f"{name}-1.jsonl").write_text("\n".join(lines[half:]) + "\n")
    return tmp_path


def origin(name, **fields):
    return Origin(name, WEIGHTS.get(name, 1.0), files=(f"{name}-*.jsonl",), **fields)


def request(weighted=True, **fields):
    sources = fields.pop("sources", tuple(origin(name) for name in SIZES))
    seed = fields.pop("seed", 0) if weighted else None
    return Request(sources=sources, weighted=weighted, seed=seed, **{"shard_bytes": 8000, **fields})


def merged(folder):
    """[(source, id)] in the order of the shards."""
    tables = [pq.read_table(file) for file in sorted(folder.glob("shard-*.parquet"))]
    table = pa.concat_tables(tables)
    return list(zip(table["source"].to_pylist(), table["id"].to_pylist(), strict=True))


def content(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


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
    assert manifest["drift"] is None and manifest["notes"] == []
    merge(request(weighted=False, max_samples=210), corpus / "first")
    assert merged(corpus / "first") == merged(corpus / "out")[:210]


def test_the_seed_decides_the_order_within_sources_and_nothing_else(corpus):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        merge(request(seed=seed, max_samples=500), corpus / name)
    assert content(corpus / "a") == content(corpus / "b")
    one, other = merged(corpus / "a"), merged(corpus / "c")
    assert one != other
    assert [source for source, _ in one] == [source for source, _ in other]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 45), st.integers(1, 25), st.booleans())
@example(cut_after=0, window=14, weighted=True)
@example(cut_after=40, window=9, weighted=False)
def test_a_merge_that_was_cut_off_ends_with_the_bytes_of_one_that_was_not(corpus, cut_after, window, weighted):
    for name in ("whole", "cut"):
        shutil.rmtree(corpus / name, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor, "WINDOW_DOCUMENTS", window)
        wanted = request(weighted, shard_bytes=2500, max_samples=250)
        merge(wanted, corpus / "whole")
        draws, draw = iter(range(cut_after * 5)), cursor.Cursor.draw

        def interrupted(self):
            if next(draws, None) is None:
                raise KeyboardInterrupt
            return draw(self)

        with pytest.MonkeyPatch.context() as cut:
            cut.setattr(cursor.Cursor, "draw", interrupted)
            with pytest.raises(KeyboardInterrupt):
                merge(wanted, corpus / "cut")
        assert not (corpus / "cut" / "manifest.json").exists()
        merge(wanted, corpus / "cut")
    assert content(corpus / "cut") == content(corpus / "whole")


def test_a_merge_killed_ten_times_ends_as_one_that_ran_through(corpus):
    entries = [{"name": name, "files": [f"{name}-*.jsonl"], "weight": weight} for name, weight in WEIGHTS.items()]
    (corpus / "config.yaml").write_text(yaml.safe_dump({"datasets": entries}))
    options = ["--config", "config.yaml", "--use-weights", "--max-samples", "3000", "--shard-megabytes", "0.003"]

    def start(folder):
        return subprocess.Popen([sys.executable, SCRIPT, *options, "--output-dir", folder], stderr=subprocess.PIPE)

    whole = start("whole")
    assert whole.wait(60) == 0, whole.stderr.read()
    chance = random.Random(0)
    shards = len(list((corpus / "whole").glob("shard-*")))
    for kill in range(10):
        running = start("killed")
        wanted = shards * (kill + chance.random()) / 12
        while len(list((corpus / "killed").glob("shard-*"))) < wanted and running.poll() is None:
            time.sleep(chance.random() * 0.002)
        running.send_signal(signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        assert not (corpus / "killed" / "manifest.json").exists()
    last = start("killed")
    assert last.wait(60) == 0, last.stderr.read()
    assert content(corpus / "killed") == content(corpus / "whole")


def test_a_finished_merge_is_left_as_it_is_and_a_changed_one_made_afresh(corpus):
    folder = corpus / "out"
    merge(request(max_samples=100), folder)
    times = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    merge(request(max_samples=100), folder)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == times
    merge(request(max_samples=20), folder)
    merge(request(max_samples=20), corpus / "fresh")
    assert content(folder) == content(corpus / "fresh")
    with (corpus / "few-0.jsonl").open("a") as file:
        file.write('{"text": "one more"}\n')
    assert (
        merge(request(max_samples=20), folder)["fingerprint"]
        != json.loads((corpus / "fresh" / "manifest.json").read_text())["fingerprint"]
    )


def test_a_folder_with_other_files_is_not_touched(corpus):
    (corpus / "out").mkdir()
    (corpus / "out" / "thesis.txt").write_text("mine")
    (corpus / "out" / "manifest.json").write_text("{}")
    before = content(corpus / "out")
    with pytest.raises(UserError, match="holds files that are not of a merge"):
        merge(request(), corpus / "out")
    assert content(corpus / "out") == before


def test_the_manifest_lists_every_shard_with_its_checksum(corpus):
    manifest = merge(request(max_samples=300), corpus / "out")
    assert manifest == json.loads((corpus / "out" / "manifest.json").read_text())
    assert [shard["name"] for shard in manifest["shards"]] == sorted(
        file.name for file in (corpus / "out").glob("*.parquet")
    )
    for shard in manifest["shards"]:
        file = corpus / "out" / shard["name"]
        assert shard["sha256"] == sha256(file) and shard["bytes"] == file.stat().st_size
        assert shard["documents"] == pq.read_metadata(file).num_rows
        assert sum(len(text.encode()) for text in pq.read_table(file)["text"].to_pylist()) < 8000 + 2000
    assert sum(shard["documents"] for shard in manifest["shards"]) == manifest["documents"] == 300


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
    assert all(sum(source["set_aside"].values()) == 2 for source in manifest["sources"].values())


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
    assert list((corpus / "out").iterdir()) == []


def test_a_source_of_weight_nought_is_not_read(corpus):
    (corpus / "nothing.jsonl").write_text("")
    sources = (origin("few"), Origin("nothing", 0.0, files=("nothing.jsonl",)))
    manifest = merge(request(sources=sources), corpus / "out")
    assert manifest["sources"]["nothing"]["documents"] == 0 and manifest["documents"] == 30


def read(folder, weighted=True, **lists):
    (folder / "config.yaml").write_text(yaml.safe_dump(lists))
    return read_sources(folder / "config.yaml", weighted)


def test_the_form_of_the_requirements_is_read(tmp_path):
    dataset = {"weight": 0.3, "text_field": "content", "split": "train", "streaming": True}
    python = {"name": "HuggingFaceTB/stack-edu", "config": "python", **dataset}
    sources = read(tmp_path, datasets=[python, {**python, "config": "rust"}])
    assert [source.name for source in sources] == ["HuggingFaceTB/stack-edu/python", "HuggingFaceTB/stack-edu/rust"]
    assert sources[0] == Origin(
        sources[0].name, 0.3, id="HuggingFaceTB/stack-edu", config="python", text_field="content"
    )


def test_two_lists_are_concatenated_but_cannot_be_weighted(tmp_path):
    lists = {"english_datasets": [{"name": "a/b"}], "vietnamese_datasets": [{"name": "c/d"}]}
    assert [source.name for source in read(tmp_path, weighted=False, **lists)] == ["a/b", "c/d"]
    with pytest.raises(UserError, match="needs one list `datasets`, but there is english_datasets, vietnamese"):
        read(tmp_path, **lists)


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ({"name": "a/b"}, r"config\.yaml: datasets\[0\]\.weight: is missing"),
        ({"name": "a/b", "weight": 1, "wheight": 2}, r"unknown field 'wheight'\. Did you mean 'weight'\?"),
        ({"name": "a/b", "weight": -1}, r"weight: should be a number, 0 or more, but is -1"),
        ({"weight": 1}, r"datasets\[0\]\.name: is missing"),
        ({"name": "a", "weight": 1, "files": []}, r"files: should be a list of texts"),
        ({"name": "a", "weight": 1, "files": ["x.jsonl"], "split": "train"}, r"split: is of datasets of the hub"),
    ],
)
def test_a_mistake_in_the_configuration_is_told_with_its_place(tmp_path, dataset, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, datasets=[dataset])


def test_mistakes_of_the_whole_configuration_are_told(tmp_path, corpus):
    with pytest.raises(UserError, match=r"datasets\[1\]: 'a/b' is there already, .*datasets\[0\]"):
        read(tmp_path, datasets=[{"name": "a/b", "weight": 1}, {"name": "a/b", "weight": 1, "split": "train"}])
    with pytest.raises(UserError, match=r"unknown field 'dataset'\. Did you mean 'datasets'\?"):
        read(tmp_path, dataset=[])
    with pytest.raises(UserError, match="datasets: should be a list of at least one source"):
        read(tmp_path, datasets=[])
    with pytest.raises(UserError, match="at least one must be positive"):
        merge(request(sources=(Origin("few", 0.0, files=("few-*.jsonl",)),)), tmp_path / "out")


def test_a_recipe_is_read_with_what_a_copy_puts_in_the_place_of_hub_ids(tmp_path):
    sources = [
        {"name": "web", "weight": 0.7, "class": "web", "id": "a/b", "config": "c", "evidence": "linked"},
        {"name": "mine", "weight": 0.3, "class": "web", "evidence": "unknown", "files": ["mine.jsonl"]},
    ]
    web, mine = read(tmp_path, sources=sources)
    assert web == Origin("web", 0.7, id="a/b", config="c", evidence="linked")
    assert mine == Origin("mine", 0.3, files=("mine.jsonl",))
    del sources[1]["files"]
    with pytest.raises(UserError, match=r"sources\[1\] \(mine\): no dataset of the hub is known"):
        read(tmp_path, sources=sources)


def test_a_hub_dataset_is_streamed_at_the_commit_that_was_settled_first(corpus, monkeypatch):
    revisions = []

    def resolve(name, source):
        revisions.append(source["revision"])
        return {"id": source["id"], "revision": source["revision"] or "f" * 40, "files": []}

    def load(path, config, *, split, revision, token, streaming):
        assert (path, config, split, streaming) == ("hf://datasets/a/b", "c", "train", True)
        assert revision == "f" * 40 and token is False
        files = [f"long-{number}.jsonl" for number in (0, 1)]
        tables = [[json.loads(line) for line in Path(file).read_text().splitlines()[:90]] for file in files]
        return datasets.IterableDataset.from_generator(
            lambda parts: (row for part in parts for row in tables[part]), gen_kwargs={"parts": [0, 1]}
        )

    monkeypatch.setattr(hub_plan, "resolve", resolve)
    monkeypatch.setattr(datasets, "load_dataset", load)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    hub = Origin("a/b/c", 1.0, id="a/b", config="c")
    wanted = request(sources=(hub, origin("few")), max_samples=150)
    with monkeypatch.context() as patch:
        patch.setattr(pq, "ParquetWriter", None)
        with pytest.raises(TypeError):
            merge(wanted, corpus / "out")
    manifest = merge(wanted, corpus / "out")
    assert revisions == [None, "f" * 40]
    drawn = [key for source, key in merged(corpus / "out") if source == "a/b/c"]
    assert len(set(drawn)) == len(drawn) == 75 and drawn != sorted(drawn)
    told = manifest["sources"]["a/b/c"]
    assert (told["id"], told["config"], told["revision"]) == ("a/b", "c", "f" * 40)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-samples", "0"], "--max-samples 0: should be more than 0"),
        (["--shard-megabytes", "-1"], "--shard-megabytes -1.0: should be more than 0"),
        (["--max-passes", "1"], "--max-passes: goes with --use-weights"),
    ],
)
def test_an_option_out_of_its_range_is_refused(monkeypatch, options, message):
    monkeypatch.setattr(sys, "argv", ["merge_datasets.py", "--config", "c.yaml", "--output-dir", "out", *options])
    with pytest.raises(UserError, match=message):
        merge_datasets.main()


def test_the_command_tells_a_mistake_in_one_line(corpus):
    command = [sys.executable, SCRIPT, "--config", "none.yaml", "--output-dir", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr == "error: none.yaml: no such file.\n"
