import json
import signal
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training_cases import SPEC

from emulsion.errors import UserError
from emulsion.files import read_json, write_json
from emulsion.training.job import Job
from emulsion.training.loop import Training
from emulsion.training.runtime import Runtime
from emulsion.training.spec import RunSpec
from emulsion.training.sweep import BranchSet, train_sweep

STEP = 8 * 24
SOURCES = ["alpha", "beta", "gamma"]
MIXTURES = {
    "sweep_00": {"alpha": 0.6, "beta": 0.3, "gamma": 0.1},
    "sweep_01": {"gamma": 1.5, "beta": 0.5},
    "stratified": {"alpha": 1, "beta": 1, "gamma": 1},
    "only_alpha": {"alpha": 1.0},
}
POINTS = ["sweep_00", "sweep_01"]
EARLY = {"after": 4 * STEP, "tokens": 2 * STEP, "mixtures": POINTS, "corners": ["only_alpha"]}
REST = {"after": 6 * STEP, "tokens": 6 * STEP, "mixtures": POINTS, "corners": []}
TRUNKS = [
    {"run": "sweep_00", "mixture": "sweep_00", "seed": 0, "finish": True, "branches": ["rest", "early"]},
    {"run": "sweep_01-seed1", "mixture": "sweep_01", "seed": 1, "finish": True, "branches": []},
    {"run": "stratified", "mixture": "stratified", "seed": 0, "finish": False, "branches": ["early"]},
]


@pytest.fixture
def told(tmp_path, store_folders, tokenizer):
    """What `train_sweep` takes."""
    torch.set_num_threads(1)
    for name, weights in MIXTURES.items():
        schedule = [{"until": 1.0, "weights": weights}]
        write_json(tmp_path / f"{name}.json", {"experiment": "laws", "name": name, "schedule": schedule})
    return {
        "mixture_files": [tmp_path / f"{name}.json" for name in MIXTURES],
        "stores": list(store_folders.values()),
        "tokenizer": tokenizer,
        "spec": SPEC,
        "trunks": TRUNKS,
        "branches": {"early": EARLY, "rest": REST},
        "checkpoints": tmp_path / "journal",
        "runtime": Runtime(micro_batch=8, checkpoint_seconds=0.0),
    }


@pytest.fixture
def steps(monkeypatch):
    """The steps trained, as they come; set `dies` to the number of the step before which the process is killed."""

    class Steps(list):
        dies = None

    seen, original = Steps(), Training._train_step

    def train_step(self):
        if len(seen) == seen.dies:
            raise Killed
        seen.append(self.step)
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
    return seen


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(each) for key, each in value.items() if key != "seconds"}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def test_a_sweep_gives_a_row_for_each_trunk_with_all_of_its_branches(told):
    found = train_sweep(**told)
    assert found["sources"] == SOURCES
    first, second, third = found["runs"]
    assert [row["run"] for row in found["runs"]] == ["sweep_00", "sweep_01-seed1", "stratified"]
    assert (first["tokens"], first["finished"], first["seed"]) == (12 * STEP, True, 0)
    assert list(first["test"]) == list(first["validation"]) == SOURCES
    assert second["weights"] == {"alpha": 0.0, "beta": 0.25, "gamma": 0.75} and second["branches"] == {}
    assert (third["tokens"], third["finished"], third["validation"], third["test"]) == (4 * STEP, False, None, None)
    assert list(first["branches"]) == ["early", "rest"] and list(third["branches"]) == ["early"]
    early, rest = first["branches"].values()
    assert (early["after"], early["tokens"]) == (4 * STEP, 2 * STEP)
    assert [(end["mixture"], end["corner"]) for end in early["ends"]] == [
        ("sweep_00", False),
        ("sweep_01", False),
        ("only_alpha", True),
    ]
    assert early["ends"][2]["weights"] == {"alpha": 1.0, "beta": 0.0, "gamma": 0.0}
    assert [end["test"] for end in early["ends"]] == [None] * 3
    assert (rest["after"], rest["tokens"]) == (6 * STEP, 6 * STEP)
    assert all(list(end["test"]) == SOURCES for end in rest["ends"])
    assert len({row["identity"] for row in found["runs"]}) == 3


def test_training_on_a_source_lowers_its_own_loss_most(told):
    [row] = train_sweep(**{**told, "trunks": TRUNKS[:1]})["runs"]
    sources, corner = row["branches"]["early"], row["branches"]["early"]["ends"][2]
    fall = {source: sources["before"][source] - corner["validation"][source] for source in SOURCES}
    assert max(fall, key=fall.get) == "alpha" and fall["alpha"] > 0


def test_a_branch_on_its_trunks_own_mixture_is_the_trunk(told):
    [row] = train_sweep(**{**told, "trunks": TRUNKS[:1]})["runs"]
    same = row["branches"]["rest"]["ends"][0]
    assert (same["validation"], same["test"]) == (row["validation"], row["test"])


def test_a_trunk_is_trained_once_and_no_further_than_its_last_branch_point(told, steps):
    train_sweep(**told)
    branches = 3 * 2 + 2 * 6
    assert len(steps) == 12 + branches + 12 + (4 + 3 * 2)


def test_what_is_in_the_journal_is_not_trained_again_and_only_small_files_are_left(told, steps):
    first = train_sweep(**told)
    done = len(steps)
    assert train_sweep(**told) == first
    assert len(steps) == done
    assert all(path.suffix == ".json" and path.stat().st_size < 2000 for path in told["checkpoints"].iterdir())


def test_a_further_branch_set_point_or_seed_trains_only_what_is_new(told, steps):
    train_sweep(**{**told, "branches": {"early": EARLY}, "trunks": [{**TRUNKS[0], "branches": ["early"]}]})
    done = len(steps)
    [row] = train_sweep(**{**told, "trunks": TRUNKS[:1]})["runs"]
    assert len(steps) - done == 6 + 2 * 6  # the trunk again, as far as the later point
    wider = {**EARLY, "mixtures": [*POINTS, "stratified"]}
    done = len(steps)
    again = train_sweep(**{**told, "branches": {"early": wider, "rest": REST}, "trunks": TRUNKS[:2]})["runs"]
    assert len(steps) - done == (4 + 2) + 12
    assert again[0]["branches"]["rest"] == row["branches"]["rest"]
    assert [end["mixture"] for end in again[0]["branches"]["early"]["ends"]][2] == "stratified"


@pytest.mark.parametrize("save", [0.0, 1e9], ids=["every step saved", "points saved"])
def test_a_sweep_killed_again_and_again_ends_with_the_same_rows(told, steps, tmp_path, save):
    whole = train_sweep(**told)
    killed = {**told, "checkpoints": tmp_path / "other", "runtime": Runtime(micro_batch=8, checkpoint_seconds=save)}
    for more in (2, 3, 5, 6, 9, 14):
        steps.dies = len(steps) + more
        with pytest.raises(Killed):
            train_sweep(**killed)
    steps.dies = None
    assert without_times(train_sweep(**killed)) == without_times(whole)
    assert {path.name for path in (tmp_path / "other").iterdir()} == {
        path.name for path in told["checkpoints"].iterdir()
    }


def test_a_sweep_short_of_time_saves_and_says_of_which_trunk_and_goes_on(told, steps, tmp_path):
    whole = train_sweep(**told)
    late = {**told, "checkpoints": tmp_path / "other", "runtime": Runtime(micro_batch=8, job=Job(minutes=1e-9))}
    for step in (1, 2, 3):
        with pytest.raises(UserError, match=rf"trunk sweep_00: stopped at step {step} of 12, saved; start again"):
            train_sweep(**late)
    done = len(steps)
    late["runtime"] = Runtime(micro_batch=8)
    assert without_times(train_sweep(**late)) == without_times(whole)
    assert len(steps) - done == done - 3 - 3


def test_the_time_of_a_job_counts_over_all_of_its_trainings(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    job = Job(minutes=10)
    now[0] += 0.94 * 600
    assert not job.short_of_time()
    now[0] += 0.02 * 600
    assert job.short_of_time() and not Job().short_of_time()


def test_a_process_told_to_end_saves_and_the_next_one_goes_on(told, tmp_path):
    spec = {**SPEC, "tokens": 200 * STEP}
    values = {
        "experiment": "laws",
        "tokenizer": told["tokenizer"],
        "spec": json.dumps(spec),
        "trunks": json.dumps(TRUNKS[:1]),
        "branches": json.dumps(told["branches"]),
        "checkpoints": told["checkpoints"],
        "micro-batch": 8,
        "output": tmp_path / "out.json",
    }
    options = [part for key, value in values.items() for part in (f"--{key}", str(value))]
    lists = ["--mixtures", *map(str, told["mixture_files"]), "--stores", *map(str, told["stores"]), "--weights"]
    command = [sys.executable, "workflow/scripts/train_sweep.py", *options, *lists]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(told["checkpoints"].glob("*.json")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate()[1]
    assert process.returncode == 1 and "start again to go on" in errors
    assert not (tmp_path / "out.json").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.count("\n") == 1 and "sweep_00: measured" in done.stderr
    found = read_json(tmp_path / "out.json")
    assert list(found) == ["experiment", "sources", "runs"]
    whole = train_sweep(**{**told, "checkpoints": tmp_path / "other", "spec": spec, "trunks": TRUNKS[:1]})
    assert without_times(found["runs"]) == without_times(whole["runs"])


@given(st.integers(2, 60), st.integers(1, 30_000), st.integers(1, 30_000))
def test_branch_points_and_ends_are_whole_steps_within_the_run(run_steps, after, tokens):
    spec = RunSpec.from_json({**SPEC, "tokens": run_steps * STEP + 7})
    values = {"after": after, "tokens": tokens, "mixtures": ["a"], "corners": []}
    if round(after / STEP) >= run_steps:
        with pytest.raises(UserError, match=r"branches\.early\.after: .* leave before the last step"):
            BranchSet.of("early", values, spec)
        return
    chosen = BranchSet.of("early", values, spec)
    assert 1 <= chosen.start < chosen.end <= run_steps
    assert abs(chosen.start * STEP - after) <= STEP
    if after + tokens >= run_steps * STEP:
        assert chosen.end == run_steps
    elif chosen.end < run_steps:
        assert abs((chosen.end - chosen.start) * STEP - tokens) <= STEP


def test_names_that_are_not_there_are_refused_before_anything_is_trained(told, steps):
    with pytest.raises(UserError, match=r"trunk sweep_00: unknown branches 'late'.*early"):
        train_sweep(**{**told, "trunks": [TRUNKS[1], {**TRUNKS[0], "branches": ["late"]}]})
    with pytest.raises(UserError, match=r"trunk x: unknown mixture 'sweep_02'. Did you mean 'sweep_0"):
        train_sweep(**{**told, "trunks": [{**TRUNKS[1], "run": "x", "mixture": "sweep_02"}]})
    with pytest.raises(UserError, match="unknown mixture 'only_beta'"):
        train_sweep(**{**told, "branches": {"early": {**EARLY, "corners": ["only_beta"]}, "rest": REST}})
    with pytest.raises(UserError, match="neither to be finished nor to be branched from"):
        train_sweep(**{**told, "trunks": [{**TRUNKS[2], "branches": []}]})
    assert not steps


def test_mixture_files_are_constant_and_of_different_names(told, tmp_path):
    write_json(tmp_path / "twice.json", read_json(tmp_path / "sweep_00.json"))
    with pytest.raises(UserError, match=r"twice\.json: another mixture file has the name 'sweep_00' too"):
        train_sweep(**{**told, "mixture_files": [*told["mixture_files"], tmp_path / "twice.json"]})
    stages = [{"until": 0.5, "weights": {"alpha": 1}}, {"until": 1.0, "weights": {"beta": 1}}]
    write_json(tmp_path / "staged.json", {"name": "staged", "schedule": stages})
    with pytest.raises(UserError, match=r"staged\.json: has 2 stages"):
        train_sweep(**{**told, "mixture_files": [tmp_path / "staged.json"]})
