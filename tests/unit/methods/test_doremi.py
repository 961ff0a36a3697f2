"""DoReMi: its steps by hand, its smoothing, and excess losses that should have been cut."""

import math
from dataclasses import replace

import pytest

from emulsion.errors import UserError
from emulsion.methods import registry
from method_cases import observation


def test_doremi_raises_the_worst_source_and_keeps_the_score_of_an_absent_one():
    method = registry.create("doremi", sources=["a", "b", "c"], smoothing=0.0)
    method.start()
    seen = observation(0, names=["a", "b", "c"])
    first = method.update(replace(seen, excess_losses={"a": 0.5, "b": 0.1, "c": -0.2}))
    assert first["a"] > first["b"] > first["c"]
    assert math.log(first["a"] / first["c"]) == pytest.approx(0.5) and method.effects["c"]["c"] == -0.2
    second = method.update(replace(seen, excess_losses={"b": 0.1, "c": 0.0}))
    assert math.log(second["a"] / second["b"]) == pytest.approx(0.8)  # .5 once more, though it was not measured
    assert dict(method.average) == pytest.approx({name: (first[name] + second[name]) / 2 for name in "abc"})


def test_doremi_scores_a_source_not_yet_measured_as_the_mean_of_the_others():
    method = registry.create("doremi", sources=["a", "b", "c"], smoothing=0.0)
    mixture = method.update(observation(0, names=["a", "b", "c"], excess_losses={"a": 0.5, "b": -0.2}))
    assert math.log(mixture["c"] / mixture["b"]) == pytest.approx(0.25)  # harm is cut before the mean is taken
    assert method.effects["c"]["c"] == 0


def test_doremi_smooths_every_mixture_and_refuses_excess_that_should_have_been_cut():
    method = registry.create("doremi", sources=["a", "b"], eta=50.0, smoothing=0.01)
    seen = observation(0, names=["a", "b"])
    for _ in range(30):
        mixture = method.update(replace(seen, excess_losses={"a": 3.0, "b": 0.0}))
    assert mixture["b"] == pytest.approx(0.005)
    with pytest.raises(UserError, match=r"excess_losses.b: -1 is negative, though clip is 'token'"):
        registry.create("doremi", sources=["a", "b"], clip="token").update(
            replace(seen, excess_losses={"a": 1.0, "b": -1.0})
        )
