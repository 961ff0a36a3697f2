"""Perplexity without overflow, and runs that are worse than blind guessing."""

import math

import pytest

from emulsion.perplexity import MOST, has_diverged, perplexity


def test_a_perplexity_is_a_number_whatever_the_loss():
    assert perplexity(2.0) == pytest.approx(math.e**2)
    assert perplexity(1e6) == MOST


def test_a_run_has_diverged_where_it_is_worse_than_guessing_on_its_own_mixture():
    limit = math.log(512)
    losses = {"web": limit + 1, "code": limit - 1, "books": 99.0}
    assert not has_diverged(losses, {"web": 0.45, "code": 0.55}, 512)
    assert has_diverged(losses, {"web": 0.55, "code": 0.45}, 512)
    assert not has_diverged(losses, {"code": 1.0, "books": 0.0}, 512)
