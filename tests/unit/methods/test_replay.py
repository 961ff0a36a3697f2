"""A replay: the stages of a run, or their mean."""

import pytest

from emulsion.errors import UserError
from emulsion.methods import registry
from emulsion.methods.interface import Evidence
from method_cases import NAMES, evidence


def test_a_replay_has_the_stages_of_the_run_or_their_mean_by_share():
    stages = evidence().trajectory
    assert registry.create("replay", sources=NAMES, method="aioli").propose(evidence()) == stages
    [(until, mean)] = registry.create("replay", sources=NAMES, method="aioli", average=True).propose(evidence())
    assert until == 1.0
    expected = {"web": 0.0625 + 0.1875, "code": 0.0625 + 0.5625, "books": 0.0625, "math": 0.0625}
    assert dict(mean) == pytest.approx(expected)


def test_a_replay_without_a_method_or_a_trajectory_is_refused():
    with pytest.raises(UserError, match=r"replay.method: should be the name of an online method, but is None"):
        registry.create("replay", sources=NAMES)
    with pytest.raises(UserError, match=r"replay.average: should be true or false, but is 3"):
        registry.create("replay", sources=NAMES, method="aioli", average=3)
    with pytest.raises(UserError, match="there is no trajectory of 'aioli'"):
        registry.create("replay", sources=NAMES, method="aioli").propose(Evidence())
