"""Correlations are those of scipy, and their p-values those of pairing at random."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from emulsion.ranks import orders, pairing_p, pearson, rho, spearman

VALUES = st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=3, max_size=12)


@given(pairs=VALUES)
def test_correlations_are_those_of_scipy(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, float).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        assert np.isnan(pearson(x, y)) and np.isnan(spearman(x, y)) and rho(x, y) is None
    else:
        assert pearson(x, y) == pytest.approx(stats.pearsonr(x, y).statistic, abs=1e-9)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)
        assert rho(x, y) == spearman(x, y)


def test_correlations_go_along_the_last_axis() -> None:
    x, y = np.random.default_rng(0).normal(size=(2, 3, 5, 8))
    for correlation in (pearson, spearman):
        found = correlation(x, y)
        assert found.shape == (3, 5)
        assert found[1, 2] == pytest.approx(correlation(x[1, 2], y[1, 2]))


@pytest.mark.parametrize(("count", "rows"), [(5, 120), (7, 5040), (8, 101)])
def test_all_orders_are_tried_where_they_are_few_and_ones_own_is_always_among_them(count: int, rows: int) -> None:
    tried = orders(count, 100, np.random.default_rng(0))
    assert tried.shape == (rows, count)
    assert tried[0].tolist() == list(range(count))
    assert (np.sort(tried, axis=1) == np.arange(count)).all()
    if rows == math.factorial(count):
        assert len({tuple(row) for row in tried}) == rows


def test_p_is_exact_for_few_points_and_never_zero_for_many() -> None:
    x = np.arange(5.0)
    assert pairing_p(spearman, x, x, orders(5, 100, np.random.default_rng(0))) == 2 / 120
    many = np.arange(20.0)
    assert pairing_p(spearman, many, many, orders(20, 99, np.random.default_rng(0))) == 1 / 100


def test_p_values_of_unrelated_columns_are_uniform() -> None:
    rng = np.random.default_rng(1)
    p = [pairing_p(spearman, *rng.random((2, 9)), orders(9, 999, rng)) for _ in range(200)]
    assert stats.kstest(p, "uniform").pvalue > 0.01
