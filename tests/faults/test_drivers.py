"""A driver that was killed leaves no lock behind, and one that is told to stop has its jobs save."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emulsion import drivers, processes

LIBRARY = str(Path("workflow/scripts").absolute())
# Stands for Snakemake: notes itself, locks, and runs a job by a shell until it has ended.
DRIVER = """
import signal, subprocess, sys
from emulsion import drivers
print(*drivers.begin().notes, flush=True)
(drivers.LOCKS / "0.input.lock").write_text("a")
for each in drivers.SIGNALS:  # whoever runs the tests may ignore some
    signal.signal(each, signal.SIG_DFL)
signal.signal(signal.SIGTERM, lambda *_: print("graceful", flush=True))
drivers.listen("scripts", local=True)
job = subprocess.Popen(f"{sys.executable} scripts/train.py --output models/a; exit $?", shell=True)
print("ended with", job.wait(), flush=True)
"""
JOB = """
import signal, sys, time
from pathlib import Path
from emulsion.training.job import Job
job = Job()
if "{stubborn}" == "True":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    job.listen()
Path("started").touch()
while not job.told_to_stop:
    time.sleep(0.01)
time.sleep(0.5)
Path("saved").touch()
sys.exit(1)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drivers.LOCKS.mkdir(parents=True)
    (tmp_path / "scripts").mkdir()
    return tmp_path


def drive(folder, stubborn=False):
    """A driver whose job is at work."""
    (folder / "scripts/train.py").write_text(JOB.format(stubborn=stubborn))
    environment = {**os.environ, "PYTHONPATH": LIBRARY}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER], cwd=folder, env=environment, **pipes)
    while not (folder / "started").exists():
        assert driver.poll() is None, driver.stdout.read()
        time.sleep(0.01)
    return driver


def test_the_lock_of_a_killed_driver_is_removed_in_words(folder):
    began = time.time() - 2  # clocks of files are coarse
    driver = drive(folder)
    with driver:
        orphans = [process for process, _ in processes.descendants(driver.pid)]
        driver.kill()
    begun = drivers.begin()
    [note] = begun.notes
    assert began <= begun.killed_since <= time.time()
    assert note == f"An earlier call of Snakemake (process {driver.pid}) was killed here; the lock it left is removed."
    assert not any(drivers.LOCKS.iterdir())
    begun.forget_killed()
    assert [json.loads(file.read_text())["process"] for file in drivers.FOLDER.glob("*.json")] == [os.getpid()]
    for orphan in orphans:
        os.kill(orphan, signal.SIGKILL)


def test_the_lock_of_a_living_driver_stays_and_a_second_one_is_told_whose_it_is(folder):
    with drive(folder) as driver:
        begun = drivers.begin()
        [note] = begun.notes
        assert begun.killed_since is None
        assert f"process {driver.pid} on" in note and f"`kill {driver.pid}`" in note
        assert any(drivers.LOCKS.iterdir())
        driver.terminate()
        driver.communicate()
    assert not list(drivers.FOLDER.glob(f"{driver.pid}-*"))


def test_a_killed_driver_is_known_until_one_has_dealt_with_what_it_left(folder):
    """A dry run does not, nor does a call that is ended while it waits for jobs on a cluster."""
    drivers.FOLDER.mkdir()
    (drivers.FOLDER / "1.json").write_text(json.dumps({**processes.this_process(), "process": 2**22 + 1}))
    begun = [begin_and_end() for _ in range(2)]
    assert begun[0].killed_since is not None and begun[1].killed_since == begun[0].killed_since
    begun[1].forget_killed()
    assert begin_and_end().killed_since is None


def begin_and_end():
    begun = drivers.begin()
    [own] = drivers.FOLDER.glob(f"{os.getpid()}-*.json")
    own.unlink()
    return begun


def test_a_lock_of_which_nothing_is_known_stays(folder):
    (drivers.LOCKS / "0.input.lock").write_text("a")
    assert drivers.begin().notes == []
    assert any(drivers.LOCKS.iterdir())


@pytest.mark.parametrize(("change", "removed"), [({"host": "elsewhere 1"}, False), ({}, True)])
def test_the_driver_of_another_machine_may_live_and_that_of_this_one_before_a_restart_does_not(
    folder, monkeypatch, change, removed
):
    monkeypatch.setattr(processes, "_text", lambda file: "this machine")
    name = processes.this_host().split(" ")[0]
    drivers.FOLDER.mkdir()
    found = {**processes.this_process(), "host": f"{name} before", **change}
    (drivers.FOLDER / "1.json").write_text(json.dumps(found))
    (drivers.LOCKS / "0.input.lock").write_text("a")
    drivers.begin()
    assert removed is not any(drivers.LOCKS.iterdir())


@pytest.mark.parametrize("number", drivers.SIGNALS, ids=lambda number: number.name)
def test_a_driver_told_to_stop_has_its_job_save_and_says_that_it_waits(folder, number):
    with drive(folder) as driver:
        driver.send_signal(number)
        said = driver.stdout.read()
    assert (folder / "saved").exists()
    assert said.index("graceful") < said.index("Waiting for train of models/a (process") < said.index("ended with 1")


def test_a_second_signal_kills_what_does_not_end(folder):
    with drive(folder, stubborn=True) as driver:
        driver.terminate()
        while "Waiting" not in driver.stdout.readline():
            pass
        driver.terminate()
        assert "ended with" in driver.stdout.read()
    assert not (folder / "saved").exists()


def test_a_signal_that_is_ignored_stays_ignored(monkeypatch):
    set_to = {}
    monkeypatch.setattr(signal, "getsignal", lambda number: signal.SIG_IGN if number == signal.SIGHUP else None)
    monkeypatch.setattr(signal, "signal", set_to.__setitem__)
    drivers.listen("scripts", local=True)
    assert set(set_to) == {signal.SIGINT, signal.SIGTERM}
    with pytest.raises(KeyboardInterrupt):  # Snakemake cancels the jobs of a cluster
        drivers.listen("scripts", local=False)
        set_to[signal.SIGTERM](signal.SIGTERM, None)


@pytest.mark.parametrize(
    ("ends", "status", "says"), [("os.kill(os.getpid(), 9)", 137, True), ("sys.exit(3)", 3, False)]
)
def test_a_job_that_was_killed_says_that_it_may_have_been_for_memory(ends, status, says):
    job = f"set -euo pipefail; {drivers.JOB_SHELL} {sys.executable} -c 'import os, sys; {ends}' 2> /dev/null"
    ended = subprocess.run(["bash", "-c", job], stderr=subprocess.PIPE, text=True, check=False)
    assert ended.returncode == status
    assert says is ("memory ran out, of this machine or of the job (mem_mb)" in ended.stderr)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP], ids=lambda number: number.name)
def test_the_shell_of_a_job_waits_until_it_has_saved_when_both_are_told_to_stop(tmp_path, number):
    job = tmp_path / "job.py"
    job.write_text(
        "import sys, time\n"
        f"sys.path.insert(0, {LIBRARY!r})\n"
        "from emulsion.training.job import Job\n"
        "job = Job()\n"
        "job.listen()\n"
        "print('started', flush=True)\n"
        "while not job.told_to_stop:\n"
        "    time.sleep(0.01)\n"
        "time.sleep(0.3)\n"
        "print('saved', flush=True)\n"
        "sys.exit(3)\n"
    )
    command = f"set -euo pipefail; {drivers.JOB_SHELL} {sys.executable} {job}; exit 0"
    shell = subprocess.Popen(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # whoever runs the tests may ignore it
    )
    assert shell.stdout.readline() == "started\n"
    os.killpg(shell.pid, number)
    assert shell.wait() == 3
    assert shell.stdout.read() == "saved\n"
