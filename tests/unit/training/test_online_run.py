"""What a run on an online method is made from decides whether it is the same run."""

from dataclasses import replace

import pytest
from training_cases import SPEC

from emulsion.methods.interface import Evidence
from emulsion.training.online_run import OnlineRun

LOSSES = {"alpha": 4.0, "beta": 5.0, "gamma": 6.0}
SEEN = Evidence(losses={"small_00": LOSSES}, curves={"small_00": [(0, LOSSES)]}, max_epochs=4)


def online(kind, evidence):
    return OnlineRun(method={"kind": kind}, evidence=evidence, sources=list(LOSSES), spec=SPEC)


@pytest.mark.parametrize("changes", [{"curves": {}}, {"max_epochs": 2}, {"losses": {}}])
def test_a_method_that_decides_from_other_evidence_has_another_run(inputs, changes):
    other = online("emulsion_online", replace(SEEN, **changes))
    assert other.identity(inputs) != online("emulsion_online", SEEN).identity(inputs)


def test_what_a_method_does_not_go_by_is_no_part_of_its_run(inputs):
    other = online("odm", replace(SEEN, curves={}, max_epochs=2))
    assert other.identity(inputs) == online("odm", SEEN).identity(inputs)
