import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emulsion.data.cleaning import Cleaning
from emulsion.data.cleaning.policy import Deduplicate
from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from emulsion.merging import cursor, merge
from emulsion.merging.manifest import MergeFolder
from emulsion.merging.request import Origin
from merging_cases import WEIGHTS, content, origin, request

TESTS = Path(__file__).parents[2]
SCRIPT = TESTS.parent / "workflow" / "scripts" / "merge_datasets.py"


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 45), st.integers(1, 25), st.booleans(), st.booleans())
@example(cut_after=0, window=14, weighted=True, distinct=False)
@example(cut_after=40, window=9, weighted=False, distinct=True)
@example(cut_after=40, window=9, weighted=True, distinct=True)
def test_a_merge_that_was_cut_off_ends_with_the_bytes_of_one_that_was_not(
    corpus, cut_after, window, weighted, distinct
):
    (corpus / "few-2.jsonl").write_text((corpus / "few-0.jsonl").read_text())
    for name in ("whole", "cut"):
        shutil.rmtree(corpus / name, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cursor, "WINDOW_DOCUMENTS", window)
        cleaning = Cleaning(deduplicate=Deduplicate() if distinct else None)
        wanted = request(weighted, shard_bytes=2500, max_samples=250, cleaning=cleaning)
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
    points = [
        "before 1",
        "after 1",
        "after 2",
        "before 4",
        "after 5",
        "before 3",
        "after 8",
        "before 2",
        "after 6",
        "after 3",
    ]

    def run(folder, *points):
        words = [sys.executable, TESTS / "killed_merge.py", "config.yaml", folder, *points]
        path = {"PYTHONPATH": f"{SCRIPT.parent}:{TESTS}"}
        done = subprocess.run(
            words, capture_output=True, text=True, check=True, env={**os.environ, **path}, timeout=120
        )
        return [tuple(map(int, line.split())) for line in done.stdout.splitlines()], done.stderr

    ((status, shards),), errors = run("whole")
    assert status == 0 and shards > 6, errors
    tries, errors = run("killed", *points)
    assert [status for status, _ in tries] == [-signal.SIGKILL] * 10 + [0], errors
    left = [count for _, count in tries]
    assert left == sorted(left) and len(set(left)) > 4
    assert content(corpus / "killed") == content(corpus / "whole")


def test_a_merge_killed_before_its_first_shard_is_recorded_begins_again(corpus, monkeypatch):
    def killed(self, name, documents):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(MergeFolder, "add", killed)
        merge(request(max_samples=100), corpus / "out")
    assert (corpus / "out" / "shard-00000.parquet").exists()
    assert merge(request(max_samples=100), corpus / "out")["documents"] == 100


def test_a_finished_merge_is_left_as_it_is(corpus):
    folder = corpus / "out"
    merge(request(max_samples=100), folder)
    times = {file: file.stat().st_mtime_ns for file in folder.iterdir()}
    merge(request(max_samples=100), folder)
    merge(request(max_samples=100), folder, overwrite=True)
    # As a kill leaves them that comes between the last two steps.
    (folder / "manifest.partial.json").write_text("{}")
    (folder / ".seen-00000.npy").write_text("")
    merge(request(max_samples=100), folder)
    assert {file: file.stat().st_mtime_ns for file in folder.iterdir()} == times


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("damage", [b"", b"{", b"null", b'{"fingerprint": 5}', None])
def test_a_manifest_that_is_damaged_or_gone_is_said_and_the_merge_is_made_again_where_it_may(corpus, finished, damage):
    folder = corpus / "out"
    whole = merge(request(max_samples=100), folder)
    manifest = folder / ("manifest.json" if finished else "manifest.partial.json")
    (folder / "manifest.json").rename(manifest)
    if damage is None:
        manifest.unlink()
    else:
        manifest.write_bytes(damage)
    with pytest.raises(UserError, match="whose manifest is damaged or gone"):
        merge(request(max_samples=100), folder)
    assert merge(request(max_samples=100), folder, overwrite=True) == whole


def test_two_merges_do_not_write_into_one_folder(corpus, monkeypatch):
    """The other one begins while this one is at work, or comes to its end before this one begins."""
    folder, original = corpus / "out", MergeFolder.begin
    started = MergeFolder(folder, {"of": "another request"})

    def begins(self, seen):
        original(self, seen)
        with pytest.raises(UserError, match="another merge writes there now"):
            original(started, None)
        started.close()

    monkeypatch.setattr(MergeFolder, "begin", begins)
    merge(request(max_samples=100), folder)
    before = content(folder)
    with pytest.raises(UserError, match="another merge wrote there meanwhile"):
        original(started, None)
    started.close()
    assert content(folder) == before


@pytest.mark.parametrize("change", ["limit", "seed", "weights", "source", "cleaning", "content"])
def test_another_request_replaces_a_finished_merge_only_if_told_to(corpus, change):
    folder = corpus / "out"
    merge(request(max_samples=100), folder)
    before = content(folder)
    fields = {"max_samples": 100}
    if change == "limit":
        fields["max_samples"], words = 20, "max_samples: 20, before 100"
    elif change == "seed":
        fields["seed"], words = 5, "seed: 5, before 0"
    elif change == "weights":
        fields["sources"] = (origin("long"), Origin("few", 9.0, files=("few-*.jsonl",)))
        words = "'short' is gone; 'few' changed"
    elif change == "source":
        fields["sources"], words = (*request().sources, Origin("more", 1.0, files=("few-0.jsonl",))), "'more' is new"
    elif change == "cleaning":
        fields["cleaning"], words = Cleaning(unicode="NFC"), "unicode: NFC, before None"
    else:
        words = "the files of 'few' changed"
        with (corpus / "few-0.jsonl").open("a") as file:
            file.write('{"text": "one more"}\n')
    with pytest.raises(UserError, match=rf"holds a finished merge of another request \(.*{words}.*--overwrite"):
        merge(request(**fields), folder)
    assert content(folder) == before
    merge(request(**fields), folder, overwrite=True)
    merge(request(**fields), corpus / "fresh")
    assert content(folder) == content(corpus / "fresh")


def test_a_request_that_cannot_be_met_leaves_what_it_would_replace(corpus):
    merge(request(max_samples=100), corpus / "out")
    before = content(corpus / "out")
    (corpus / "nothing.jsonl").write_text('{"text": ""}')
    with pytest.raises(UserError, match="nothing is left"):
        nothing = (Origin("nothing", 1.0, files=("nothing.jsonl",)),)
        merge(request(sources=nothing), corpus / "out", overwrite=True)
    assert content(corpus / "out") == before


def test_a_shard_of_the_right_size_and_other_content_is_noticed(corpus):
    folder = corpus / "out"
    merge(request(max_samples=100), folder)
    before = content(folder)
    shard = folder / "shard-00000.parquet"
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    with pytest.raises(UserError, match=r"of which shard-00000\.parquet is missing or damaged.*--overwrite"):
        merge(request(max_samples=100), folder)
    merge(request(max_samples=100), folder, overwrite=True)
    assert content(folder) == before


def test_what_an_unfinished_merge_has_seen_is_compared(corpus, monkeypatch):
    folder = corpus / "out"
    wanted = request(shard_bytes=2500, max_samples=250, cleaning=Cleaning(deduplicate=Deduplicate()))
    monkeypatch.setattr(MergeFolder, "finish", lambda self, manifest: None)  # killed before
    merge(wanted, folder)
    seen = folder / ".seen-00001.npy"
    data = bytearray(seen.read_bytes())
    data[-1] ^= 1
    seen.write_bytes(data)
    with pytest.raises(UserError, match=r"of which \.seen-00001\.npy is missing or damaged.*--overwrite"):
        merge(wanted, folder)


def test_a_folder_with_other_files_is_not_touched(corpus):
    (corpus / "out").mkdir()
    (corpus / "out" / "thesis.txt").write_text("mine")
    (corpus / "out" / "manifest.json").write_text("{}")
    before = content(corpus / "out")
    with pytest.raises(UserError, match="holds files that are not of a merge"):
        merge(request(), corpus / "out")
    assert content(corpus / "out") == before


@pytest.mark.parametrize("beside", ["shard-00000.parquet", "manifest.partial.json"])
def test_files_of_a_merge_without_its_manifest_go_only_where_nothing_else_is_there(corpus, beside):
    folder = corpus / "out"
    folder.mkdir()
    (folder / beside).write_text("{")
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="holds files that are not of a merge"):
        merge(request(max_samples=20), folder, overwrite=True)
    (folder / "thesis.txt").unlink()
    with pytest.raises(UserError, match="whose manifest is damaged or gone"):
        merge(request(max_samples=20), folder)
    assert merge(request(max_samples=20), folder, overwrite=True)["documents"] == 20


def test_files_that_a_kill_left_half_written_are_no_hindrance_and_go(corpus):
    folder = corpus / "out"
    folder.mkdir()
    (folder / ".shard-00009.parquet.5.part").write_text("{")
    merge(request(max_samples=20), folder)
    assert sorted(file.name for file in folder.iterdir()) == [
        "manifest.json",
        "quarantine-00000.jsonl",
        "shard-00000.parquet",
    ]


def test_a_merge_of_another_version_is_said_to_be_one(corpus):
    merge(request(max_samples=20), corpus / "out")
    made = read_json(corpus / "out" / "manifest.json")
    made |= {"fingerprint": "other", "asked": {**made["asked"], "format": 0}}
    write_json(corpus / "out" / "manifest.json", made)
    with pytest.raises(UserError, match=r"of another request \(made by another version of Emulsion\)"):
        merge(request(max_samples=20), corpus / "out")
