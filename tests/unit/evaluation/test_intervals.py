"""Intervals of scores: never of width zero, wider for fewer items and for fewer topics, and honest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from emulsion.evaluation.intervals import (
    clustered_interval,
    freedom_of_clusters,
    mean_interval,
    share_left,
    wilson_interval,
)


@given(st.integers(1, 200), st.data())
def test_wilson_is_the_interval_of_the_score_test(count: int, data: st.DataObject) -> None:
    right = data.draw(st.integers(0, count))
    expected = binomtest(right, count).proportion_ci(method="wilson")
    np.testing.assert_allclose(wilson_interval(right / count, count), tuple(expected), atol=1e-9)


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 6)), min_size=1, max_size=40))
def test_an_interval_holds_the_score_within_0_and_1_and_has_width(drawn: list[tuple[float, int]]) -> None:
    values, clusters = zip(*drawn, strict=True)
    low, high = clustered_interval(values, clusters)
    assert 0 <= low <= np.mean(values) + 1e-12
    assert np.mean(values) - 1e-12 <= high <= 1
    assert high - low > 0.01


def test_all_right_is_surer_with_more_topics_and_not_with_more_items_of_the_same() -> None:
    few = clustered_interval([1.0] * 20, [n % 4 for n in range(20)])
    same = clustered_interval([1.0] * 200, [n % 4 for n in range(200)])
    many = clustered_interval([1.0] * 200, [n % 40 for n in range(200)])
    assert few == same
    assert many[0] > few[0]
    assert few[1] == many[1] == 1.0
    assert clustered_interval([1.0, 0.0], ["a", "a"]) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("topics", "each", "mean", "spread"), [(28, 4, 0.5, 1.5), (14, 7, 0.8, 1.0), (200, 1, 0.9, 0.0)]
)
def test_nineteen_of_twenty_intervals_hold_the_truth(topics: int, each: int, mean: float, spread: float) -> None:
    rng = np.random.default_rng(0)
    centre = np.log(mean / (1 - mean))
    truth = (1 / (1 + np.exp(-(centre + spread * rng.standard_normal(200_000))))).mean()
    clusters = np.repeat(np.arange(topics), each).tolist()
    held = 0
    for _ in range(600):
        chances = 1 / (1 + np.exp(-(centre + spread * rng.standard_normal(topics))))
        low, high = clustered_interval((rng.random(topics * each) < np.repeat(chances, each)).astype(float), clusters)
        held += low <= truth <= high
    assert 0.93 <= held / 600 <= 0.975


@pytest.mark.parametrize("sizes", [(50, 1, 1, 1), (20, 20, *[1] * 6), (30, 10, 10, 5, 5, *[1] * 10), (5, 5, 5, 5)])
def test_intervals_hold_the_truth_though_a_few_clusters_have_most_of_the_items(sizes: tuple[int, ...]) -> None:
    rng, clusters = np.random.default_rng(0), np.repeat(np.arange(len(sizes)), sizes)
    held = 0
    for _ in range(300):
        chances = 1 / (1 + np.exp(-rng.standard_normal(len(sizes))))
        low, high = clustered_interval((rng.random(len(clusters)) < chances[clusters]).astype(float), clusters.tolist())
        held += low <= 0.5 <= high
    assert held >= 0.93 * 300


def test_the_largest_topics_are_not_taken_for_quieter_because_they_make_the_mean() -> None:
    sizes = [round(60 / rank) for rank in range(1, 31)]
    rng, clusters = np.random.default_rng(0), np.repeat(np.arange(30), sizes)
    truth = (1 / (1 + np.exp(-(2.5 + 1.5 * rng.standard_normal(400_000))))).mean()
    held = 0
    for _ in range(1500):
        chances = 1 / (1 + np.exp(-(2.5 + 1.5 * rng.standard_normal(30))))
        low, high = clustered_interval((rng.random(len(clusters)) < chances[clusters]).astype(float), clusters.tolist())
        held += low <= truth <= high
    assert 0.94 * 1500 <= held <= 0.96 * 1500


def test_a_cluster_keeps_the_share_of_its_variance_that_is_not_in_the_mean() -> None:
    np.testing.assert_allclose(share_left([7] * 30), 29 / 30)
    np.testing.assert_allclose(share_left([2, 1, 1]), [1 - 1 + 3 / 8, *[1 - 1 / 2 + 3 / 8] * 2])
    assert share_left([5]) == [1]


def test_clusters_of_unequal_size_count_as_the_equal_ones_that_say_as_much() -> None:
    assert freedom_of_clusters([7] * 30) == pytest.approx(29)
    assert freedom_of_clusters([4, 4, 2, 2, 2, 2]) == pytest.approx(16**2 / 48 - 1)
    assert freedom_of_clusters([1000, 1]) == 1


def test_the_interval_of_a_mean_is_that_of_its_one_part_and_narrows_with_more() -> None:
    part = (0.9, wilson_interval(0.9, 50))
    np.testing.assert_allclose(mean_interval([part]), part[1])
    low, high = mean_interval([part] * 4)
    assert 0.9 - low == pytest.approx((0.9 - part[1][0]) / 2)
    assert high - 0.9 == pytest.approx((part[1][1] - 0.9) / 2)


@pytest.mark.parametrize("call", [lambda: wilson_interval(0.5, 0), lambda: clustered_interval([], [])])
def test_nothing_has_no_interval(call: object) -> None:
    with pytest.raises(ValueError, match="0"):
        call()  # type: ignore[operator]
