from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.evaluation import bootstrap
from emulsion.evaluation.bootstrap import bootstrap_interval, ratio_interval, stratified_interval

VALUES = st.lists(st.floats(-100, 100), min_size=1, max_size=30)


@settings(max_examples=30)
@given(VALUES, st.integers(0, 5))
def test_an_interval_lies_within_the_values_and_repeats_with_its_seed(values: list[float], seed: int) -> None:
    low, high = bootstrap_interval(values, 200, seed)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert (low, high) == bootstrap_interval(values, 200, seed)


@settings(max_examples=30)
@given(VALUES, st.floats(-10, 10), st.floats(0.1, 5))
def test_an_interval_moves_and_scales_with_its_values(values: list[float], shift: float, scale: float) -> None:
    plain = np.array(bootstrap_interval(values, 100))
    moved = bootstrap_interval(np.array(values) * scale + shift, 100)
    np.testing.assert_allclose(moved, plain * scale + shift, atol=1e-6)


def test_an_interval_of_many_values_is_the_normal_one() -> None:
    values = np.random.default_rng(3).normal(size=2000)
    error = 1.96 * values.std() / np.sqrt(2000)
    expected = values.mean() + np.array([-error, error])
    np.testing.assert_allclose(bootstrap_interval(values, 4000), expected, atol=0.005)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    draws = np.random.default_rng(0).random((300, 50))
    intervals = [bootstrap_interval(row, 300) for row in draws]
    assert 0.9 < np.mean([low <= 0.5 <= high for low, high in intervals]) < 0.99


def test_no_values_are_an_error_and_not_a_number() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_interval([])


def test_resampling_in_blocks_keeps_the_number_of_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "_BLOCK", 64)
    means = bootstrap.resampled_means(np.arange(10), 101, np.random.default_rng(0))
    assert means.shape == (101,)
    assert len(set(means[:12])) > 3


def test_a_ratio_is_resampled_in_pairs() -> None:
    denominators = np.array([1.0, 10.0, 100.0, 1000.0])
    np.testing.assert_allclose(ratio_interval(3 * denominators, denominators), (3, 3))


def test_strata_are_resampled_within_themselves() -> None:
    # Each stratum is constant, so its mean is certain although the pooled values vary.
    np.testing.assert_allclose(stratified_interval([[0.0] * 9, [1.0]]), (0.5, 0.5))


def test_strata_weigh_the_same_whatever_their_size() -> None:
    rng = np.random.default_rng(0)
    low, high = stratified_interval([rng.random(1000), 10 + rng.random(10)])
    assert low < 0.5 * (0.5 + 10.5) < high
    assert high - low < 0.3
