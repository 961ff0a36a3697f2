import dataclasses

import pytest

from emulsion.methods.follow import Follow
from emulsion.methods.interface import Evidence, Needs, Observation, OnlineMethod, ProbingMethod


def test_an_observation_holds_losses_and_counts_and_nothing_else_unless_it_is_given():
    seen = Observation(step=1, steps=2, tokens=3, losses={"a": 1.0}, counts={"a": 1})
    assert (seen.probes, seen.gradients, seen.excess_losses) == (None, None, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        seen.step = 2


def test_nothing_is_needed_and_nothing_is_known_by_default():
    assert not any(dataclasses.asdict(Needs()).values())
    assert Evidence() == Evidence(sizes={}, losses={}, mixtures={}, tokens=0)


def test_a_method_without_probes_is_no_probing_method():
    method: OnlineMethod = Follow(["a"], mixtures=[{"a": 1}])
    assert not isinstance(method, ProbingMethod)
