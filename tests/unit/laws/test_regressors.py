"""Laws other than the log-linear one: the same interface, the same answer every time."""

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws.boosting import fit_boosted_law
from emulsion.laws.gaussian import fit_gaussian_law
from emulsion.laws.linear import fit_linear_law, fit_ridge_law
from emulsion.laws.power_laws import fit_autoscale_law, fit_bimix_law
from emulsion.laws.static import FewRunsWarning
from emulsion.world.planted import noisy, planted_law

FITS = [fit_linear_law, fit_ridge_law, fit_boosted_law, fit_gaussian_law, fit_bimix_law, fit_autoscale_law]


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
    assert fit(rows, np.full(40, 2.5)).predict(rows) == pytest.approx(np.full((40, 1), 2.5), abs=1e-5)
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


def test_the_ridge_is_the_greater_the_less_the_runs_say():
    rows, _ = data(m=9, n=14)
    values = rows @ np.linspace(1.0, 2.0, 9)
    random = np.random.default_rng(0)
    far = np.random.default_rng(1).dirichlet(np.ones(9), 200)
    truth = far @ np.linspace(1.0, 2.0, 9)
    errors = {}
    for sd in (0.0, 0.5):
        noise = sd * random.normal(size=14)
        fits = fit_ridge_law(rows, values + noise), fit_linear_law(rows, values + noise)
        errors[sd] = [((fit.predict(far)[:, 0] - truth) ** 2).mean() for fit in fits]
    assert errors[0.0][0] < 1e-6 and errors[0.5][0] < 0.5 * errors[0.5][1]


@pytest.mark.parametrize("fit", [fit_bimix_law, fit_autoscale_law])
def test_power_laws_say_when_runs_are_fewer_than_parameters(fit):
    rows, losses = data(m=4, n=7)
    with pytest.warns(FewRunsWarning, match="7 runs for 9 parameters"):
        law = fit(rows, losses)
    assert np.isfinite(law.predict(rows)).all()


def test_a_bimix_law_without_noise_is_recovered_where_shares_are_seen():
    rows, _ = data(m=3, n=60)
    truth = 2 + 0.3 * (rows[:, 0] + 0.01) ** -0.4 + 0.1 * (rows[:, 1] + 0.01) ** -0.8
    law = fit_bimix_law(rows, truth)
    fresh, _ = data(m=3, n=100, seed=3)
    expected = 2 + 0.3 * (fresh[:, 0] + 0.01) ** -0.4 + 0.1 * (fresh[:, 1] + 0.01) ** -0.8
    assert np.abs(law.predict(fresh)[:, 0] - expected).mean() < 0.02 * expected.std()


def test_an_autoscale_law_learns_what_each_source_is_worth():
    rows, _ = data(m=3, n=60)
    truth = 1 + (0.2 + rows[:, 0]) ** -0.5 + (0.5 + rows[:, 1]) ** -0.2
    fresh, _ = data(m=3, n=100, seed=3)
    expected = 1 + (0.2 + fresh[:, 0]) ** -0.5 + (0.5 + fresh[:, 1]) ** -0.2
    predicted = fit_autoscale_law(rows, noisy(truth[:, None], 0.002, np.random.default_rng(0))).predict(fresh)[:, 0]
    assert np.abs(predicted - expected).mean() < 0.02 * expected.std()
