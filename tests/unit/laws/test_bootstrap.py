"""Parameters lie within their bootstrap intervals at about the nominal rate."""

import numpy as np
import pytest

from emulsion.laws import parameter_intervals
from emulsion.world.planted import KINDS, noisy, planted_law


def ends(intervals, key):
    rows = intervals[key].values()
    return np.array([list(row.values()) for row in rows]) if key == "A" else np.array(list(rows))


@pytest.mark.parametrize(
    ("m", "n", "sd", "trials"), [(2, 4, 0.01, 40), (3, 15, 0.02, 30), (5, 30, 0.01, 12), (9, 50, 0.005, 5)]
)
def test_the_truth_is_covered_at_the_nominal_rate(m, n, sd, trials):
    covered = {"A": [], "b": [], "c": []}
    for seed in range(trials):
        law, random = planted_law(m, seed, KINDS[seed % 4]), np.random.default_rng([seed, 7])
        rows = random.dirichlet(np.full(m, 0.7), n)
        found = parameter_intervals(rows, noisy(law.predict(rows), sd, random), resamples=150, seed=seed)
        for key, truth in (("A", law.A), ("b", law.b), ("c", law.c)):
            low, high = np.moveaxis(ends(found, key), -1, 0)
            covered[key].append(((low <= truth) & (truth <= high)).mean())
    assert all(0.88 <= np.mean(rates) <= 1.0 for rates in covered.values()), covered
    assert np.mean([np.mean(rates) for rates in covered.values()]) >= 0.92


@pytest.mark.parametrize("level", [0.5, 0.8])
def test_intervals_of_a_lower_level_cover_the_truth_less_often(level):
    covered = []
    for seed in range(60):
        law, random = planted_law(2, seed, "plain"), np.random.default_rng(seed)
        rows = random.dirichlet(np.ones(2), 12)
        losses = noisy(law.predict(rows), 0.01, random)
        found = parameter_intervals(rows, losses, resamples=100, level=level, seed=seed)
        low, high = np.moveaxis(ends(found, "A"), -1, 0)
        covered.append(((low <= law.A) & (high >= law.A)).mean())
    assert np.mean(covered) == pytest.approx(level, abs=0.12)


def test_intervals_are_named_and_repeatable_and_narrower_at_a_lower_level():
    law, random = planted_law(3, 0), np.random.default_rng(0)
    rows = random.dirichlet(np.ones(3), 20)
    losses = noisy(law.predict(rows), 0.01, random)
    found = parameter_intervals(rows, losses, seed=1)
    assert found == parameter_intervals(rows, losses, seed=1)
    assert list(found["A"]["0"]) == ["0", "1", "2"] and list(found["c"]) == ["0", "1", "2"]
    narrow = parameter_intervals(rows, losses, level=0.5, seed=1)
    assert np.ptp(ends(narrow, "c"), axis=-1).mean() < 0.5 * np.ptp(ends(found, "c"), axis=-1).mean()


def test_degenerate_tables_give_finite_intervals():
    rows = np.random.default_rng(0).dirichlet(np.ones(2), 8)
    twins = np.column_stack([rows[:, 0], rows[:, 1] / 2, rows[:, 1] / 2])
    for losses in (np.full(8, 2.0), 2 + np.exp(-rows[:, 0])):
        for key in ("A", "b", "c"):
            assert np.isfinite(ends(parameter_intervals(twins, losses, resamples=50), key)).all()


@pytest.mark.parametrize(("m", "n"), [(2, 2), (2, 3), (4, 4), (4, 5)])
def test_without_degrees_of_freedom_there_are_no_intervals(m, n):
    rows = np.random.default_rng(0).dirichlet(np.ones(m), n)
    found = parameter_intervals(rows, planted_law(m, 0).predict(rows))
    assert all(low is None and high is None for row in found["A"].values() for low, high in row.values())
    assert found["c"]["0"] == [None, None]


def test_further_seeds_of_the_same_two_points_give_no_intervals():
    rows = np.repeat([[0.9, 0.1], [0.3, 0.7]], 3, axis=0)
    losses = planted_law(2, 0).predict(rows) + np.random.default_rng(0).normal(0, 0.01, rows.shape)
    assert parameter_intervals(rows, losses)["b"]["0"] == [None, None]
