"""The default law: chosen by cross-validation, and the log-linear law where nothing is clearly better."""

import numpy as np
import pytest

from emulsion.laws import StaticLaw, fit_best_law
from emulsion.laws.choice import clearly_better
from emulsion.laws.gaussian import GaussianLaw
from emulsion.world.planted import noisy, planted_law


def test_a_log_linear_truth_with_few_runs_is_left_to_the_log_linear_law():
    kept = 0
    for seed in range(5):
        random = np.random.default_rng(seed)
        rows = 0.1 + 0.5 * random.dirichlet(np.ones(5), 15)
        losses = noisy(planted_law(5, seed).predict(rows), 0.01, random)
        kept += isinstance(fit_best_law(rows, losses), StaticLaw)
    assert kept >= 4


def test_a_truth_that_bends_otherwise_is_left_to_the_process():
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.full(4, 0.3), 60)
    losses = 3 - 0.2 * np.log(rows + 2e-3) + 0.005 * random.normal(size=(60, 4))
    law = fit_best_law(rows, losses)
    assert isinstance(law, GaussianLaw)
    low, high = law.interval(rows)
    assert ((low <= losses) & (losses <= high)).mean() > 0.9


def test_groups_count_alike_whatever_the_unit_of_their_losses():
    random = np.random.default_rng(0)
    rows = random.dirichlet(np.full(4, 0.3), 60)
    straight = noisy(planted_law(4, 0).predict(rows), 0.01, random)
    bent = 3 - 0.2 * np.log(rows + 2e-3) + 0.005 * random.normal(size=(60, 4))
    for unit in (1e-3, 1.0, 1e3):
        assert isinstance(fit_best_law(rows, np.hstack([unit * straight, bent])), GaussianLaw)


@pytest.mark.parametrize("seed", range(3))
def test_one_diverged_run_leaves_the_log_linear_law(seed):
    random, law = np.random.default_rng(seed), planted_law(3, seed)
    rows = random.dirichlet(np.ones(3), 20)
    losses = noisy(law.predict(rows), 0.01, random)
    losses[5] += 3
    fitted = fit_best_law(rows, losses)
    assert isinstance(fitted, StaticLaw) and fitted.set_aside == (5,)


def test_the_log_linear_law_has_intervals_from_the_runs_left_out():
    random = np.random.default_rng(1)
    law = planted_law(3, 1)
    rows, fresh = random.dirichlet(np.ones(3), 20), random.dirichlet(np.ones(3), 200)
    fitted = fit_best_law(rows, noisy(law.predict(rows), 0.01, random))
    low, high = fitted.interval(fresh)
    truth = noisy(law.predict(fresh), 0.01, random)
    assert 0.9 < ((low <= truth) & (truth <= high)).mean() <= 1.0 and (high - low).max() < 0.15


@pytest.mark.parametrize("count", [2, 3, 4])
def test_runs_too_few_to_leave_some_out_are_left_to_the_log_linear_law(count):
    random = np.random.default_rng(1)
    rows = random.dirichlet(np.ones(3), count)
    law = fit_best_law(rows, planted_law(3, 1).predict(rows))
    assert np.isfinite(law.predict(np.eye(3))).all() and (count == 4 or isinstance(law, StaticLaw))


def test_without_the_preferred_law_the_least_error_decides():
    squares = {"a": np.full(9, 0.2), "b": np.full(9, 0.1)}
    assert clearly_better(squares, "c") == "b"
    assert clearly_better({**squares, "c": np.r_[np.full(8, 0.1), 0.3]}, "c") == "c"
    assert clearly_better({**squares, "c": np.full(9, 0.3)}, "c") == "b"


@pytest.mark.parametrize(("more", "chosen"), [(-0.01, "preferred"), (0.01, "best")])
def test_the_preferred_law_stays_until_its_error_is_more_by_a_standard_error(more, chosen):
    apart = np.array([0.0, 0.0, 0.0, 4.0])  # a mean of 1, which is one standard error
    assert clearly_better({"best": np.zeros(4), "preferred": apart + more}, "preferred") == chosen
