import shutil

import numpy as np
import pytest

from emulsion.errors import PassingError
from emulsion.files import read_jsonl, sha256
from emulsion.training.log import SPIKE_LEAST, SPIKE_WINDOW, TrainingLog, is_spike, spike_steps


def row(step, loss=1.0):
    return {"step": step, "loss": loss}


def test_a_log_goes_on_after_the_step_it_resumes_from(tmp_path):
    path = tmp_path / "log.jsonl"
    log, saved = TrainingLog(path), tmp_path / "saved.jsonl"
    for step in range(1, 6):
        log.append(row(step))
        if step == 3:
            log.copy(saved)
    resumed = TrainingLog(path, saved)
    resumed.append(row(4, 2.0))
    assert [(line["step"], line["loss"]) for line in read_jsonl(path)] == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 2.0)]


@pytest.mark.parametrize("damage", ["cut", "changed", "removed"])
def test_a_log_damaged_while_nothing_runs_is_noticed_and_taken_from_the_checkpoint(tmp_path, caplog, damage):
    path, saved = tmp_path / "log.jsonl", tmp_path / "saved.jsonl"
    log = TrainingLog(path)
    for step in range(1, 5):
        log.append(row(step))
    log.copy(saved)
    text = path.read_text()
    path.write_text({"cut": text[:40], "changed": text.replace("1.0", "1.5", 1), "removed": ""}[damage])
    assert [line["step"] for line in TrainingLog(path, saved).rows] == [1, 2, 3, 4]
    assert path.read_text() == text
    assert f"{path}: rows are missing or changed; taken from {saved}" in caplog.text


def test_a_line_that_a_kill_cut_is_of_a_step_to_be_done_again_and_no_damage(tmp_path, caplog):
    path, saved = tmp_path / "log.jsonl", tmp_path / "saved.jsonl"
    log = TrainingLog(path)
    log.append(row(1))
    log.copy(saved)
    with path.open("a") as out:
        out.write('{"loss":1.0,"st')
    assert TrainingLog(path, saved).rows == [row(1)]
    assert not caplog.text


def assert_written_again_by_copy(log, saved, caplog):
    digest = log.copy(saved)
    for file in (log.path, saved):
        assert read_jsonl(file) == log.rows and sha256(file) == digest
    assert "rows are missing or changed; written again" in caplog.text


@pytest.mark.parametrize("goes_on", [True, False], ids=["before a step", "after the last"])
def test_a_log_removed_while_the_run_goes_on_is_written_again_when_it_is_copied(tmp_path, caplog, goes_on):
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path)
    log.append(row(1))
    path.unlink()
    if goes_on:
        log.append(row(2))
    assert_written_again_by_copy(log, tmp_path / "saved.jsonl", caplog)


def test_a_folder_removed_while_the_run_trains_is_told_in_words(tmp_path):
    log = TrainingLog(tmp_path / "run/log.jsonl")
    shutil.rmtree(tmp_path / "run")
    with pytest.raises(PassingError, match=r"run: was removed while the run trained.*start again"):
        log.append(row(1))


def test_a_log_cut_while_the_run_goes_on_is_noticed_when_it_is_copied_and_written_again(tmp_path, caplog):
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path)
    for step in (1, 2):
        log.append(row(step))
    path.write_text("")
    log.append(row(3))
    assert_written_again_by_copy(log, tmp_path / "saved.jsonl", caplog)


def test_a_leap_of_the_loss_is_marked_also_across_a_resume(tmp_path):
    path = tmp_path / "log.jsonl"
    log = TrainingLog(path)
    for step in range(1, SPIKE_WINDOW + 1):
        log.append(row(step, 2.0 + 0.01 * (step % 3)))
    log.copy(tmp_path / "saved.jsonl")
    resumed = TrainingLog(path, tmp_path / "saved.jsonl")
    resumed.append(row(SPIKE_WINDOW + 1, 9.0))
    resumed.append(row(SPIKE_WINDOW + 2, 2.0))
    assert resumed.spikes == [SPIKE_WINDOW + 1]


def test_a_resumed_run_looks_for_leaps_above_its_last_steps(tmp_path):
    log = TrainingLog(tmp_path / "log.jsonl")
    for step in range(1, 2 * SPIKE_WINDOW + 1):
        log.append(row(step, 5.0 if step <= SPIKE_WINDOW else 2.0))
    log.copy(tmp_path / "saved.jsonl")
    resumed = TrainingLog(tmp_path / "log.jsonl", tmp_path / "saved.jsonl")
    resumed.append(row(2 * SPIKE_WINDOW + 1, 3.0))
    assert resumed.spikes == [2 * SPIKE_WINDOW + 1]


@pytest.mark.parametrize(
    ("recent", "least"),
    [
        # Steps of 0.1 around 1.05: six of their standard deviations, 0.1 / 0.954.
        ([1.0, 1.1] * 8, 1.05 + 0.629),
        # No noise: two per cent of the level, which is that of the last eight steps.
        ([3.0] * 20 + [1.0] * 8, 1.02),
    ],
)
def test_a_spike_lies_six_deviations_and_two_per_cent_above_the_last_steps(recent, least):
    assert is_spike(least + 0.002, recent) and not is_spike(least - 0.002, recent)


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
