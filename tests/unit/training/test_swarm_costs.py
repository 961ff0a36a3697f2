import time

import pytest
from swarm_cases import EARLY, SOURCES, STEP, TRUNKS

from emulsion.files import read_json
from emulsion.training.loop import Training
from emulsion.training.swarm import train_swarm


@pytest.fixture
def slow(monkeypatch):
    """Every validation takes 20 ms, every step 1 ms."""
    originals = {name: getattr(Training, name) for name in ("validate", "_train_step")}

    def wait(name, seconds):
        def waited(self, *arguments):
            time.sleep(seconds)
            return originals[name](self, *arguments)

        return waited

    monkeypatch.setattr(Training, "validate", wait("validate", 0.02))
    monkeypatch.setattr(Training, "_train_step", wait("_train_step", 0.001))


def test_the_seconds_of_a_measurement_are_all_that_making_it_took(swarm, slow):
    branches = {"early": EARLY, "other": {**EARLY, "tokens": 3 * STEP, "corners": []}}
    trunks = [{**TRUNKS[0], "branches": list(branches)}]
    started = time.monotonic()
    [row] = train_swarm(**{**swarm, "branches": branches, "trunks": trunks})["runs"]
    took = time.monotonic() - started
    kept = [read_json(file) for file in swarm["checkpoints"].glob("*.json")]
    own = [each["row"]["seconds"] for each in kept if "mixture" not in each["what"]]
    ends = [end["seconds"] for each in row["branches"].values() for end in each["ends"]]
    assert len(own) == 2 and row["seconds"] == pytest.approx(sum(own))
    assert row["seconds"] >= 3 * 0.02 + 12 * 0.001
    assert all(seconds >= 0.02 + 2 * 0.001 for seconds in ends)
    assert row["seconds"] + sum(ends) <= took


def test_a_trunk_that_is_trained_again_for_a_later_branch_point_costs_more(swarm, slow):
    early = {"branches": {"early": EARLY}, "trunks": [{**TRUNKS[2], "branches": ["early"]}]}
    [first] = train_swarm(**{**swarm, **early})["runs"]
    [second] = train_swarm(**{**swarm, "trunks": [{**TRUNKS[2], "branches": ["early", "rest"]}]})["runs"]
    assert second["seconds"] >= first["seconds"] + 6 * 0.001 + 0.02
    assert second["branches"]["early"] == first["branches"]["early"]


def test_realised_shares_are_those_of_what_was_drawn(swarm, monkeypatch):
    drawn, original = {}, Training._train_step

    def train_step(self):
        counts = self.plan.counts((self.step + 1) * 8) - self.plan.counts(self.step * 8)
        drawn.setdefault(self.identity, []).append(counts)
        original(self)

    monkeypatch.setattr(Training, "_train_step", train_step)
    first, _, third = train_swarm(**swarm)["runs"]
    trained = [first, *first["branches"]["early"]["ends"], *first["branches"]["rest"]["ends"]]
    trained += [third, *third["branches"]["early"]["ends"]]
    totals = [sum(drawn[row["identity"]]) for row in (first, third)]
    assert list(first["realised"].values()) == (totals[0] / (12 * 8)).tolist()
    assert list(third["realised"].values()) == (totals[1] / (4 * 8)).tolist()
    shares = {tuple(row["realised"].values()) for row in trained}
    assert {tuple((sum(counts) / (8 * len(counts))).tolist()) for counts in drawn.values()} >= shares
    for row in trained:
        assert list(row["realised"]) == SOURCES and sum(row["realised"].values()) == pytest.approx(1)
        assert row["realised"] == pytest.approx(row["weights"], abs=3 / 16)
    assert len(shares) > 5
