"""Branches of a method's own run: from its very states, by its very decisions, resumed exactly."""

import logging

import pytest
import torch
from swarm_cases import STEP
from training_cases import SPEC, Killed

from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture
from emulsion.training.evidence import Reference
from emulsion.training.online_run import OnlineRun
from emulsion.training.retrace import branch_run
from emulsion.training.rounds import Prelude
from emulsion.training.runtime import Runtime

SOURCES = ["alpha", "beta", "gamma"]
GRAPH = {i: {j: 0.4 if i == j else 0.05 for j in SOURCES} for i in SOURCES}
METHODS = {
    "skillit": {"kind": "skillit", "graph": GRAPH, "rounds": 4},
    "doremi": {"kind": "doremi", "rounds": 4},
    "doge": {"kind": "doge", "rounds": 4},
    "aioli": {"kind": "aioli", "rounds": 2, "sweeps": 1, "probe_share": 0.5},
}
# The last steps within .4 and .8 of the run after which these decide.
UPDATES = [3, 9]
MIXTURES = [Mixture({"alpha": 1.0}), Mixture({"alpha": 1, "beta": 1, "gamma": 2}), Mixture({"beta": 3, "gamma": 1})]


def online(kind, **more):
    reference = Reference(losses={"alpha": 4.0, "beta": 5.0, "gamma": 6.0}) if kind == "doremi" else None
    return OnlineRun(method=METHODS[kind], evidence=Evidence(), sources=SOURCES, spec=SPEC, reference=reference, **more)


@pytest.fixture
def trained(tmp_path, store_folders, tokenizer):
    """Train a run on a method; returns its record and its log."""
    torch.set_num_threads(1)

    def train(run):
        run.train(
            experiment="exp9",
            name="run",
            store_folders=list(store_folders.values()),
            tokenizer=tokenizer,
            output=tmp_path / "run",
            checkpoints=tmp_path / "checkpoints",
            runtime=Runtime(micro_batch=8),
        )
        return read_json(tmp_path / "run/run.json"), read_jsonl(tmp_path / "run/training_log.jsonl")

    return train


@pytest.fixture
def branch(tmp_path, store_folders, tokenizer):
    def of(run, record, shares=(0.4, 0.8), tokens=2 * STEP, **changes):
        return branch_run(
            name="run",
            mixture="mine",
            run=run,
            record=record,
            shares=shares,
            tokens=tokens,
            mixtures=MIXTURES,
            stores=list(store_folders.values()),
            tokenizer=tokenizer,
            journal=tmp_path / "journal",
            runtime=Runtime(micro_batch=8, checkpoint_seconds=0.0),
            **changes,
        )

    return of


@pytest.mark.parametrize("kind", METHODS)
def test_branches_leave_the_states_in_which_the_finished_run_decided(trained, branch, kind, caplog):
    run = online(kind)
    record, log = trained(run)
    with caplog.at_level(logging.WARNING):
        rows = branch(run, record)["runs"]
    assert not caplog.records
    assert [row["step"] for row in rows] == UPDATES
    assert [row["tokens"] for row in rows] == [UPDATES[0] * STEP, (UPDATES[1] - UPDATES[0]) * STEP]
    for row in rows:
        assert row["identity"] == record["identity"] and not row["finished"]
        (branches,) = row["branches"].values()
        ended = next(stage for stage in record["schedule"] if stage["until"] * 12 == pytest.approx(row["step"]))
        assert row["weights"] == pytest.approx(ended["weights"], abs=1e-12)
        # What the method observed when it decided is measured before the branches; DoGE observes fewer sequences.
        observed = next(line["observed"] for line in log if line["step"] == row["step"] + 1)
        assert kind == "doge" or branches["before"] == pytest.approx(observed, rel=1e-6)
        assert branches["after"] == row["step"] * STEP and branches["tokens"] == 2 * STEP
        for end, mixture in zip(branches["ends"], MIXTURES, strict=True):
            assert end["weights"] == {source: mixture.get(source, 0.0) for source in SOURCES}
            assert end["realised"] == pytest.approx(end["weights"], abs=1 / 16)
        assert len({end["validation"]["alpha"] for end in branches["ends"]}) == len(MIXTURES)


def test_a_run_that_decides_otherwise_when_it_is_trained_again_is_told(trained, branch, caplog):
    run = online("doge")
    record, _ = trained(run)
    record["schedule"][0]["weights"]["alpha"] += 0.01
    with caplog.at_level(logging.WARNING):
        branch(run, record, shares=[0.4])
    assert "run 'run': trained again it decides otherwise, by 0.01 in a share" in caplog.text


def test_a_run_that_begins_with_another_mixture_is_retraced_with_it(trained, branch):
    run = online("aioli", prelude=Prelude(mixture=Mixture({"alpha": 2, "beta": 1, "gamma": 1}), share=0.25))
    record, _ = trained(run)
    assert [row["step"] for row in branch(run, record, shares=[0.9])["runs"]] == [10]


def test_a_killed_job_trains_what_is_missing_and_finds_the_same(trained, branch, steps, tmp_path):
    run = online("aioli")
    record, _ = trained(run)
    steps.clear()
    whole = branch(run, record)["runs"]
    assert len(steps) == 3 + 3 * 2 + 6 + 3 * 2
    for file in (tmp_path / "journal").glob("*.json"):
        file.unlink()
    steps.clear()
    steps.dies = 3 + 3 * 2 + 4
    with pytest.raises(Killed):
        branch(run, record)
    steps.dies = None
    steps.clear()
    again = branch(run, record)["runs"]
    assert len(steps) < 6 + 3 * 2
    for one, other in zip(whole, again, strict=True):
        assert strip(one) == strip(other)


def strip(row):
    branches = {
        name: {**each, "ends": [{**end, "seconds": 0} for end in each["ends"]]}
        for name, each in row["branches"].items()
    }
    return {**row, "seconds": 0, "branches": branches}


def test_what_cannot_be_branched_is_refused_in_words(trained, branch):
    run = online("doge")
    record, _ = trained(run)
    with pytest.raises(UserError, match=r"two of the shares .* are of one update"):
        branch(run, record, shares=[0.3, 0.4])
    with pytest.raises(UserError, match=r"its first update is at 0\.25 of the run"):
        branch(run, record, shares=[0.1])
    with pytest.raises(UserError, match="was trained on other data or settings"):
        branch(run, {**record, "identity": "another"})
