from emulsion.reason import reason


def test_a_crash_is_told_from_its_traceback_on_and_another_log_by_its_last_lines(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("12:00:00 Start.\nTraceback (most recent call last):\n  File x\nValueError: y\n")
    assert reason(log) == ["Traceback (most recent call last):", "  File x", "ValueError: y"]
    log.write_bytes(b"Killed \xff\n" * 30)
    assert len(reason(log)) == 20
    assert reason(tmp_path / "none.log") == []


class Job:
    """A job as Snakemake has it."""

    def __init__(self, restarts):
        self.restart_times, self._attempt = restarts, 1

    attempt = property(lambda self: self._attempt)


LAUNCHED = """12:00:00 Start.
error: the loss does not fall.
Lower it.
W1130 13:27:27.479000 9219 torch/distributed/elastic/multiprocessing/api.py:1028] Sending process 9230 closing signal
E1130 13:27:27.480000 9219 torch/distributed/elastic/multiprocessing/api.py:1002] failed (exitcode: 1) local_rank: 0
Traceback (most recent call last):
  File "torch/distributed/run.py", line 1032, in <module>
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
train.py FAILED
"""


def test_of_processes_that_torchrun_started_the_first_error_is_told_and_not_torchruns(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(LAUNCHED)
    assert reason(log) == ["error: the loss does not fall.", "Lower it."]
    log.write_text(LAUNCHED.replace("error: ", ""))
    assert reason(log) == ["12:00:00 Start.", "the loss does not fall.", "Lower it."]
    told_to_stop = "W1130 13:27:27.479000 9219 torch/distributed/elastic/agent/server/api.py:725] Received 10 signal\n"
    log.write_text(told_to_stop + LAUNCHED.replace("error: the loss does not fall", "error: stopped at step 3, saved"))
    assert reason(log)[0] == "error: stopped at step 3, saved."


def of_ranks(*errors):
    """The tracebacks of processes of a group, each with its number before its lines, and torchrun's."""
    lines = [
        f"[rank{rank}]: {line}"
        for rank, error in errors
        for line in ("Traceback (most recent call last):", '  File "x.py"', error)
    ]
    return "\n".join([*lines, LAUNCHED.partition("Lower it.\n")[2]])


PEER = "RuntimeError: [gloo/transport/tcp/pair.cc:553] Connection closed by peer [127.0.0.1]:19650."


def test_errors_that_follow_from_another_processs_are_not_told_for_it(tmp_path):
    log = tmp_path / "a.log"
    log.write_text(of_ranks((0, PEER), (1, "RuntimeError: the root cause"), (2, PEER)))
    traceback = ["[rank1]: Traceback (most recent call last):", '[rank1]:   File "x.py"']
    assert reason(log) == [*traceback, "[rank1]: RuntimeError: the root cause"]
    log.write_text(of_ranks((0, PEER)))
    assert reason(log)[-1] == f"[rank0]: {PEER}"


ROOT_CAUSE = """Failures:
[1]:
  exitcode  : -15 (pid: 4762)  (SIGTERM)
------------------------------------------------------------
Root Cause (first observed failure):
[0]:
  rank      : 1 (local_rank: 1)
  exitcode  : -9 (pid: 4763)
"""


def test_a_process_that_was_killed_says_nothing_and_is_told_with_the_likely_cause(tmp_path):
    log = tmp_path / "a.log"
    killed = "one of its processes was killed by signal 9: if nobody did that, memory ran out, of this machine or of"
    for said in ((), ((0, PEER),)):
        log.write_text(of_ranks(*said) + ROOT_CAUSE)
        [line] = reason(log)
        assert line.startswith(killed)
    log.write_text(of_ranks((1, "ValueError: y")) + ROOT_CAUSE.replace("-9", "1"))
    assert reason(log)[-1] == "[rank1]: ValueError: y"
