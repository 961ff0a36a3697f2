"""The bounded simplex: every mixture that leaves it keeps bounds, caps and the sum."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.laws.region import Region, hull_distance


@st.composite
def regions(draw):
    """A region of 1 to 9 sources that a random mixture lies in, so that it is never empty."""
    m = draw(st.integers(1, 9))
    parts = np.array([draw(st.floats(0.01, 1)) for _ in range(m)])
    inside = parts / parts.sum()
    down = np.array([draw(st.sampled_from([0.0, 0.3, 1.0])) for _ in range(m)])
    up = np.array([draw(st.sampled_from([0.0, 0.2, 1.0])) for _ in range(m)])
    low, high = inside * (1 - down), inside + up * (1 - inside)
    names = [f"s{j}" for j in range(m)]
    return Region.of(names, {s: (float(a), float(min(b, 1.0))) for s, a, b in zip(names, low, high, strict=True)})


@settings(deadline=None)
@given(regions(), st.integers(0, 2**32 - 1))
def test_projections_and_points_of_the_cube_lie_in_the_region(region, seed):
    random = np.random.default_rng(seed)
    m = len(region.sources)
    projected = region.project(random.normal(0.2, 1.0, (20, m)))
    placed = region.settle(region.from_cube(random.random((20, m - 1))))
    corners = region.settle(region.from_cube(random.integers(0, 2, (20, m - 1)).astype(float)))
    for rows in (projected, placed, corners):
        assert (rows >= region.low).all() and (rows <= region.high).all()
        assert all(abs(math.fsum(row) - 1) <= 1e-12 for row in rows)
        mixture = region.mixture(rows[0])
        assert region.contains(np.array(list(mixture.values())), 1e-12)


@settings(deadline=None)
@given(regions(), st.integers(0, 2**32 - 1))
def test_projection_is_the_nearest_mixture(region, seed):
    random = np.random.default_rng(seed)
    m = len(region.sources)
    point = random.normal(0.2, 1.0, m)
    nearest = region.project(point)[0]
    others = region.from_cube(random.random((50, m - 1)))
    # The obtuse angle criterion: no mixture lies on the far side of the nearest one.
    assert ((others - nearest) @ (point - nearest) <= 1e-9).all()


@settings(deadline=None)
@given(regions(), st.integers(0, 2**32 - 1))
def test_every_mixture_of_the_region_has_a_point_of_the_cube(region, seed):
    rows = region.project(np.random.default_rng(seed).random((10, len(region.sources))))
    assert np.abs(region.from_cube(region.to_cube(rows)) - rows).max() <= 1e-9


@settings(deadline=None)
@given(regions(), st.integers(0, 2**32 - 1))
def test_filling_up_the_cheapest_sources_minimises_a_linear_function(region, seed):
    random = np.random.default_rng(seed)
    slope = random.normal(size=len(region.sources))
    best = region.least_linear(slope)
    assert region.contains(best, 1e-9)
    others = region.project(random.random((50, len(region.sources))))
    assert (others @ slope >= best @ slope - 1e-9).all()


def test_bounds_of_the_requirements_hold_to_the_last_bit():
    region = Region.of(["a", "b", "c", "d"], (0.1, 0.6))
    mixture = region.mixture(region.project(np.array([[9.0, -3.0, -3.0, -3.0]]))[0])
    assert mixture["a"] == 0.6 and min(mixture.values()) >= 0.1
    assert math.fsum(mixture.values()) == 1.0


def test_a_region_holds_rows_that_all_keep_it():
    region = Region.of(["a", "b"], (0.1, 0.9))
    assert region.contains(np.array([[0.5, 0.5], [0.1, 0.9]]))
    assert not region.contains(np.array([[0.5, 0.5], [0.05, 0.95]]))
    assert not region.contains(np.array([[0.5, 0.5], [0.3, 0.6]]))


def test_a_cap_of_zero_leaves_a_source_out():
    assert dict(Region.of(["a", "b", "c"], None, caps={"a": 0.0}).mixture(np.full((1, 3), 1 / 3)))["a"] == 0
    with pytest.raises(UserError, match=r"caps\.a: the cap -1 is not a weight"):
        Region.of(["a", "b"], None, caps={"a": -1})


def test_bounds_that_no_mixture_can_reach_are_tightened():
    region = Region.of(["a", "b", "c"], (0.1, 1.0), caps={"a": 0.2})
    assert region.high.tolist() == pytest.approx([0.2, 0.8, 0.8])
    tight = Region.of(["a", "b"], (0.0, 1.0), caps={"a": 0.3})
    assert tight.low.tolist() == pytest.approx([0.0, 0.7])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bounds": (0.3, 0.6)}, r"least weights of the 4 sources sum to 1\.2"),
        ({"bounds": (0.0, 0.2)}, r"greatest weights of the 4 sources sum to 0\.8"),
        ({"bounds": (0.1, 0.6), "caps": {"a": 0.05}}, "'a' must weigh at least 0.1 but its cap is 0.05"),
        ({"bounds": (0.1, 0.6), "caps": {"a": 0.1, "b": 0.1, "c": 0.1}}, "less than 1"),
        ({"bounds": {"ab": (0.1, 0.6)}}, "unknown source 'ab'.*Did you mean"),
        ({"bounds": None, "caps": {"e": 0.1}}, "caps: unknown source 'e'"),
        ({"bounds": None, "caps": {"a": float("nan")}}, r"caps\.a"),
        ({"bounds": (0.6, 0.1)}, "low <= high"),
        ({"bounds": {"a": (0.1, 1.5)}}, r"bounds\.a"),
    ],
)
def test_infeasible_bounds_are_refused_in_words(arguments, words):
    with pytest.raises(UserError, match=words):
        Region.of(["a", "b", "c", "d"], **arguments)


def test_lower_bounds_that_leave_no_freedom_are_feasible():
    region = Region.of([f"s{j}" for j in range(10)], (0.1, 0.6))
    assert region.project(np.random.default_rng(0).random((1, 10)))[0] == pytest.approx(np.full(10, 0.1), abs=1e-12)


def test_the_distance_from_the_hull_is_the_share_of_tokens_that_must_change():
    corners = np.eye(3)
    assert hull_distance(np.array([0.2, 0.5, 0.3]), corners) == 0.0
    assert hull_distance(np.array([0.0, 0.0, 1.0]), corners) == 0.0
    assert hull_distance(np.array([0.0, 0.0, 1.0]), corners[:2]) == pytest.approx(1.0)
    small = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]])
    assert hull_distance(np.array([0.7, 0.15, 0.15]), small) == pytest.approx(0.1)


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10**6))
def test_an_average_of_the_points_lies_in_their_hull(m, seed):
    random = np.random.default_rng(seed)
    points = random.dirichlet(np.ones(m), m + 2)
    assert hull_distance(random.dirichlet(np.ones(len(points))) @ points, points) == 0.0
