import numpy as np
import pytest

from emulsion.files import read_jsonl
from emulsion.training.log import SPIKE_LEAST, SPIKE_WINDOW, TrainingLog, is_spike, spike_steps


def row(step, loss=1.0):
    return {"step": step, "loss": loss}


def test_a_log_goes_on_after_the_step_it_resumes_from(tmp_path):
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path, 0)
    for step in range(1, 6):
        log.append(row(step))
    resumed = TrainingLog(path, 3)
    resumed.append(row(4, 2.0))
    assert [(line["step"], line["loss"]) for line in read_jsonl(path)] == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 2.0)]


def test_a_line_cut_by_a_kill_is_dropped(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text('{"loss":1.0,"step":1}\n{"loss":1.0,"st')
    assert TrainingLog(path, 5).rows == [{"loss": 1.0, "step": 1}]


def test_a_leap_of_the_loss_is_marked_also_across_a_resume(tmp_path):
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path, 0)
    for step in range(1, SPIKE_WINDOW + 1):
        log.append(row(step, 2.0 + 0.01 * (step % 3)))
    resumed = TrainingLog(path, SPIKE_WINDOW)
    resumed.append(row(SPIKE_WINDOW + 1, 9.0))
    resumed.append(row(SPIKE_WINDOW + 2, 2.0))
    assert resumed.spikes == [SPIKE_WINDOW + 1]


def test_noise_and_the_fall_at_the_start_are_no_spikes():
    assert not is_spike(2.03, [2.0 + 0.01 * (step % 3) for step in range(SPIKE_WINDOW)])
    assert not is_spike(9.0, [10.0 - step / 2 for step in range(SPIKE_LEAST)])
    noise = np.random.default_rng(0).normal(0, 0.05, 2000)
    losses = 2 + 5 * np.exp(-np.arange(2000) / 50) + noise
    assert spike_steps([row(step, float(loss)) for step, loss in enumerate(losses, start=1)]) == []


@pytest.mark.parametrize("step", [7, 10, 30])
def test_a_spike_is_seen_in_a_short_run_while_the_loss_still_falls(step):
    rows = [row(n, 6.0 - 0.05 * n + 0.02 * (n % 3)) for n in range(1, step + 4)]
    rows[step - 1]["loss"] *= 1.3
    assert spike_steps(rows) == [step]


def test_a_loss_that_is_not_finite_hides_no_spike():
    rows = [row(n, 2.0 + 0.01 * (n % 3)) for n in range(1, 12)]
    rows[4]["loss"], rows[9]["loss"] = None, 4.0
    assert spike_steps(rows) == [10]
