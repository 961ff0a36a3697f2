"""The log-linear law: recovery of planted laws, degenerate tables, and bad input."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from emulsion.errors import UserError
from emulsion.laws import StaticLaw, fit_static_law, minimize_law
from emulsion.laws.exponential import basis, gradient, project
from emulsion.laws.static import (
    RIDGES,
    FewRunsWarning,
    _batch,
    choose_ridge,
    fit_weighted,
    leave_one_out,
    refit_values,
)
from emulsion.laws.table import Table
from emulsion.mixture import Mixture
from emulsion.world.planted import KINDS, noisy, planted_law


def runs(m, n, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(m, 0.7), n)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("m", [2, 3, 5, 9])
def test_a_law_without_noise_is_recovered_with_its_parameters(m, kind):
    law = planted_law(m, 1, kind)
    rows = runs(m, 8 * m)
    fit = fit_static_law(rows, law.predict(rows), ridge=1e-12)
    fresh = runs(m, 200, seed=1)
    assert np.abs(fit.predict(fresh) - law.predict(fresh)).max() < 1e-4
    assert fit.A.sum(axis=1) == pytest.approx(0, abs=1e-9)
    assert fit.b == pytest.approx(law.b, rel=0.02) and fit.c == pytest.approx(law.c, abs=0.02)
    assert pytest.approx(law.A, abs=0.1) == fit.A


@pytest.mark.parametrize(("m", "n", "sd"), [(2, 9, 0.01), (3, 15, 0.02), (5, 30, 0.01), (9, 50, 0.005)])
def test_predictions_reach_the_noise_floor(m, n, sd):
    """A fit of k parameters to n runs cannot be better than sd * sqrt(k / n) at the runs; ours is near it."""
    errors = []
    for seed in range(6):
        law, rows = planted_law(m, seed, KINDS[seed % 4]), runs(m, n, seed)
        losses = noisy(law.predict(rows), sd, np.random.default_rng(seed))
        fit = fit_static_law(rows, losses)
        errors.append(((fit.predict(rows) - law.predict(rows)) ** 2).mean())
    assert np.sqrt(np.mean(errors)) < 1.3 * sd * np.sqrt((m + 1) / n)


def test_an_outlier_weighs_little_in_a_robust_fit():
    law, rows = planted_law(3, 4), runs(3, 30, seed=4)
    losses = noisy(law.predict(rows), 0.005, np.random.default_rng(4))
    losses[7] += 0.3
    fresh = runs(3, 200, seed=5)
    robust, plain = (
        np.abs(fit_static_law(rows, losses, robust=r).predict(fresh) - law.predict(fresh)) for r in (True, False)
    )
    assert robust.mean() < 0.01 < plain.mean()


@pytest.mark.parametrize("loss", [6.0, 10.0, 700.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_diverged_run_is_set_aside_and_moves_nothing(loss, seed):
    law, rows = planted_law(3, seed), runs(3, 12, seed)
    losses = noisy(law.predict(rows), 0.005, np.random.default_rng(seed))
    fresh = runs(3, 200, seed=50)
    without = fit_static_law(rows, losses)
    losses[seed] = loss + law.predict(rows[[seed]])[0]
    found = fit_static_law(rows, losses)
    assert (without.set_aside, found.set_aside, found.runs) == ((), (seed,), 11)
    assert np.abs(found.predict(fresh) - law.predict(fresh)).max() < 0.1
    best, truth = (minimize_law(each) for each in (found, without))
    assert max(abs(best[source] - truth[source]) for source in truth) < 0.1
    assert StaticLaw.from_json(found.to_json()).set_aside == (seed,)


def test_two_diverged_runs_of_twelve_are_both_set_aside():
    law, rows = planted_law(3, 2), runs(3, 12, 2)
    losses = noisy(law.predict(rows), 0.005, np.random.default_rng(2))
    losses[[3, 8]] = [[10.0], [700.0]]
    assert fit_static_law(rows, losses).set_aside == (3, 8)


def test_diverged_runs_that_other_runs_hide_are_set_aside():
    """The two that should be best: a fit to the runs within Tukey's fence alone takes one of them for honest."""
    law, rows = planted_law(3, 27, "plain"), runs(3, 12, 27)
    losses = noisy(law.predict(rows), 0.005, np.random.default_rng(27))[:, :1]
    best = np.sort(losses[:, 0].argsort()[:2])
    losses[best] += 2 * np.ptp(losses)
    assert fit_static_law(rows, losses).set_aside == tuple(best)


def steep(rows, random):
    """Losses of curves in the tokens read of each source, of which a group hears a tenth at most of other sources."""
    m = rows.shape[1]
    heard = 0.1 * random.random((m, m)) * (1 - np.eye(m)) + np.eye(m)
    read = random.uniform(5, 60, m) * (rows @ heard.T)
    losses = random.uniform(0.3, 2, m) + random.uniform(2, 6, m) * (1 + read) ** -random.uniform(0.3, 1, m)
    return noisy(losses, 0.005, random)


@pytest.mark.parametrize(("m", "count"), [(2, 8), (3, 12), (4, 20), (9, 36)])
@pytest.mark.parametrize("seed", range(5))
def test_runs_that_hardly_read_a_source_are_kept_and_one_that_diverged_beside_them_is_not(m, count, seed):
    random = np.random.default_rng(seed)
    rows = random.dirichlet(np.full(m, 0.5), count)
    losses = steep(rows, random)
    assert fit_static_law(rows, losses).set_aside == ()
    losses[seed] = 10.0
    assert fit_static_law(rows, losses).set_aside == (seed,)


def test_steep_laws_keep_all_their_runs():
    for kind in KINDS:
        law, rows = planted_law(4, 1, kind), runs(4, 20, 1)
        losses = noisy(law.predict(rows), 0.01, np.random.default_rng(1))
        assert fit_static_law(rows, losses).set_aside == ()


@pytest.mark.parametrize("floor", [-1e3, 2.5])
def test_the_gradient_is_that_of_finite_differences(floor):
    """With c free, and with c held at its least."""
    law, rows = planted_law(4, 0), runs(4, 20)
    table = Table(rows, noisy(law.predict(rows), 0.01, np.random.default_rng(0)), law.sources, law.groups)
    batch = replace(_batch(table, np.ones((1, 20)), 1e-2), floor=np.full(4, floor))
    u = 0.8 * law.A @ basis(4)
    half = gradient(batch, project(batch, u))
    for k in range(3):
        ahead, behind = u.copy(), u.copy()
        ahead[:, k] += 1e-5
        behind[:, k] -= 1e-5
        slope = (project(batch, ahead).cost - project(batch, behind).cost) / 2e-5
        assert slope == pytest.approx(2 * half[:, k], rel=1e-4, abs=1e-8)
    assert np.abs(half).min() > 1e-6


def test_leaving_one_out_is_refitting_without_that_run():
    law, rows = planted_law(3, 2), runs(3, 12, seed=2)
    losses = noisy(law.predict(rows), 0.01, np.random.default_rng(2))
    left_out = leave_one_out(Table(rows, losses, law.sources, law.groups), 1e-3)
    for run in (0, 5, 11):
        kept = np.arange(12) != run
        fit = fit_static_law(rows[kept], losses[kept], ridge=1e-3, robust=False)
        assert fit.predict(rows[run])[0] == pytest.approx(left_out[run], abs=2e-3)


@pytest.mark.parametrize("seed", [1, 2, 10])
def test_the_ridge_is_the_one_with_the_least_error_left_out_in_units_of_each_group(seed):
    law, rows = planted_law(3, seed), runs(3, 12, seed)
    losses = noisy(law.predict(rows), 0.05, np.random.default_rng(seed))
    losses[:, 0] = 2 + 20 * (losses[:, 0] - 2)  # one that varies much does not decide alone
    table = Table(rows, losses, law.sources, law.groups)
    squares = np.array([((leave_one_out(table, ridge) - losses) ** 2).mean(axis=0) for ridge in RIDGES])
    best = int((squares / losses.var(axis=0)).sum(axis=1).argmin())
    ridge, errors = choose_ridge(table, RIDGES)
    assert ridge == RIDGES[best] and errors == pytest.approx(np.sqrt(squares[best]), rel=1e-3)


def test_refits_in_blocks_are_those_at_once(monkeypatch):
    law, rows = planted_law(3, 2), runs(3, 12, seed=2)
    table = Table(rows, noisy(law.predict(rows), 0.01, np.random.default_rng(2)), law.sources, law.groups)
    near, _ = fit_weighted(table, np.ones((1, 12)), 1e-3, robust=False)
    values = np.stack([table.values.T + 0.01 * n for n in range(5)])

    def refitted():
        return leave_one_out(table, 1e-3), refit_values(table, values, 1e-3, near).c

    at_once = refitted()
    monkeypatch.setattr("emulsion.laws.static._NUMBERS", 2 * table.values.size * 3)  # two refits in a block
    for found, expected in zip(refitted(), at_once, strict=True):
        np.testing.assert_allclose(found, expected)


def test_a_source_that_does_not_matter_and_identical_sources_give_finite_equal_effects():
    random = np.random.default_rng(0)
    rows = runs(4, 24)
    b_and_c_alike = 2 + np.exp(-2 * rows[:, 0] - 1.0 * (rows[:, 1] + rows[:, 2])) + 0.002 * random.normal(size=24)
    fit = fit_static_law(rows, b_and_c_alike)
    assert np.isfinite(fit.A).all() and fit.A[0, 1] == pytest.approx(fit.A[0, 2], abs=0.15)
    never_sampled = np.column_stack([rows[:, :3] / rows[:, :3].sum(axis=1, keepdims=True), np.zeros(24)])
    assert np.isfinite(fit_static_law(never_sampled, b_and_c_alike).predict(rows)).all()


@pytest.mark.parametrize("level", [0.0, 3.0, -2.0, 1e6])
def test_losses_that_do_not_depend_on_the_mixture_are_predicted_as_they_are(level):
    fit = fit_static_law(runs(3, 9), np.full((9, 2), level))
    assert fit.predict(runs(3, 5, seed=1)) == pytest.approx(np.full((5, 2), level), abs=1e-6 * (1 + abs(level)))


def test_the_same_mixture_again_and_again_is_no_reason_to_fail():
    fit = fit_static_law(np.full((6, 3), 1 / 3), np.linspace(2.0, 2.1, 6))
    assert fit.predict(np.full((1, 3), 1 / 3))[0, 0] == pytest.approx(2.05, abs=0.01)


def test_frames_are_matched_by_name_and_not_by_position():
    law, rows = planted_law(3, 0), runs(3, 20)
    mixtures = pd.DataFrame(rows, columns=["web", "code", "books"])
    losses = pd.DataFrame(law.predict(rows), columns=["web", "code", "books"])
    fit = fit_static_law(mixtures, losses)
    assert (fit.sources, fit.groups) == (("web", "code", "books"), ("web", "code", "books"))
    shuffled = mixtures[["books", "web", "code"]]
    assert np.array_equal(fit.predict(shuffled), fit.predict(rows))
    with pytest.raises(UserError, match=r"lack the sources \['web'\] and name \['wbe'\]"):
        fit.predict(mixtures.rename(columns={"web": "wbe"}))


def test_json_brings_the_same_law_back():
    rows = runs(3, 12)
    fit = fit_static_law(rows, planted_law(3, 0).predict(rows), sources=["a", "b", "c"], groups=["x", "y", "z"])
    again = StaticLaw.from_json(json.loads(json.dumps(fit.to_json())))
    assert np.array_equal(again.predict(rows), fit.predict(rows))
    assert fit.to_json()["A"]["y"]["c"] == fit.A[1, 2]


def test_the_canonical_form_is_the_same_law():
    law = StaticLaw(("a", "b"), ("x",), np.array([[1.0, 3.0]]), np.array([2.0]), np.array([1.0]))
    rows = runs(2, 10)
    assert law.canonical().predict(rows) == pytest.approx(law.predict(rows))
    assert law.canonical().A.tolist() == [[-1.0, 1.0]]


def test_fewer_runs_than_parameters_is_a_warning_in_words():
    rows = runs(5, 4)
    with pytest.warns(FewRunsWarning, match="4 runs for 6 parameters.*at least 2 runs"):
        fit = fit_static_law(rows, planted_law(5, 0).predict(rows))
    assert np.isfinite(fit.A).all()


def test_weights_rounded_as_published_are_renormalised():
    law, rows = planted_law(3, 0), runs(3, 20)
    rounded = np.round(rows, 2)
    fit = fit_static_law(rounded, law.predict(rows))
    assert np.abs(fit.predict(rounded) - law.predict(rows)).max() < 0.05


@pytest.mark.parametrize(
    ("mixtures", "losses", "words"),
    [
        ([[0.5, 0.4], [0.5, 0.5]], [1, 2], "mixture 0 sums to 0.9, not to 1"),
        ([[1.5, -0.5], [0.5, 0.5]], [1, 2], "below 0"),
        ([[0.5, 0.5], [0.2, 0.8]], [1, np.nan], "run 1: the value of '0' is nan"),
        ([[0.5, np.inf], [0.2, 0.8]], [1, 2], "weight of '1' is inf"),
        ([[0.5, 0.5], [0.2, 0.8]], [1, 2, 3], "2 mixtures but 3 rows"),
        ([[0.5, 0.5]], [1], "not enough"),
        ([0.5, 0.5], [1, 2], "shape"),
    ],
)
def test_bad_tables_are_refused_in_words(mixtures, losses, words):
    with pytest.raises(UserError, match=words):
        fit_static_law(np.array(mixtures), np.array(losses, dtype=float))


def test_wrong_names_are_refused():
    rows, losses = runs(2, 6), np.ones((6, 1))
    with pytest.raises(UserError, match="2 columns"):
        fit_static_law(rows, losses, sources=["a"])
    with pytest.raises(UserError, match="another order"):
        fit_static_law(pd.DataFrame(rows), pd.DataFrame(losses).iloc[::-1])


@pytest.mark.parametrize("m", [2, 3, 9])
def test_the_basis_spans_what_sums_to_zero(m):
    q = basis(m)
    assert q.T @ q == pytest.approx(np.eye(m - 1)) and q.sum(axis=0) == pytest.approx(np.zeros(m - 1))


def test_a_mixture_is_predicted_by_name():
    shares = np.linspace(0.1, 0.9, 6)
    mixtures = pd.DataFrame({"a": shares, "b": 1 - shares})
    law = fit_static_law(mixtures, 2 - mixtures)
    assert np.array_equal(law.predict(Mixture({"b": 3, "a": 1})), law.predict([[0.25, 0.75]]))
    with pytest.raises(UserError, match="lack the sources"):
        law.predict({"a": 1.0})


@pytest.mark.parametrize("m", [3, 4, 6])
def test_a_source_that_no_run_drew_is_taken_for_the_mean_of_the_others(m):
    """Runs say nothing of it: it was the best of all, as a huge effect made the ridge cheap."""
    law, rows = planted_law(m, 1), runs(m, 4 * m, 1)
    rows[:, -1] = 0
    rows /= rows.sum(axis=1, keepdims=True)
    found = fit_static_law(rows, noisy(law.predict(rows), 0.005, np.random.default_rng(1)))
    others = np.append(np.full(m - 1, 1 / (m - 1)), 0.0)
    assert found.predict(np.eye(m)[[-1]]) == pytest.approx(found.predict(others[None]), rel=1e-6)
    assert np.abs(found.predict(rows) - law.predict(rows)).max() < 0.05
