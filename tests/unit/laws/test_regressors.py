"""Linear, boosted and Gaussian laws: the same interface, the same answer every time."""

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws.boosting import fit_boosted_law
from emulsion.laws.gaussian import fit_gaussian_law
from emulsion.laws.linear import fit_linear_law
from emulsion.laws.planted import planted_law

FITS = [fit_linear_law, fit_boosted_law, fit_gaussian_law]


def data(m=4, n=40, seed=0):
    rows = np.random.default_rng(seed).dirichlet(np.ones(m), n)
    return rows, planted_law(m, 0).predict(rows)


@pytest.mark.parametrize("fit", FITS)
def test_each_predicts_unseen_mixtures_far_better_than_the_mean(fit):
    rows, losses = data()
    fresh, truth = data(n=200, seed=1)
    law = fit(rows, losses)
    predicted = law.predict(fresh)
    assert predicted.shape == (200, 4) and law.groups == ("0", "1", "2", "3")
    assert ((predicted - truth) ** 2).mean() < 0.4 * truth.var(axis=0).mean()


@pytest.mark.parametrize("fit", FITS)
def test_each_is_deterministic_and_survives_constants_and_identical_sources(fit):
    rows, losses = data()
    assert np.array_equal(fit(rows, losses).predict(rows), fit(rows, losses).predict(rows))
    assert fit(rows, np.full(40, 2.5)).predict(rows) == pytest.approx(np.full((40, 1), 2.5), abs=1e-6)
    twins = np.column_stack([rows[:, :2], rows[:, 2:].sum(axis=1) / 2, rows[:, 2:].sum(axis=1) / 2])
    assert np.isfinite(fit(twins, losses).predict(rows)).all()


@pytest.mark.parametrize("fit", FITS)
def test_each_refuses_mixtures_that_do_not_sum_to_one(fit):
    with pytest.raises(UserError, match="sums to"):
        fit(np.full((5, 3), 0.5), np.ones(5))


def test_boosting_learns_from_few_runs_where_its_default_would_give_a_constant():
    rows, losses = data(n=12)
    assert np.ptp(fit_boosted_law(rows, losses[:, 0]).predict(rows)) > 0.5 * np.ptp(losses[:, 0])


def test_a_linear_law_is_recovered_and_weighted_runs_count_as_often():
    rows, _ = data(n=12)
    values = rows @ np.array([1.0, 2.0, 4.0, 3.0])
    assert fit_linear_law(rows, values).W[0] == pytest.approx([1.0, 2.0, 4.0, 3.0], abs=1e-3)
    noisy = values + np.random.default_rng(0).normal(0, 0.1, 12)
    twice = fit_linear_law(np.vstack([rows, rows[:3]]), np.append(noisy, noisy[:3]))
    weighted = fit_linear_law(rows, noisy, weights=np.where(np.arange(12) < 3, 2.0, 1.0))
    np.testing.assert_allclose(weighted.W, twice.W)


def test_the_process_is_surer_at_its_runs_than_away_from_them():
    random = np.random.default_rng(0)
    rows = random.dirichlet([20, 20, 1], 20)
    law = fit_gaussian_law(rows, np.exp(-3 * rows[:, 0]) + 0.001 * random.normal(size=20))
    near, far = law.function_sd(np.vstack([rows[0], [0.02, 0.02, 0.96]]))[:, 0]
    assert 0 < near < 0.2 * far
