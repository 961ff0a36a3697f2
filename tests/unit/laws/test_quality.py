"""Errors and R2, and the R2 that noise between seeds allows: checked against the true function by simulation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulsion.laws.goodness import by_group, ceiling, interaction, known_mean, mean_of, mse, noise, r2, within

NUMBERS = st.floats(-5, 5, allow_nan=False).map(lambda x: round(x, 3))


def test_r2_is_of_the_values_and_not_of_the_predictions():
    values, predicted = np.array([[1.0], [2.0], [3.0]]), np.array([[1.0], [2.0], [4.0]])
    assert mse(values, predicted) == pytest.approx([1 / 3])
    assert r2(values, predicted) == pytest.approx([0.5])


def test_a_group_that_does_not_vary_has_no_r2_and_is_out_of_the_mean():
    values = np.column_stack([np.full(4, 2.345678), np.arange(4.0)])
    found = by_group(("flat", "sloped"), r2=r2(values, values + 0.1), mse=mse(values, values + 0.1))
    assert found["groups"]["flat"]["r2"] is None and found["groups"]["flat"]["mse"] == pytest.approx(0.01)
    assert found["mean"]["r2"] == found["groups"]["sloped"]["r2"] == pytest.approx(1 - 0.04 / 5)


def test_a_mean_of_nothing_known_is_unknown():
    assert np.isnan(known_mean(np.array([np.nan, np.nan])))
    assert mean_of([{"r2": None}, None], ("r2",)) == {"r2": None}
    assert mean_of([{"r2": 0.5}, None, {"r2": 1.0}], ("r2",)) == {"r2": 0.75}


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=2, max_size=6), st.lists(NUMBERS, min_size=3))
def test_what_a_seed_does_to_all_points_alike_is_noise_of_runs_but_not_of_points(rows, shifts):
    levels = np.array(rows).mean(axis=1)
    values = np.array([[level + shift] for level in levels for shift in shifts[:3]])
    points = [str(p) for p in range(len(levels)) for _ in range(3)]
    seeds = [s for _ in levels for s in range(3)]
    squares, freedom = interaction(values, seeds, points)
    assert freedom == (len(levels) - 1) * 2
    assert squares == pytest.approx([0.0], abs=1e-9)
    squares, freedom = within(values, points)
    assert freedom == len(levels) * 2
    assert squares == pytest.approx([len(levels) * 3 * np.var(shifts[:3])], abs=1e-6)


def test_a_layout_with_holes_has_the_freedom_that_is_left():
    values = np.array([[1.0], [2.0], [3.0], [4.5], [9.0]])
    squares, freedom = interaction(values, [0, 0, 1, 1, 0], ["a", "b", "a", "b", "c"])
    assert freedom == 1 and squares == pytest.approx([0.0625])


@pytest.mark.parametrize(("points", "seeds"), [(9, 2), (10, 5)])
@pytest.mark.parametrize("target", [0.99, 0.9])
def test_the_ceiling_is_what_the_true_function_reaches_on_average(points, seeds, target):
    random = np.random.default_rng([points, seeds])
    truth = np.repeat(random.normal(size=(points, 3)), seeds, axis=0)
    sd = truth.std(axis=0) * np.sqrt((1 - target) / target)
    labels = [str(point) for point in range(points) for _ in range(seeds)]
    reached, allowed = [], []
    for _ in range(400):
        values = truth + sd * random.normal(size=truth.shape)
        reached.append(r2(values, truth).mean())
        allowed.append(noise("abc", *within(values, labels), [values])["mean"]["ceiling"])
    assert np.mean(allowed) == pytest.approx(np.mean(reached), abs=0.1 * (1 - target))
    assert np.mean(reached) == pytest.approx(target, abs=0.1 * (1 - target))


@pytest.mark.parametrize("target", [0.99, 0.9])
def test_the_ceiling_of_each_seed_by_itself_ignores_what_tells_seeds_apart(target):
    random = np.random.default_rng(1)
    truth, seeds = random.normal(size=(9, 3)), 3
    sd = truth.std(axis=0) * np.sqrt((1 - target) / target)
    of, labels = np.repeat(np.arange(seeds), 9), np.tile([str(point) for point in range(9)], seeds)
    reached, allowed = [], []
    for _ in range(400):
        each = truth + random.normal(0, 5, (seeds, 1, 3))
        values = each + sd * random.normal(size=each.shape)
        reached.append(np.mean([r2(found, true) for found, true in zip(values, each, strict=True)]))
        allowed.append(noise("abc", *interaction(np.concatenate(values), of, labels), values)["mean"]["ceiling"])
    assert np.mean(allowed) == pytest.approx(np.mean(reached), abs=0.1 * (1 - target))


def test_without_a_second_seed_noise_is_unknown():
    values = np.random.default_rng(0).normal(size=(5, 2))
    found = noise("ab", *within(values, list("vwxyz")), [values])
    assert found == {"groups": {group: {"sd": None, "ceiling": None} for group in "ab"}, "mean": {"ceiling": None}}


def test_no_noise_allows_an_r2_of_one_and_no_more():
    values = np.random.default_rng(0).normal(size=(6, 1))
    assert ceiling(values, np.zeros(1)) == 1.0
    assert ceiling(values, np.array([-1e-9])) == 1.0
