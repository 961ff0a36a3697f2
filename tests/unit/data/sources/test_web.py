"""Files at fixed addresses, over loopback."""

import hashlib
import json
import subprocess

import pytest

from emulsion.data.sources.formats import columns_of
from emulsion.files import read_json
from raw_rows import read_rows
from small_disk import small_disk

TASK = {
    "Contributors": ["Somebody"],
    "Definition": ["Say whether the review is good or bad"],
    "Positive Examples": [],
    "Negative Examples": [],
    "Instances": [
        {"id": f"task363-{number}", "input": f"review {number} é", "output": ["good", "positive"]}
        for number in range(400)
    ],
}
NAMES = ("task363_sst2_polarity_classification.json", "task380_boolq_yes_no_question.json")


@pytest.fixture
def tasks(hub):
    """{address: content} of two tasks."""
    contents = {f"tasks/{name}": json.dumps({**TASK, "Categories": [name]}).encode() for name in NAMES}
    commit = hub.commit("allenai/natural-instructions", contents)
    root = f"{hub.endpoint}/cdn/allenai/natural-instructions/{commit}"
    return {f"{root}/{path}": content for path, content in contents.items()}


def web(tasks, **more):
    return {"kind": "web", "files": list(tasks), "licence": "apache-2.0", **more}


def test_tasks_of_natural_instructions_come_as_they_are(fetch_server, tmp_path, tasks):
    sums = [hashlib.sha256(content).hexdigest() for content in tasks.values()]
    ended = fetch_server.fetch(web(tasks, sha256=sums), tmp_path / "raw")
    assert ended.status == 0, ended.errors
    provenance = read_json(tmp_path / "raw" / "provenance.json")
    files = [tmp_path / "raw" / entry["name"] for entry in provenance["files"]]
    assert [file.name for file in files] == [f"{place:05d}-{name}" for place, name in enumerate(NAMES)]
    assert [file.read_bytes() for file in files] == list(tasks.values())
    assert provenance["addresses"] == list(tasks)
    assert provenance["licence"] == "apache-2.0"
    assert len(list((tmp_path / "raw").iterdir())) == 3
    assert len(list(read_rows(files))) == 800
    assert set(columns_of(files[0])) == {"id", "input", "output", "definition"}


def test_a_cut_is_continued(hub, fetch_server, tmp_path, tasks):
    hub.fail(where=NAMES[1], cut=9000, count=-1)
    ended = fetch_server.fetch(web(tasks), tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 0, ended.errors
    assert hub.sent == sum(map(len, tasks.values()))


def test_a_finished_file_is_not_asked_for_again_by_a_later_try(hub, fetch_server, tmp_path, tasks):
    hub.fail(where=NAMES[1], status=503, count=-1)
    ended = fetch_server.fetch(web(tasks), tmp_path / "raw", network__LONGEST_PAUSE=0.01)
    assert ended.status == 1
    assert "127.0.0.1 answers 503" in ended.errors
    hub.faults.clear()
    assert fetch_server.fetch(web(tasks), tmp_path / "raw").status == 0
    assert sum(NAMES[0] in request.path for request in hub.requests) == 1


def test_of_a_full_disk_the_file_is_named_and_with_room_the_download_goes_on(hub, fetch_server, tmp_path, tasks):
    with small_disk(tmp_path / "raw", "20k") as raw:
        ended = fetch_server.fetch(web(tasks), raw)
        assert ended.status == 1
        assert f"error: {raw / f'.00000-{NAMES[0]}.partial'}: No space left on device. The disk is full" in ended.errors
        subprocess.run(["mount", "-o", "remount,size=1m", raw], check=True)
        assert fetch_server.fetch(web(tasks), raw).status == 0
        assert [(raw / f"{place:05d}-{name}").read_bytes() for place, name in enumerate(NAMES)] == list(tasks.values())


def test_a_killed_download_goes_on_where_it_was(hub, fetch_server, tmp_path, tasks):
    total = sum(map(len, tasks.values()))
    running = fetch_server.begin(web(tasks), tmp_path / "raw")

    def kill(sent):
        if sent > total * 0.8:
            running.kill()

    hub.on_sent = kill
    if running.wait().status == -9:
        hub.on_sent = lambda sent: None
        assert fetch_server.fetch(web(tasks), tmp_path / "raw").status == 0
        assert hub.sent < 1.7 * total
    files = [tmp_path / "raw" / entry["name"] for entry in read_json(tmp_path / "raw" / "provenance.json")["files"]]
    assert [file.read_bytes() for file in files] == list(tasks.values())


def test_a_file_that_changed_since_the_cut_is_not_patched_together(hub, fetch_server, tmp_path, tasks):
    address = f"{hub.endpoint}/cdn/allenai/moving/head/task.json"
    first, second = json.dumps(TASK).encode(), json.dumps({**TASK, "Source": ["another"]}).encode()
    hub.commit("allenai/moving", {})
    hub.repositories["allenai/moving"].commits["head"] = {"task.json": first}
    hub.fail(where="moving", cut=9000)
    hub.fail(where="moving", status=404)
    assert fetch_server.fetch(web([address]), tmp_path / "raw", network__LONGEST_PAUSE=0.01).status == 1
    hub.repositories["allenai/moving"].commits["head"] = {"task.json": second}
    assert fetch_server.fetch(web([address]), tmp_path / "raw").status == 0
    assert (tmp_path / "raw" / "00000-task.json").read_bytes() == second


def test_a_checksum_that_differs_is_an_error_and_the_file_is_not_kept(fetch_server, tmp_path, tasks):
    ended = fetch_server.fetch(web(tasks, sha256=["0" * 64, "1" * 64]), tmp_path / "raw")
    assert ended.status == 1
    assert "its SHA-256 is" in ended.errors
    assert not list((tmp_path / "raw").glob("0*"))


def test_an_address_without_a_file_names_host_and_status(hub, fetch_server, tmp_path):
    hub.commit("a/b", {})
    hub.fail(where="nothing.json", status=404)
    ended = fetch_server.fetch(web([f"{hub.endpoint}/cdn/a/b/c/nothing.json"]), tmp_path / "raw")
    assert ended.status == 1
    assert "error: sources.tried: 127.0.0.1 answers 404 for 'http" in ended.errors


def test_a_page_in_place_of_a_file_is_refused_and_not_kept(hub, fetch_server, tmp_path):
    hub.commit("a/b", {})
    hub.repositories["a/b"].commits["head"] = {"data.json": b"<!DOCTYPE html>\n<html>Sign in</html>"}
    ended = fetch_server.fetch(web([f"{hub.endpoint}/cdn/a/b/head/data.json?from=page"]), tmp_path / "raw")
    assert ended.status == 1
    assert "/cdn/a/b/head/data.json': it is a page of HTML or XML" in ended.errors
    assert "from=page" not in ended.errors
    assert not list((tmp_path / "raw").glob("0*"))


def test_checksums_are_one_a_file(fetch_server, tmp_path, tasks):
    ended = fetch_server.fetch(web(tasks, sha256=["0" * 64]), tmp_path / "raw")
    assert "sources.tried.web.sha256: 1 checksums for 2 files" in ended.errors
