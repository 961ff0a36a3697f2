"""The design: inside the bounds, spread, without doubles, and the same for the same seed."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.laws.region import Region
from emulsion.methods import design
from emulsion.methods.designs import SAME, farthest, swarm

NAMES = [f"s{j}" for j in range(9)]


def matrix(mixtures):
    return np.array([list(mixture.values()) for mixture in mixtures])


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10**6), st.floats(0.0, 0.09), st.floats(0.55, 1.0), st.floats(0.1, 1.0))
def test_every_mixture_keeps_bounds_caps_and_sum(m, seed, low, high, cap):
    sources, caps = NAMES[:m], {"s1": cap}
    if high + (m - 2) * high + cap < 1.05:  # too little room for a design
        cap = 1.0
        caps = {}
    for mixture in design(3 * m, sources, (low, high), caps, seed):
        assert list(mixture) == sources
        assert abs(math.fsum(mixture.values()) - 1) <= 1e-12
        assert all(low - 1e-12 <= weight <= high + 1e-12 for weight in mixture.values())
        assert mixture["s1"] <= cap + 1e-12


def test_the_same_seed_gives_the_same_design_and_another_seed_another():
    assert design(9, NAMES[:3], seed=4) == design(9, NAMES[:3], seed=4) != design(9, NAMES[:3], seed=5)


def test_a_longer_design_begins_with_the_shorter():
    assert design(40, NAMES[:5], seed=1)[:12] == design(12, NAMES[:5], seed=1)


def test_the_first_mixture_is_the_central_one():
    assert dict(design(5, ["a", "b"])[0]) == pytest.approx({"a": 0.5, "b": 0.5})
    assert dict(design(5, ["a", "b"], prior={"a": 3, "b": 1})[0]) == pytest.approx({"a": 0.6, "b": 0.4})


def test_the_mixtures_are_farther_apart_than_chance_would_have_them():
    region = Region.of(NAMES[:4], (0.1, 0.6))

    def nearest_pair(rows):
        distance = np.abs(rows[:, None] - rows[None]).sum(axis=2) / 2
        return distance[np.triu_indices(len(rows), 1)].min()

    chosen = nearest_pair(matrix(design(12, NAMES[:4], seed=0)))
    assert chosen > 5 * np.median([nearest_pair(swarm(region, 12, seed)) for seed in range(20)])


def test_no_mixture_comes_twice():
    rows = matrix(design(60, NAMES[:3], (0.3, 0.4)))
    distance = np.abs(rows[:, None] - rows[None]).sum(axis=2) / 2
    assert distance[np.triu_indices(60, 1)].min() >= SAME


def test_a_region_too_small_for_the_count_is_refused():
    with pytest.raises(UserError, match="room for only 1 different mixtures of s0, s1"):
        design(6, ["s0", "s1"], (0.5, 0.5))
    with pytest.raises(UserError, match="0 mixtures were asked for"):
        design(0, ["s0", "s1"])


def test_farthest_takes_the_points_that_are_far_from_all_chosen():
    points = np.array([[0.5, 0.5], [0.52, 0.48], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])
    assert farthest(points, 3).tolist() == [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0]]
    assert len(farthest(points, 5)) == 4
