import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from emulsion import files
from emulsion.errors import PassingError, UserError
from emulsion.files import (
    canonical_json,
    fingerprint,
    read_json,
    read_jsonl,
    read_note,
    read_object,
    sync,
    whole_file,
    whole_folder,
    write_json,
    write_jsonl,
)

LIBRARY = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "workflow" / "scripts")}


def test_a_file_keeps_its_old_content_when_writing_fails(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), whole_file(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path):
    target = tmp_path / "folder"
    with whole_folder(target) as part:
        (part / "one").write_text("1")
    with pytest.raises(RuntimeError), whole_folder(target) as part:
        (part / "two").write_text("2")
        raise RuntimeError
    assert [file.name for file in target.iterdir()] == ["one"]
    with whole_folder(target) as part:
        (part / "three").write_text("3")
    assert [file.name for file in target.iterdir()] == ["three"]
    assert list(tmp_path.iterdir()) == [target]


def test_files_that_safetensors_writes_are_for_whom_their_folder_is_for(tmp_path):
    for rights in (0o775, 0o750):
        with whole_folder(tmp_path / "model") as part:
            part.chmod(rights)
            save_file({"weight": np.zeros(1)}, part / "model.safetensors")
            elsewhere = tmp_path / "elsewhere.txt"
            elsewhere.touch(0o600)
            (part / "link.txt").symlink_to(elsewhere)
        assert (tmp_path / "model/model.safetensors").stat().st_mode & 0o777 == rights & 0o666
    assert elsewhere.stat().st_mode & 0o777 == 0o600


def test_a_file_system_that_refuses_rights_can_be_written(tmp_path, monkeypatch):
    def chmod(path, mode):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "chmod", chmod)
    with whole_folder(tmp_path / "model") as part:
        (part / "model.safetensors").touch(0o600)
    assert (tmp_path / "model/model.safetensors").exists()


def test_a_file_system_that_does_not_sync_folders_can_be_written(tmp_path, monkeypatch):
    def failing(number):
        def fsync(handle):
            raise OSError(number, os.strerror(number))

        return fsync

    for number in (errno.EINVAL, errno.ENOTSUP):
        monkeypatch.setattr(os, "fsync", failing(number))
        sync(tmp_path)
    monkeypatch.setattr(os, "fsync", failing(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        sync(tmp_path)


def test_a_file_in_the_place_of_a_folder_is_refused_in_words(tmp_path):
    (tmp_path / "swarms").write_text("x")
    for path in (tmp_path / "swarms" / "a.jsonl", tmp_path / "swarms" / "run" / "a.jsonl"):
        with pytest.raises(UserError, match=r"swarms: is no folder, where one is to be; move it away"):
            write_jsonl(path, [])


SECOND = """
import errno, fcntl, sys
if sys.argv[2] == "without locks":
    def flock(*_):
        raise OSError(errno.ENOSYS, "no locks")
    fcntl.flock = flock
from emulsion.files import whole_folder, write_json
with whole_folder(sys.argv[1]) as part:
    (part / "tokens").write_text("1")
    write_json(part / "header.json", {"a": 1})
"""


def second(target, locks="with locks"):
    command = [sys.executable, "-c", SECOND, target, locks]
    subprocess.run(command, env=LIBRARY, check=True)


def test_two_processes_that_write_a_folder_at_once_leave_it_whole(tmp_path):
    target = tmp_path / "a"
    with whole_folder(target) as part:
        (part / "tokens").write_text("1")
        second(target)
        assert sorted(file.name for file in target.iterdir()) == ["header.json", "tokens"]
        write_json(part / "header.json", {"a": 1})
    assert sorted(file.name for file in target.iterdir()) == ["header.json", "tokens"]
    assert list(tmp_path.iterdir()) == [target]


def test_without_locks_what_another_process_has_removed_is_not_published(tmp_path):
    target = tmp_path / "a"
    with pytest.raises(PassingError, match="another process writes it as well"), whole_folder(target) as part:
        (part / "tokens").write_text("1")
        second(target, "without locks")
        write_json(part / "header.json", {"a": 1})
    assert sorted(file.name for file in target.iterdir()) == ["header.json", "tokens"]
    assert list(tmp_path.iterdir()) == [target]


def test_what_fails_as_another_process_has_removed_it_is_tried_again(tmp_path):
    with pytest.raises(PassingError, match="another process writes it as well"), whole_folder(tmp_path / "a") as part:
        second(tmp_path / "a", "without locks")
        (part / "tokens").write_text("1")
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "b"):
        (tmp_path / "nowhere").read_text()


def test_processes_of_one_number_in_two_containers_do_not_meet(tmp_path):
    with whole_folder(tmp_path / "a") as part, whole_folder(tmp_path / "a") as other:
        assert part != other


def test_locks_that_are_only_of_files_open_to_be_written_are_seen(tmp_path, monkeypatch):
    """As those of NFS."""
    lock = fcntl.flock

    def flock(handle, operation):
        if fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with whole_file(tmp_path / "a.json") as part:
        part.write_text("half")
        write_json(tmp_path / "a.json", "second")
        part.write_text("whole")
    assert (tmp_path / "a.json").read_text() == "whole"


def test_what_another_process_removes_before_it_is_locked_is_begun_again(tmp_path, monkeypatch):
    lock, first = fcntl.flock, [1]

    def flock(handle, operation):
        if operation == fcntl.LOCK_EX and first:
            first.pop()
            files._remove_unless_written(next(tmp_path.glob(".a.json.*.part")))
        lock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    write_json(tmp_path / "a.json", {"a": 1})
    assert not first and list(tmp_path.iterdir()) == [tmp_path / "a.json"]


def test_what_a_kill_left_is_locked_while_it_is_removed(tmp_path, monkeypatch):
    left, remove, seen = tmp_path / ".a.json.7.part", files._remove, []
    left.write_text("half")

    def _remove(beside):
        if beside == left:
            with left.open("rb") as other, pytest.raises(BlockingIOError):
                fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            seen.append(beside)
        remove(beside)

    monkeypatch.setattr(files, "_remove", _remove)
    write_json(tmp_path / "a.json", {"a": 1})
    assert seen and not left.exists()


def test_what_a_kill_left_of_another_user_stays_and_stops_nothing(tmp_path, monkeypatch):
    theirs, opened = tmp_path / ".a.json.7.part", os.open
    theirs.write_text("half")

    def refusing(file, flags, *arguments, **named):
        if file == theirs:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(file))
        return opened(file, flags, *arguments, **named)

    monkeypatch.setattr(os, "open", refusing)
    write_json(tmp_path / "a.json", {"a": 1})
    assert theirs.exists() and read_json(tmp_path / "a.json") == {"a": 1}


def test_what_a_kill_left_of_a_folder_goes(tmp_path):
    (tmp_path / ".a.7.part").mkdir()
    (tmp_path / ".a.0123.old.part").mkdir()
    others = tmp_path / ".a.json.7.part"
    others.write_text("half")
    with whole_folder(tmp_path / "a"):
        pass
    assert set(tmp_path.iterdir()) == {tmp_path / "a", others}


def test_what_a_kill_left_of_a_file_goes(tmp_path):
    left, others = tmp_path / ".[a].json.7.part", tmp_path / ".a.json.7.part"
    left.write_text("half"), others.write_text("half")
    write_json(tmp_path / "[a].json", {"a": 1})
    assert set(tmp_path.iterdir()) == {tmp_path / "[a].json", others}


def test_two_processes_that_write_a_file_at_once_leave_it_whole(tmp_path):
    target = tmp_path / "a.json"
    with whole_file(target) as part:
        part.write_text("half")
        write = "import sys; from emulsion.files import write_json; write_json(*sys.argv[1:])"
        subprocess.run([sys.executable, "-c", write, target, "1"], env=LIBRARY, check=True)
        assert json.loads(target.read_text()) == "1"
        part.write_text("whole")
    assert target.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_another_process_publishes_at_the_same_moment_is_replaced(tmp_path, monkeypatch):
    target, original = tmp_path / "a", files.remove_folder
    others = [1, 2]

    def remove_folder(folder):
        original(folder)
        if others:
            (target / str(others.pop())).mkdir(parents=True)

    monkeypatch.setattr(files, "remove_folder", remove_folder)
    with whole_folder(target) as part:
        (part / "mine").write_text("1")
    assert [file.name for file in target.iterdir()] == ["mine"]


def test_canonical_json_does_not_depend_on_the_order_of_keys():
    assert canonical_json({"b": 1, "a": [1.0, None]}) == canonical_json({"a": [1.0, None], "b": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", r"file\.json: is no object with a, b\. Make it again"),
        ("null", "is no object with a, b"),
        ('{"a": 1}', "is no object with a, b"),
        ("[" * 100_000, "not valid JSON"),
        (None, r"is a folder.* Make it again: delete .*file\.json"),
    ],
)
def test_what_is_no_object_of_ours_is_refused_in_words(tmp_path, content, told):
    file = tmp_path / "file.json"
    if content is None:
        file.mkdir()
    else:
        file.write_text(content)
    with pytest.raises(UserError, match=told):
        read_object(file, ("a", "b"))


def test_a_key_that_an_object_of_ours_lacks_is_told_with_its_file(tmp_path):
    (tmp_path / "file.json").write_text('{"a": 1}')
    found = read_object(tmp_path / "file.json")
    assert found == {"a": 1} and found.get("b") is None
    with pytest.raises(UserError, match=r"file\.json: has no b\. Make it again: delete .*file\.json"):
        found["b"]


def test_a_file_under_a_file_is_missing(tmp_path):
    (tmp_path / "file").write_text("{}")
    with pytest.raises(UserError, match=r"file/header\.json: no such file"):
        read_json(tmp_path / "file" / "header.json")


def test_malformed_json_is_reported_with_file_and_place(tmp_path):
    (tmp_path / "bad.json").write_text('{"a": ')
    with pytest.raises(UserError, match=r"bad\.json: not valid JSON"):
        read_json(tmp_path / "bad.json")
    (tmp_path / "bad.json").write_text('{"a": ' + 5000 * "9" + "}")
    with pytest.raises(UserError, match=r"bad\.json: not valid JSON: Exceeds the limit"):
        read_json(tmp_path / "bad.json")
    write_jsonl(tmp_path / "rows.jsonl", [{"a": 1}])
    with (tmp_path / "rows.jsonl").open("a") as rows:
        rows.write("{oops\n")
    with pytest.raises(UserError, match=r"rows\.jsonl:2"):
        read_jsonl(tmp_path / "rows.jsonl")


def test_numbers_that_are_not_finite_never_reach_a_file(tmp_path):
    with pytest.raises(ValueError):
        write_jsonl(tmp_path / "rows.jsonl", [{"a": float("nan")}])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "found", "told"),
    [
        (None, None, ""),
        ('{"a": 1}', {"a": 1}, ""),
        ("{", None, "not valid JSON"),
        ("[]", None, "is no object with a. It is not used."),
        ('{"b": 1}', None, "is no object with a. It is not used."),
        ('{"a": 1, "checksum": "sha256:0"}', None, "damaged or edited"),
    ],
)
def test_a_note_that_can_be_done_without_is_left_where_it_is_damaged(tmp_path, caplog, content, found, told):
    if content is not None:
        (tmp_path / "note.json").write_text(content)
    assert read_note(tmp_path / "note.json", ("a",)) == found
    assert told in caplog.text and "snakemake" not in caplog.text
