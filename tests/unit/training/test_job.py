import os
import signal

import pytest

from emulsion.training.job import Job

SIGNALS = [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT]


@pytest.fixture
def handlers():
    """What the signals of a job do is put back."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_job_is_told_to_stop_by_each_signal(handlers, number):
    job = Job()
    job.listen()
    assert not job.told_to_stop
    os.kill(os.getpid(), number)
    assert job.told_to_stop


def test_ctrl_c_again_does_not_wait_for_the_next_step(handlers):
    job = Job()
    job.listen()
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_a_cluster_that_tells_a_job_twice_does_not_cut_off_what_it_saves(handlers):
    job = Job()
    job.listen()
    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGTERM):
        os.kill(os.getpid(), number)
    assert job.told_to_stop


def test_what_the_caller_ignores_stays_ignored(handlers):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    job = Job()
    job.listen()
    os.kill(os.getpid(), signal.SIGHUP)
    assert not job.told_to_stop


def test_a_job_is_short_of_time_when_a_twentieth_of_it_is_left(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("emulsion.training.job.time.monotonic", lambda: now[0])
    job = Job(minutes=10)
    for later, short in ((569, False), (571, True)):
        now[0] = 100.0 + later
        assert job.short_of_time() is short
    assert not Job().short_of_time()
