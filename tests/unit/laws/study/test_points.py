"""The points of a sweep: on the simplex, apart, keyed by name, and the closest merged as one would by hand."""

import json
import math
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from emulsion.errors import UserError
from emulsion.laws.study.points import SAME, farthest_first, merge_closest, sweep_points

NAMES = [f"s{j}" for j in range(9)]
SCRIPT = Path(__file__).parents[4] / "workflow" / "scripts" / "write_point.py"


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
    points = sweep_points({"kind": "grid", "count": 9}, ["b", "a"])
    assert [list(point.items()) for point in points] == [
        [("b", step / 10), ("a", (10 - step) / 10)] for step in range(1, 10)
    ]


@pytest.mark.parametrize("sources", [["a"], ["a", "b", "c"]])
def test_a_grid_of_other_than_two_sources_names_what_to_use(sources):
    with pytest.raises(UserError, match=f"a grid is for 2 sources, and there are {len(sources)}.*kind: dirichlet"):
        sweep_points({"kind": "grid", "count": 9}, sources)


def test_an_unknown_kind_names_the_nearest():
    with pytest.raises(UserError, match=r"unknown kind 'drichlet'\. Did you mean 'dirichlet'"):
        sweep_points({**dirichlet(), "kind": "drichlet"}, NAMES)


@settings(max_examples=40, deadline=None)
@given(
    m=st.integers(2, 9),
    count=st.integers(2, 12),
    concentration=st.floats(0.3, 4.0),
    oversampling=st.integers(2, 8),
    seed=st.integers(0, 10**6),
)
def test_points_are_different_mixtures_of_all_sources(m, count, concentration, oversampling, seed):
    points = sweep_points(dirichlet(count, concentration, oversampling, seed), NAMES[:m])
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
    assert closest(matrix(sweep_points(dirichlet(), NAMES[:3]))) > 3 * by_chance


@settings(max_examples=15, deadline=None)
@given(order=st.permutations(NAMES[:5]), seed=st.integers(0, 10**6))
def test_the_order_of_sources_changes_only_the_order_of_weights(order, seed):
    points = sweep_points(dirichlet(8, seed=seed), order)
    assert all(list(point) == order for point in points)
    assert [dict(point) for point in points] == [
        dict(point) for point in sweep_points(dirichlet(8, seed=seed), NAMES[:5])
    ]


def test_another_seed_gives_other_points():
    assert sweep_points(dirichlet(seed=4), NAMES[:3]) == sweep_points(dirichlet(seed=4), NAMES[:3])
    assert sweep_points(dirichlet(seed=4), NAMES[:3]) != sweep_points(dirichlet(seed=5), NAMES[:3])


def test_the_list_begins_in_the_middle_and_its_beginning_covers_the_rest():
    points = matrix(sweep_points(dirichlet(40), NAMES[:4]))
    to_centre = np.linalg.norm(points - 1 / 4, axis=1)
    assert to_centre.argmin() == 0
    gaps = [min(math.dist(points[i], points[j]) for j in range(i)) for i in range(1, len(points))]
    assert gaps == sorted(gaps, reverse=True)
    assert np.array_equal(farthest_first(points), points)


def test_draws_that_all_lie_in_the_corners_are_refused():
    with pytest.raises(UserError, match=r"concentration 0\.001 over 3 sources are not all different"):
        sweep_points(dirichlet(10, concentration=0.001), NAMES[:3])


def test_one_source_has_no_mixtures():
    with pytest.raises(UserError, match="2 sources or more; there is only s0"):
        sweep_points(dirichlet(), NAMES[:1])


def test_eight_hundred_draws_of_nine_sources_take_no_time():
    start = time.process_time()
    sweep_points(dirichlet(50, 1.5), NAMES)
    assert time.process_time() - start < 2


def write_point(folder, name, sources, points):
    arguments = ["--experiment", "trio", "--name", name, "--sources", *sources, "--points", json.dumps(points)]
    command = [sys.executable, SCRIPT, *arguments, "--output", folder / "mixture.json"]
    return subprocess.run(command, capture_output=True, text=True)


def test_a_point_is_written_as_a_mixture_file(tmp_path):
    assert write_point(tmp_path, "sweep_03", NAMES[:3], dirichlet()).returncode == 0
    weights = dict(sweep_points(dirichlet(), NAMES[:3])[3])
    assert json.loads((tmp_path / "mixture.json").read_text()) == {
        "experiment": "trio",
        "name": "sweep_03",
        "method": "sweep",
        "schedule": [{"until": 1.0, "weights": weights}],
    }


@pytest.mark.parametrize(
    ("name", "told"), [("sweep_10", "the last of them sweep_09"), ("point_1", "sweep_00, sweep_01")]
)
def test_a_point_that_is_not_of_the_sweep_is_refused(tmp_path, name, told):
    ended = write_point(tmp_path, name, NAMES[:3], dirichlet())
    assert ended.returncode == 1
    assert told in ended.stderr
    assert not (tmp_path / "mixture.json").exists()
