"""The points of a swarm: on the simplex, apart, keyed by name, and the closest merged as one would by hand."""

import math
import time
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from emulsion.errors import UserError
from emulsion.methods import create_offline, designs
from emulsion.methods.designs import KINDS, SETTINGS, count_of, farthest_first, merge_closest
from emulsion.methods.designs import points as design_points
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture

NAMES = [f"s{j}" for j in range(9)]
SAME = 1e-6


def cover(design, sources):
    """Points that depend on no sizes."""
    return design_points(design, sources, Evidence())


def given_sizes(sources):
    return Evidence(sizes=dict.fromkeys(sources, 1000.0), tokens=100, max_epochs=4)


def dirichlet(count=10, concentration=1.0, oversampling=16, seed=0):
    return {
        "kind": "dirichlet",
        "count": count,
        "concentration": concentration,
        "oversampling": oversampling,
        "seed": seed,
    }


def matrix(mixtures):
    return np.array([list(mixture.values()) for mixture in mixtures])


def closest(points):
    return min(math.dist(one, other) for one, other in combinations(points, 2))


def merged_by_hand(points, count):
    """All distances anew for every merge."""
    points = [tuple(point) for point in points]
    while len(points) > count:
        one, other = min(combinations(range(len(points)), 2), key=lambda pair: math.dist(*(points[i] for i in pair)))
        middle = tuple((a + b) / 2 for a, b in zip(points[one], points[other], strict=True))
        points = [middle, *(point for index, point in enumerate(points) if index not in (one, other))]
    return points


def in_hull(point, corners):
    """Whether a point is a convex combination of the corners."""
    equations = np.vstack([corners.T, np.ones(len(corners))])
    return linprog(np.zeros(len(corners)), A_eq=equations, b_eq=[*point, 1.0]).status == 0


def test_a_grid_of_nine_has_the_shares_of_the_paper():
    points = cover({"kind": "grid", "count": 9}, ["b", "a"])
    assert [list(point.items()) for point in points] == [
        [("b", step / 10), ("a", (10 - step) / 10)] for step in range(1, 10)
    ]


def test_a_grid_of_other_than_two_sources_names_what_to_use():
    with pytest.raises(UserError, match=r"a grid is for 2 sources, and there are 3.*kind: dirichlet"):
        cover({"kind": "grid", "count": 9}, ["a", "b", "c"])


def test_a_spread_without_room_within_the_caps_is_refused_unless_more_epochs_are_only_warned_of(caplog):
    spread = {"kind": "spread", "count": 5, "bounds": [0.0, 1.0], "seed": 0}
    evidence = Evidence(sizes={"a": 100, "b": 100}, tokens=200, max_epochs=1)  # a half of each, and nothing else
    with pytest.raises(UserError, match="leave room for"):
        design_points(spread, ["a", "b"], evidence)
    free = design_points(spread, ["a", "b"], replace(evidence, strict=False))
    assert free == cover(spread, ["a", "b"]) and "the caps that follow from it are left out" in caplog.text


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UserError, match=r"unknown kind 'drichlet'\. Did you mean 'dirichlet'"):
        cover({**dirichlet(), "kind": "drichlet"}, NAMES)


@settings(max_examples=40, deadline=None)
@given(
    m=st.integers(2, 9),
    count=st.integers(2, 12),
    concentration=st.floats(0.3, 4.0),
    oversampling=st.integers(2, 8),
    seed=st.integers(0, 10**6),
)
def test_points_are_different_mixtures_of_all_sources(m, count, concentration, oversampling, seed):
    points = cover(dirichlet(count, concentration, oversampling, seed), NAMES[:m])
    assert len(points) == count
    assert all(list(point) == NAMES[:m] for point in points)
    assert all(abs(math.fsum(point.values()) - 1) <= 1e-12 and min(point.values()) >= 0 for point in points)
    assert closest(matrix(points)) >= SAME


@settings(max_examples=40, deadline=None)
@given(m=st.integers(2, 5), draws=st.integers(3, 25), count=st.integers(1, 12), seed=st.integers(0, 10**6))
def test_the_closest_pair_is_merged_as_by_hand(m, draws, count, seed):
    points = np.random.default_rng(seed).dirichlet(np.ones(m), draws)
    merged, expected = merge_closest(points, min(count, draws)), merged_by_hand(points, min(count, draws))
    assert np.allclose(sorted(map(tuple, merged)), sorted(expected), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(m=st.integers(2, 9), seed=st.integers(0, 10**6))
def test_merged_points_lie_in_the_hull_of_the_draws(m, seed):
    draws = np.random.default_rng(seed).dirichlet(np.ones(m), 60)
    assert all(in_hull(point, draws) for point in merge_closest(draws, 6))


def test_merging_leaves_points_farther_apart_than_chance():
    rng = np.random.default_rng(3)
    by_chance = np.median([closest(rng.dirichlet(np.ones(3), 10)) for _ in range(50)])
    assert closest(matrix(cover(dirichlet(), NAMES[:3]))) > 3 * by_chance


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(NAMES[:5]), seed=st.integers(0, 10**6))
def test_the_order_of_sources_changes_only_the_order_of_weights(order, seed):
    points = cover(dirichlet(8, seed=seed), order)
    assert all(list(point) == order for point in points)
    assert [dict(point) for point in points] == [dict(point) for point in cover(dirichlet(8, seed=seed), NAMES[:5])]


def test_another_seed_gives_other_points():
    assert cover(dirichlet(seed=4), NAMES[:3]) == cover(dirichlet(seed=4), NAMES[:3])
    assert cover(dirichlet(seed=4), NAMES[:3]) != cover(dirichlet(seed=5), NAMES[:3])


def test_the_points_of_a_swarm_are_drawn_once_for_all_of_them(monkeypatch):
    merged = []
    monkeypatch.setattr(designs, "merge_closest", lambda *drawn: merged.append(drawn) or merge_closest(*drawn))
    design, names = dirichlet(7, seed=2718), NAMES[:4]
    points = [create_offline("point", names, points=design, number=each).propose(Evidence()) for each in range(7)]
    assert [mixture for [(_, mixture)] in points] == cover(design, names)
    assert len(merged) == 1


def test_the_list_begins_in_the_middle_and_its_beginning_covers_the_rest():
    points = matrix(cover(dirichlet(40), NAMES[:4]))
    to_centre = np.linalg.norm(points - 1 / 4, axis=1)
    assert to_centre.argmin() == 0
    gaps = [min(math.dist(points[i], points[j]) for j in range(i)) for i in range(1, len(points))]
    assert gaps == sorted(gaps, reverse=True)
    assert np.array_equal(farthest_first(points), points)


def test_draws_that_all_lie_in_the_corners_are_refused():
    with pytest.raises(UserError, match=r"concentration 0\.001 over 3 sources are not all different"):
        cover(dirichlet(10, concentration=0.001), NAMES[:3])


def test_one_source_has_no_mixtures():
    with pytest.raises(UserError, match="2 sources or more; there is only s0"):
        cover(dirichlet(), NAMES[:1])


def test_eight_hundred_draws_of_nine_sources_take_no_time():
    start = time.process_time()
    cover(dirichlet(50, 1.5), NAMES)
    assert time.process_time() - start < 2


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_points_gives_as_many_as_it_says_in_the_order_of_the_sources(kind):
    sources = ["b", "a"] if kind == "grid" else NAMES[:4][::-1]
    design = {**dirichlet(6), "kind": kind, "bounds": [0.0, 0.9]}
    found = design_points(design, sources, given_sizes(sources))
    assert len(found) == count_of(design, sources)
    assert all(list(point) == sources and abs(math.fsum(point.values()) - 1) < 1e-12 for point in found)
    kept = {key: design[key] for key in ("kind", *SETTINGS[kind])}
    assert design_points(kept, sources, given_sizes(sources)) == found


def test_corners_are_each_source_alone_and_a_reference_is_one_mixture():
    assert [dict(point) for point in design_points({"kind": "corners"}, ["a", "b"], Evidence())] == [
        {"a": 1.0, "b": 0.0},
        {"a": 0.0, "b": 1.0},
    ]
    sizes = Evidence(sizes={"a": 30, "b": 10})
    assert design_points({"kind": "uniform"}, ["a", "b"], sizes) == [Mixture({"a": 1, "b": 1})]
    assert design_points({"kind": "proportional"}, ["a", "b"], sizes) == [Mixture({"a": 3, "b": 1})]


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(NAMES[:4]), seed=st.integers(0, 1000))
def test_regmix_draws_around_the_sizes_below_its_cap_whatever_the_order(order, seed):
    sizes = {name: 10.0**number for number, name in enumerate(NAMES[:4])}
    found = design_points({"kind": "regmix", "count": 20, "seed": seed}, order, Evidence(sizes=sizes))
    again = design_points({"kind": "regmix", "count": 20, "seed": seed}, NAMES[:4], Evidence(sizes=sizes))
    assert [dict(point) for point in found] == [dict(point) for point in again]
    total = sum(sizes.values())
    # Where small weights were cut to 0 the rest grows a little above the cap.
    assert all(point[name] <= min(15 * size / total, 1) * 1.01 for point in found for name, size in sizes.items())
    assert len({tuple(point.values()) for point in found}) == 20


def test_a_spread_keeps_the_epochs_that_the_run_may_take():
    given_run = Evidence(sizes={"a": 10.0, "b": 1000.0, "c": 1000.0}, tokens=100, max_epochs=2)
    found = design_points({"kind": "spread", "count": 8, "bounds": [0.0, 1.0], "seed": 0}, ["a", "b", "c"], given_run)
    assert max(point["a"] for point in found) <= 0.2 + 1e-12
