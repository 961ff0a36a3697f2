"""Two processes never train one run at once."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from emulsion import processes
from emulsion.errors import PassingError
from emulsion.files import read_json
from emulsion.training import owner as owners
from emulsion.training.job import Job
from emulsion.training.owner import FILE, Owner, is_free, owned

FOREIGN = {"host": "elsewhere 1", "process": 7, "start": "1", "token": "theirs", "beats": 1}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(owners, "HEARTBEAT_SECONDS", 0.02)
    monkeypatch.setattr(owners, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(owners, "STALE_SECONDS", 0.3)


def test_an_owner_names_host_process_and_start_and_its_heart_beats(tmp_path):
    with owned(tmp_path / "run", Job()) as (_, waited):
        told = read_json(tmp_path / "run" / FILE)
        assert told["process"] == os.getpid() and told["start"] and not waited
        while read_json(tmp_path / "run" / FILE)["beats"] < 3:
            time.sleep(0.01)
        assert not is_free(tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_second_one_waits_for_the_first_and_says_for_whom(tmp_path, caplog):
    order = []

    def second():
        with owned(tmp_path / "run", Job()) as (_, waited):
            order.append(("second", waited))

    with owned(tmp_path / "run", Job()):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.5)  # longer than a heartbeat may fail
        order.append(("first", False))
    thread.join()
    assert order == [("first", False), ("second", True)]
    assert f"process {os.getpid()} on" in caplog.text and "trains this run; waiting for its end" in caplog.text


def test_what_was_saved_stays_when_an_owner_stops(tmp_path):
    with owned(tmp_path / "run", Job()):
        (tmp_path / "run/step-000000001").mkdir()
    assert [path.name for path in (tmp_path / "run").iterdir() if not path.name.startswith(".")] == ["step-000000001"]


def test_a_process_of_this_machine_that_was_killed_owns_nothing(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from emulsion.training.job import Job\n"
        "from emulsion.training.owner import Owner; Owner(Path(sys.argv[1])).take(Job()); print('taken', flush=True)\n"
        "time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": "workflow/scripts"}
    command = [sys.executable, "-c", code, str(tmp_path / "run")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "taken\n"
    assert not is_free(tmp_path / "run")
    process.kill()
    process.wait()
    assert is_free(tmp_path / "run")
    with owned(tmp_path / "run", Job()) as (_, waited):
        assert not waited


def test_another_process_under_the_number_of_a_dead_one_owns_nothing(tmp_path):
    with owned(tmp_path / "run", Job()):
        told = read_json(tmp_path / "run" / FILE)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_text(json.dumps({**told, "start": "0"}))
    assert is_free(tmp_path / "run")


@pytest.mark.parametrize("content", [json.dumps(FOREIGN), "", '{"host": "el', "[]"])
def test_a_run_of_another_machine_is_taken_over_when_its_heart_stands_still(tmp_path, content):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_text(content)
    started = time.monotonic()
    with owned(tmp_path / "run", Job()) as (_, waited):
        assert waited and time.monotonic() - started >= 0.3


def test_no_process_is_to_be_ended_for_an_owner_from_before_its_machine_was_started_again(
    tmp_path, monkeypatch, caplog
):
    here = {**processes.this_process(), "machine": "this one"}
    monkeypatch.setattr(processes, "this_process", lambda: here)
    name, _, space = here["host"].split(" ")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / FILE).write_text(
        json.dumps({**FOREIGN, "host": f"{name} before {space}", "machine": "this one"})
    )
    with owned(tmp_path / "run", Job()) as (_, waited):
        assert waited
    assert f"or wait 0.3 s: {name} was started again since" in caplog.text and "kill 7" not in caplog.text


def test_whoever_was_taken_over_is_refused_in_words_before_it_saves(tmp_path):
    first = Owner(tmp_path / "run")
    first.take(Job())
    (tmp_path / "run" / FILE).write_text(json.dumps(FOREIGN))
    with pytest.raises(PassingError, match="another process trains this run now"):
        first.confirm()
    first.release()
    assert read_json(tmp_path / "run" / FILE) == FOREIGN


def test_an_owner_whose_file_cannot_be_read_for_once_goes_on_and_writes_it_again(tmp_path):
    with owned(tmp_path / "run", Job()) as (owner, _):
        beats = read_json(tmp_path / "run" / FILE)["beats"]
        (tmp_path / "run" / FILE).write_text('{"host": ')
        owner.confirm()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and (tmp_path / "run" / FILE).read_text() == '{"host": ':
            time.sleep(0.01)
        assert read_json(tmp_path / "run" / FILE)["beats"] > beats


def test_a_job_that_is_to_stop_waits_no_longer(tmp_path):
    job = Job()
    with owned(tmp_path / "run", Job()):
        job.told_to_stop = True
        with pytest.raises(PassingError, match=r"process \d+ on \S+ trains this run; stopped waiting"):
            Owner(tmp_path / "run").take(job)


def test_of_many_at_once_one_is_the_owner_at_a_time(tmp_path):
    inside, most, done = [], [], []

    def work():
        with owned(tmp_path / "run", Job()):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.02)
            inside.pop()
        done.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1 and len(done) == 6


def test_the_time_that_a_killed_owner_had_not_saved_is_charged_in_words(tmp_path, caplog):
    for tries in (1, 2):
        with owned(tmp_path / "run", Job()) as (owner, _):
            told = {**read_json(tmp_path / "run" / FILE), "unsaved_seconds": 40.0}
            (tmp_path / "run/step-000000001").mkdir(exist_ok=True)
        (tmp_path / "run" / FILE).write_text(json.dumps({**told, "start": "0"}))  # killed
        with owned(tmp_path / "run", Job()) as (owner, _):
            assert owner.killed == {"tries": tries, "seconds": 40.0 * tries}
        assert "was killed, 40 seconds after it last saved. If nobody ended it, memory ran out" in caplog.text


def test_what_was_saved_is_not_charged(tmp_path):
    owner = Owner(tmp_path / "run")
    owner.take(Job())
    owner._saved_at -= 40
    saved = time.monotonic()
    owner.saved()
    beats = read_json(tmp_path / "run" / FILE)["beats"]
    while read_json(tmp_path / "run" / FILE)["beats"] < beats + 2:
        time.sleep(0.01)
    assert read_json(tmp_path / "run" / FILE)["unsaved_seconds"] <= time.monotonic() - saved
    owner.release()


def test_a_clock_that_jumps_ends_no_ownership_and_no_job(tmp_path, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1e9 * (time.monotonic() * 1000 % 2))
    job = Job(minutes=60)
    with owned(tmp_path / "run", job) as (owner, _):
        time.sleep(0.5)  # longer than a heartbeat may fail
        owner.confirm()
        assert not is_free(tmp_path / "run") and not job.short_of_time()
        assert read_json(tmp_path / "run" / FILE)["unsaved_seconds"] < 60


def test_many_take_remove_and_release_a_folder_in_turn(tmp_path):
    folder = tmp_path / "run"
    owning, most, errors = [], [], []

    def take_turns(number):
        try:
            for turn in range(20):
                one = Owner(folder)
                one.take(Job())
                owning.append(number)
                most.append(len(owning))
                owning.remove(number)
                if turn % 2:
                    one.remove()
                one.release()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=take_turns, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not errors
    assert most == [1] * 80
    assert not folder.exists()


def test_what_another_owns_by_now_is_neither_removed_nor_released(tmp_path):
    folder = tmp_path / "run"
    first, second = Owner(folder), Owner(folder)
    first.take(Job())
    (folder / FILE).unlink()
    second.take(Job())
    first.remove()
    first.release()
    assert (folder / FILE).exists()
    second.remove()
    assert not folder.exists()
