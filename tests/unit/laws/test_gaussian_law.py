"""The Gaussian process: its gradient, its certainty, its intervals, and that many runs cost seconds."""

from dataclasses import replace

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws import gaussian
from emulsion.laws.gaussian import calibrate, fit_calibrated_law, fit_gaussian_law
from emulsion.laws.kernel import (
    Inputs,
    covariance,
    fit_hyperparameters,
    negative_log_posterior,
    noisy_covariance,
    prior_mean,
    variance,
)
from emulsion.world.planted import noisy, planted_power_law


def runs(m, n, seed=0, sd=0.01):
    random = np.random.default_rng([seed, n])
    rows = random.dirichlet(np.full(m, 0.5), n)
    return rows, noisy(planted_power_law(m, 0).predict(rows), sd, random)


def points(n, m, seed=0):
    random = np.random.default_rng(seed)
    return Inputs(random.normal(size=(n, m)), random.normal(size=(n, m + 1)))


def test_the_gradient_is_that_of_finite_differences():
    inputs, y = points(12, 3), np.random.default_rng(1).normal(size=12)
    linear = inputs.straight @ inputs.straight.T
    theta = np.array([0.1, 0.8, -0.3, 0.2, -0.5, -1.0])
    _, gradient = negative_log_posterior(theta, inputs.curved, linear, y)
    for k in range(6):
        step = 1e-6 * (np.arange(6) == k)
        ahead, behind = (negative_log_posterior(theta + s, inputs.curved, linear, y)[0] for s in (step, -step))
        assert gradient[k] == pytest.approx((ahead - behind) / 2e-6, rel=1e-4, abs=1e-6)


def test_the_length_of_a_source_that_runs_say_nothing_of_is_the_priors():
    x = np.random.default_rng(1).normal(size=(15, 2)) * [1, 0]
    inputs = Inputs(x, np.column_stack([np.ones(15), x]))
    for away in (-1, 1):
        found = fit_hyperparameters(inputs, np.sin(2 * x[:, 0]), prior_mean(2) + away, 80)
        assert found[1] == pytest.approx(prior_mean(2)[1], abs=0.01)


def test_the_covariance_is_positive_and_its_diagonal_is_the_variance():
    inputs, theta = points(20, 4), prior_mean(4)
    assert np.linalg.eigvalsh(noisy_covariance(theta, inputs)).min() > 0
    assert np.diag(covariance(theta, inputs, inputs)) == pytest.approx(variance(theta, inputs))


def test_the_process_is_surer_at_its_runs_than_away_from_them():
    random = np.random.default_rng(0)
    rows = random.dirichlet([20, 20, 1], 20)
    law = fit_gaussian_law(rows, np.exp(-3 * rows[:, 0]) + 0.001 * random.normal(size=20))
    near, far = law.function_sd(np.vstack([rows[0], [0.02, 0.02, 0.96]]))[:, 0]
    assert 0 < near < 0.2 * far


@pytest.mark.parametrize("n", [30, 100])
def test_intervals_hold_for_new_runs_about_as_often_as_they_say(n):
    covered = []
    for seed in range(4):
        rows, losses = runs(5, n, seed)
        fresh, truth = runs(5, 200, seed + 10)
        low, high = fit_calibrated_law(rows, losses).interval(fresh, 0.95)
        covered.append(((low <= truth) & (truth <= high)).mean())
    assert 0.88 < np.mean(covered) < 0.995


def test_a_wider_level_gives_a_wider_interval_about_the_prediction():
    rows, losses = runs(3, 20)
    law = fit_calibrated_law(rows, losses)
    (low, high), (lower, higher) = law.interval(rows, 0.5), law.interval(rows, 0.95)
    middle = law.predict(rows)
    assert (lower < low).all() and (low < middle).all() and (middle < high).all() and (high < higher).all()


def test_left_out_predictions_are_worse_than_fitted_ones_but_not_blind():
    rows, losses = runs(4, 40)
    law, predicted = calibrate(fit_gaussian_law(rows, losses))
    fitted, left_out = ((law.predict(rows) - losses) ** 2).mean(), ((predicted - losses) ** 2).mean()
    assert fitted < left_out < 0.3 * losses.var(axis=0).mean()


def test_scores_may_be_negative_or_zero():
    rows, losses = runs(3, 30)
    law = fit_gaussian_law(rows, 0.5 - losses)
    assert not law.logged and fit_gaussian_law(rows, losses).logged
    assert np.abs(law.predict(rows) - (0.5 - losses)).mean() < 0.05
    one_zero = np.where(losses[:, :1] == losses[:, 0].min(), 0.0, losses[:, :1])
    assert np.isfinite(fit_calibrated_law(rows, one_zero).interval(rows)).all()


def test_few_runs_and_a_source_that_was_never_sampled_are_no_reason_to_fail():
    rows = np.array([[0.5, 0.5, 0.0], [0.2, 0.8, 0.0], [0.8, 0.2, 0.0], [0.1, 0.9, 0.0]])
    law, fresh = fit_calibrated_law(rows, np.array([2.0, 2.1, 1.95, 2.2])), np.array([[0.3, 0.3, 0.4]])
    low, high = law.interval(fresh)
    assert np.isfinite([low, high]).all() and low < law.predict(fresh) < high
    assert np.isfinite(fit_gaussian_law(rows[:2], np.array([2.0, 2.1])).predict(fresh)).all()
    with pytest.raises(UserError, match="3 runs are too few to leave some out; at least 4"):
        fit_calibrated_law(rows[:3], np.array([2.0, 2.1, 1.95]))


def test_the_noise_of_a_group_is_its_own():
    random = np.random.default_rng(5)
    rows = random.dirichlet(np.ones(3), 40)
    values = rows[:, :2] + random.normal(0, [0.002, 0.1], (40, 2))
    low, high = fit_gaussian_law(rows, values, logged=False).interval(rows)
    calm, noisy = (high - low).mean(axis=0)
    assert calm < noisy / 10


def test_the_width_of_a_groups_intervals_leans_towards_that_of_all_as_if_by_ten_runs(monkeypatch):
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.ones(3), 16)
    values = rows[:, :2] + 0.02 * np.column_stack([random.normal(size=16), random.standard_t(1.2, 16)])
    law = fit_gaussian_law(rows, values, logged=False)
    found = calibrate(law)[0].scale
    monkeypatch.setattr(gaussian, "_POOLED", 0)
    own = calibrate(law)[0].scale
    monkeypatch.setattr(gaussian, "_POOLED", 1e9)
    pooled = calibrate(law)[0].scale
    assert pooled[0] == pytest.approx(pooled[1]) and 1 < own[0] < pooled[0] < own[1]
    assert found == pytest.approx((16 * own + 10 * pooled) / 26)


def test_processes_that_disagree_add_to_the_variance_of_the_function():
    random = np.random.default_rng(6)
    rows, fresh = random.dirichlet(np.ones(3), 12), random.dirichlet(np.ones(3), 20)
    values = rows[:, :1] ** 2 + random.normal(0, 0.1, (12, 1))
    law, _ = calibrate(fit_gaussian_law(rows, values, logged=False))
    alone = [replace(law, theta=law.theta[h : h + 1]) for h in range(len(law.theta))]
    means, sds = np.moveaxis([(one.predict(fresh), one.function_sd(fresh)) for one in alone], 1, 0)
    assert law.function_sd(fresh) ** 2 == pytest.approx((sds**2).mean(axis=0) + means.var(axis=0))


@pytest.mark.parametrize("logged", [True, False])
def test_slopes_by_shares_are_those_of_the_predictions(logged):
    random = np.random.default_rng(2)
    rows = random.dirichlet(np.ones(3), 20)
    law = calibrate(fit_gaussian_law(rows, 3 - 0.2 * np.log(rows + 2e-3), logged=logged))[0]
    points, step = 0.05 + 0.85 * random.dirichlet(np.ones(3), 5), 1e-5
    there, back = np.array([1, -1, 0]), np.array([0, 1, -1])
    for way in (there, back):
        found = (law.predict(points + step * way) - law.predict(points - step * way)) / (2 * step)
        assert law.gradient(points) @ way == pytest.approx(found, rel=1e-5, abs=1e-6)
