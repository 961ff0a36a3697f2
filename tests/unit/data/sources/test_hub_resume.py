"""What a broken connection, a busy server and a kill do to a fetch: nothing that could be seen afterwards."""

import hashlib
import json
import random
import threading
import time

import pytest

import hub_rows
from emulsion.data.sources.transfer import Download
from emulsion.files import read_json
from raw_rows import read_rows

ALL = {"kind": "hub", "split": "train", "revision": None, "seed": 3}
OPENHERMES = {**ALL, "id": "teknium/OpenHermes-2.5", "config": None, "documents": 1200}
FINEWEB = {**ALL, "id": "HuggingFaceFW/fineweb-edu", "config": "sample-10BT", "documents": 1500}
# Large enough that a footer, read 64 KB at a time, is not the whole file.
FILES = {
    OPENHERMES["id"]: lambda: hub_rows.openhermes(1500),
    FINEWEB["id"]: lambda: {
        "README.md": hub_rows.card({"sample-10BT": "sample/10BT/*"}),
        **{
            f"sample/10BT/{number:03d}_00000.parquet": hub_rows.parquet(LARGE_ROWS[number::3], 50)
            for number in range(3)
        },
    },
}
LARGE_ROWS = hub_rows.fineweb_rows(2100)
SMALL = {"hub_rows__PART_ROWS": 100}


def content(folder):
    """{name: digest} of everything in a folder."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}


def rows_of(folder):
    files = [folder / file["name"] for file in read_json(folder / "provenance.json")["files"]]
    return [json.dumps(row, sort_keys=True) for row in read_rows(files)]


def kill_at_byte(hub, running, sent):
    """Kill the fetch when the hub has sent so many bytes of files."""

    def kill(reached):
        if reached >= sent:
            hub.on_sent = lambda reached: None
            running.kill()

    hub.on_sent = kill


def kill_at_part(folder, running, parts, later):
    """Kill the fetch some seconds after so many parts are in its folder."""

    def watch():
        while running.runs and len(list(folder.glob("part-*"))) < parts:
            time.sleep(0.001)
        time.sleep(later)
        if running.runs:
            running.kill()

    threading.Thread(target=watch, daemon=True).start()


@pytest.mark.parametrize("kills", [4, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("source", [OPENHERMES, FINEWEB], ids=["json", "parquet"])
def test_kills_at_random_points_leave_the_same_bytes_as_none(hub, fetch_server, tmp_path, source, kills):
    hub.commit(source["id"], FILES[source["id"]]())
    hub.sent = 0
    assert fetch_server.fetch(source, tmp_path / "whole", **SMALL).status == 0
    whole, total = content(tmp_path / "whole"), hub.sent
    rows = rows_of(tmp_path / "whole")
    assert len(set(rows)) == len(rows) == source["documents"]

    draw = random.Random(source["id"])
    killed, finished, kept = 0, 0, set()
    while killed < kills:
        folder = tmp_path / f"killed-{finished}"
        running = fetch_server.begin(source, folder, **SMALL)
        if draw.random() < 0.5:
            kill_at_byte(hub, running, hub.sent + draw.randrange(1, total))
        else:
            kill_at_part(folder, running, draw.randrange(len(whole)), draw.choice([0, 0.002, 0.01]))
        ended = running.wait()
        hub.on_sent = lambda reached: None
        assert ended.status in (0, -9), ended.errors
        if ended.status == 0:
            assert content(folder) == whole
            finished += 1
        else:
            killed += 1
            kept.add(len(list(folder.glob("part-*"))))
    assert fetch_server.fetch(source, folder, **SMALL).status == 0
    assert content(folder) == whole
    assert len(kept) > kills // 6, "the kills did not come at different stages"


def test_a_later_try_stays_at_the_commit_of_the_first_though_the_branch_moves(hub, fetch_server, tmp_path):
    first = hub.commit(FINEWEB["id"], FILES[FINEWEB["id"]]())
    assert fetch_server.fetch(FINEWEB, tmp_path / "whole", **SMALL).status == 0
    running = fetch_server.begin(FINEWEB, tmp_path / "raw", **SMALL)
    kill_at_byte(hub, running, hub.sent + 400_000)
    assert running.wait().status == -9
    second = hub.commit(FINEWEB["id"], hub_rows.fineweb(100))
    assert fetch_server.fetch(FINEWEB, tmp_path / "raw", **SMALL).status == 0
    assert content(tmp_path / "raw") == content(tmp_path / "whole")
    assert read_json(tmp_path / "raw" / "provenance.json")["revision"] == first

    fetch_server.fetch(FINEWEB, tmp_path / "raw", **SMALL)  # a new fetch, after one that was finished
    assert read_json(tmp_path / "raw" / "provenance.json")["revision"] == second


def test_a_branch_that_moves_during_a_fetch_does_not_mix_two_commits(hub, fetch_server, tmp_path):
    first = hub.commit(FINEWEB["id"], FILES[FINEWEB["id"]]())
    fetch_server.fetch(FINEWEB, tmp_path / "whole", **SMALL)

    def move(reached):
        hub.on_sent = lambda reached: None
        hub.commit(FINEWEB["id"], hub_rows.fineweb(100))

    hub.on_sent = move
    fetch_server.fetch(FINEWEB, tmp_path / "raw", **SMALL)
    assert hub.repositories[FINEWEB["id"]].main != first
    assert content(tmp_path / "raw") == content(tmp_path / "whole")


def test_another_request_does_not_take_up_the_parts_of_the_first(hub, fetch_server, tmp_path):
    hub.commit(FINEWEB["id"], FILES[FINEWEB["id"]]())
    other = {**FINEWEB, "seed": 4}
    fetch_server.fetch(other, tmp_path / "whole", **SMALL)
    running = fetch_server.begin(FINEWEB, tmp_path / "raw", **SMALL)
    kill_at_byte(hub, running, hub.sent + 400_000)
    assert running.wait().status == -9
    fetch_server.fetch(other, tmp_path / "raw", **SMALL)
    assert content(tmp_path / "raw") == content(tmp_path / "whole")


@pytest.mark.parametrize(
    ("source", "where", "status"),
    [
        (OPENHERMES, "/api/datasets", 429),
        (OPENHERMES, "/cdn/", 503),
        (FINEWEB, "/api/datasets", 503),
        (FINEWEB, "/resolve/", 500),
        (FINEWEB, "/cdn/", 429),
    ],
)
def test_a_busy_server_is_asked_again(hub, fetch_server, tmp_path, source, where, status):
    hub.commit(source["id"], hub_rows.REPOSITORIES[source["id"]]())
    hub.fail(where=where, status=status, count=2, headers={"Retry-After": "0"})
    ended = fetch_server.fetch(source, tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 0, ended.errors
    assert f"answers {status}" in ended.errors or f"Error {status}" in ended.errors
    assert len(rows_of(tmp_path / "raw")) == source["documents"]


def test_a_server_that_stays_busy_is_given_up_in_words_and_the_next_try_goes_on(hub, fetch_server, tmp_path):
    hub.commit(OPENHERMES["id"], hub_rows.openhermes())
    hub.fail(where="/cdn/", status=503, count=-1)
    ended = fetch_server.fetch(OPENHERMES, tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 1
    assert ended.errors.count("the server answers 503; attempt") == 7
    assert "error: sources.tried: 127.0.0.1" in ended.errors
    assert "keeps answering 503. What has been fetched is kept; try again later." in ended.errors
    hub.faults.clear()
    assert fetch_server.fetch(OPENHERMES, tmp_path / "raw").status == 0


@pytest.mark.parametrize("source", [OPENHERMES, FINEWEB], ids=["json", "parquet"])
def test_a_connection_that_is_cut_again_and_again_is_continued(hub, fetch_server, tmp_path, source):
    hub.commit(source["id"], FILES[source["id"]]())
    fetch_server.fetch(source, tmp_path / "whole")
    hub.fail(where="/cdn/", cut=30_000, count=12)
    before = hub.sent
    ended = fetch_server.fetch(source, tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 0, ended.errors
    assert "the connection broke" in ended.errors
    assert content(tmp_path / "raw") == content(tmp_path / "whole")
    if source is OPENHERMES:  # what had come was not asked for again
        assert hub.sent - before == len(
            hub.repositories[source["id"]].commits[hub.repositories[source["id"]].main]["openhermes2_5.json"]
        )


@pytest.mark.parametrize("source", [OPENHERMES, FINEWEB], ids=["json", "parquet"])
def test_a_file_that_comes_short_is_asked_for_again(hub, fetch_server, tmp_path, source):
    hub.commit(source["id"], FILES[source["id"]]())
    hub.fail(where="/cdn/", short=100, count=2)
    ended = fetch_server.fetch(source, tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 0, ended.errors
    assert "bytes came" in ended.errors
    assert len(set(rows_of(tmp_path / "raw"))) == source["documents"]


def test_a_file_that_stays_short_is_an_error_in_words(hub, fetch_server, tmp_path):
    hub.commit(FINEWEB["id"], FILES[FINEWEB["id"]]())
    hub.fail(where="/cdn/", short=100, count=-1)
    ended = fetch_server.fetch(FINEWEB, tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 1
    assert "does not come whole after 8 attempts" in ended.errors
    assert "bytes came where" in ended.errors


def test_a_file_that_is_truncated_in_the_repository_is_named(hub, fetch_server, tmp_path):
    files = hub_rows.magpie()
    files["data/train-00001-of-00003.parquet"] = files["data/train-00001-of-00003.parquet"][:-500]
    hub.commit("someone/broken", files)
    ended = fetch_server.fetch({**ALL, "id": "someone/broken", "documents": 10}, tmp_path / "raw")
    assert ended.status == 1
    assert "'data/train-00001-of-00003.parquet' of 'someone/broken' is damaged, or not Parquet" in ended.errors


def test_a_server_that_ignores_ranges_is_refused_rather_than_read_whole(hub, fetch_server, tmp_path):
    hub.commit(FINEWEB["id"], FILES[FINEWEB["id"]]())
    hub.fail(where="/cdn/", ranges=False, count=-1)
    ended = fetch_server.fetch(FINEWEB, tmp_path / "raw")
    assert ended.status == 1
    assert "the server does not give parts of a file" in ended.errors


@pytest.mark.parametrize("content", ["[]", "{}", "{", "null"])
def test_a_damaged_note_of_what_is_downloaded_begins_anew(tmp_path, content):
    (tmp_path / ".plan.json").write_text(content)
    assert Download.open(tmp_path, {"a": 1}, lambda: {"files": []}).plan == {"files": []}
