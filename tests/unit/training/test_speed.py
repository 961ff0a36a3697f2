"""The measured speed is of the workflow's own loop, and makes an entry of `devices`."""

import pytest

from emulsion.models import flops_per_token
from emulsion.study import sizes
from emulsion.training.speed import Speed, measure


def test_two_trainings_are_timed_at_once():
    model = sizes.model_of(sizes.LADDER[0], 0)
    found = measure(model, sizes.training_of(sizes.LADDER[0], model), 300, at_once=2, seconds=0.1)
    assert found.at_once == 2 and found.tokens_per_second > 0 and found.seconds_to_start > 0
    assert 0 < found.share <= 1


def test_a_device_trains_as_fast_as_was_measured():
    model = sizes.model_of(sizes.LADDER[0], 1e6)
    speed = Speed(tokens_per_second=10_000, seconds_to_start=5, share=1, at_once=2, on="one core")
    device = speed.device(model, 1024, evaluated_tokens=90_000)
    seconds = 10_000 * flops_per_token(model, 1024) / (device["teraflops"] * device["utilisation"] * 1e12)
    assert seconds == pytest.approx(1, rel=0.01)
    assert (device["seconds_per_run"], device["seconds_per_evaluation"]) == (5, 8)
