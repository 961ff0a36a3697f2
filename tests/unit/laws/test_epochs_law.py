"""The law that sees epochs: its formula and slopes, planted truths, and worlds in which runs repeat sources."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.laws import EpochsLaw, fit_best_law, fit_epochs_law, fit_law, fit_static_law, law_optimum, minimize_law
from emulsion.laws.epochs import Shape
from emulsion.ranks import rho
from emulsion.world import worlds
from emulsion.world.planted import noisy, planted_repeating_law


def planted(m, seed, tau=2.0):
    """A law over m sources, the first of which is read 40 times in a run on it alone."""
    random = np.random.default_rng([seed, m])
    names = tuple(f"s{j}" for j in range(m))
    benefit = random.uniform(0.1, 0.5, (m, m)) + np.diag(random.uniform(1.0, 2.0, m))
    return EpochsLaw(
        sources=names,
        groups=names,
        floor=random.uniform(1.5, 2.0, m),
        c=random.uniform(0.5, 1.0, m),
        benefit=benefit,
        harm=random.uniform(0.0, 0.1, (m, m)) if tau else np.zeros((m, m)),
        highest=np.full(m, 9.0),
        shapes=tuple(Shape(random.uniform(0.2, 1.0), random.uniform(0.5, 1.0), tau, 0.3, 1e-4) for _ in names),
        rates=np.geomspace(40.0, 0.8, m),
    )


def mixtures(m, n, seed):
    return np.random.default_rng(seed).dirichlet(np.full(m, 0.8), n)


@given(m=st.integers(2, 6), seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_slopes_are_those_of_the_values(m, seed):
    law = planted(m, seed)
    row, step = 0.02 + (1 - 0.02 * m) * mixtures(m, 1, seed)[0], 1e-6

    def at(p):
        return law.predict_epochs(p[None, :] * law.rates)[0]

    numeric = np.array([(at(row + step * e) - at(row - step * e)) / (2 * step) for e in np.eye(m)]).T
    assert law.gradient(row)[0] == pytest.approx(numeric, rel=1e-4, abs=1e-6)


@given(m=st.integers(2, 6), seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_without_harm_more_epochs_never_raise_a_loss_and_the_floor_bounds_it(m, seed):
    law = planted(m, seed, tau=None)
    epochs = np.random.default_rng(seed).uniform(0, 30, (9, m))
    assert (law.predict_epochs(epochs * 1.5) <= law.predict_epochs(epochs)).all()
    assert (law.predict_epochs(epochs) >= law.floor).all()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_planted_law_is_recovered(seed):
    law = planted(3, seed)
    rows, fresh = mixtures(3, 40, seed), mixtures(3, 100, seed + 50)
    found = fit_epochs_law(rows, law.predict(rows), rows * law.rates)
    truth = law.predict(fresh)
    assert np.abs(found.predict(fresh) - truth).mean() < 0.05 * truth.std(axis=0).mean()
    assert found.rates == pytest.approx(law.rates)


def test_the_law_predicts_for_another_run_by_its_epochs():
    law = replace(planted(3, 0), rates=np.ones(3))
    moved = law.for_run(8000, {"s0": 4000, "s1": 8000, "s2": 500})
    assert moved.rates.tolist() == [2.0, 1.0, 16.0]
    row = np.array([[0.5, 0.25, 0.25]])
    assert np.array_equal(moved.predict(row), law.predict_epochs(np.array([[1.0, 0.25, 4.0]])))
    with pytest.raises(UserError, match="unknown source 's2'"):
        law.for_run(1, {"s0": 1, "s1": 1, "s3": 2})


def test_a_law_that_was_not_fitted_has_no_interval():
    with pytest.raises(UserError, match="not fitted to runs"):
        planted(3, 0).interval(mixtures(3, 2, 0))


def test_epochs_are_matched_by_name_and_checked():
    law = planted(3, 0)
    rows = pd.DataFrame(mixtures(3, 12, 0), columns=law.sources)
    losses, epochs = law.predict(rows), rows * law.rates
    by_name = fit_epochs_law(rows, losses, epochs[["s2", "s0", "s1"]])
    assert by_name.to_json() == fit_epochs_law(rows, losses, epochs).to_json()
    for wrong, message in [
        (epochs.to_numpy()[:5], r"epochs of shape \(5, 3\)"),
        (-epochs, "run 0: 's0' is read -"),
        (epochs.rename(columns={"s0": "x"}), "epochs are of"),
    ]:
        with pytest.raises(UserError, match=message):
            fit_law("epochs", rows, losses, wrong)


@cache
def world(seed, m=4, n=24):
    """A repeating law, runs on it with their noise, and what the law is judged on."""
    law, random = planted_repeating_law(m, seed), np.random.default_rng([seed, 7])
    rows = np.vstack([random.dirichlet(np.full(m, strength), n // 3) for strength in (0.5, 1, 2)])
    rows = random.permutation(rows)
    return law, rows, noisy(law.predict(rows), 0.011, random)


def ranks(law, truth, rows):
    return np.mean([rho(*pair) for pair in zip(law.predict(rows).T, truth.predict(rows).T, strict=True)])


def test_best_takes_the_law_that_sees_epochs_where_runs_repeat_sources_and_only_then():
    truth, rows, losses = world(0)
    chosen = fit_law("best", rows, losses, truth.epochs(rows))
    assert chosen.kind == "epochs" and ranks(chosen, truth, mixtures(4, 100, 1)) > 0.97
    assert fit_best_law(rows, losses, truth.epochs(rows) / 100).kind != "epochs"


def test_the_optimum_of_a_law_with_epochs_is_that_of_a_fine_grid_and_keeps_bounds():
    law = planted(3, 3)
    grid = np.array([[i, j, 200 - i - j] for i in range(201) for j in range(201 - i)]) / 200
    found = law_optimum(law, runs=grid[:3])
    assert found.gap is None and found.distance > 0
    assert found.loss <= law.predict(grid).mean(axis=1).min() + 1e-6
    bounded = minimize_law(law, (0.2, 0.5), weights={"s0": 1.0}, caps={"s1": 0.3})
    inside = grid[((grid >= 0.2) & (grid <= [0.5, 0.3, 0.5])).all(axis=1)]
    row = np.array([list(bounded.values())])
    assert row.min() >= 0.2 and bounded["s1"] <= 0.3
    assert law.predict(row)[0, 0] <= law.predict(inside)[:, 0].min() + 1e-6


def test_a_pull_draws_the_optimum_of_a_law_with_epochs_to_its_prior():
    law, prior = planted(3, 3), {"s0": 0.2, "s1": 0.3, "s2": 0.5}
    found = minimize_law(law, prior=prior, strength=100.0)
    assert dict(found) == pytest.approx(prior, abs=0.01)


@pytest.mark.slow
def test_where_sources_are_repeated_a_third_of_the_runs_ranks_as_well_and_regret_halves():
    """Olmix has the log-linear law of all runs and its pull to the sizes; 40 worlds, interval by bootstrap."""
    ranked, regret = [], []
    for seed in range(40):
        truth, rows, losses = world(seed)
        m, epochs = len(truth.sources), truth.epochs(rows)
        fresh = np.vstack([mixtures(m, 600, 9), np.random.default_rng(1).dirichlet(np.full(m, 3.0), 600)])
        few = fit_epochs_law(rows[:8], losses[:8], epochs[:8], warn=False)
        whole, seeing = fit_static_law(rows, losses), fit_epochs_law(rows, losses, epochs)
        ranked.append((ranks(whole, truth, fresh), ranks(few, truth, fresh)))
        best = truth.predict(fresh).mean(axis=1).min()
        sizes = dict(zip(whole.sources, 1 / truth.rates, strict=True))
        picks = minimize_law(whole, prior=sizes, strength=0.05), minimize_law(seeing)
        regret.append([truth.predict(np.array([list(pick.values())])).mean() - best for pick in picks])
    olmix, ours = np.maximum(np.array(regret).T, 0.0)
    drawn = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
    ratio = np.quantile(ours[drawn].mean(axis=1) / olmix[drawn].mean(axis=1), [0.025, 0.5, 0.975])
    print("ranks", np.mean(ranked, axis=0), "mean regret", olmix.mean(), ours.mean(), "ratio", ratio)
    assert np.mean(ranked, axis=0)[1] >= np.mean(ranked, axis=0)[0]
    assert ratio[1] <= 0.5 and ratio[2] < 1


@pytest.mark.slow
def test_where_nothing_is_repeated_it_ranks_about_as_well_as_the_log_linear_law():
    """Full runs of simulated worlds, half an epoch of a source that has all of a run; judged on 60 other mixtures."""
    table = {}
    for kind in ("linear", "log_linear", "interacting", "saturating", "harmful"):
        for drawn in (each for each in worlds(kind, 20, seed=91) if len(each.sources) <= 4):
            m, random = len(drawn.sources), np.random.default_rng(1)
            rows, fresh = (random.dirichlet(np.ones(m), count) for count in (4 * m + 4, 60))
            found = np.array([ended(drawn, row, seed).losses() for seed, row in enumerate(rows)])
            truth = np.array([ended(drawn, row, 0).true_losses() for row in fresh])
            usual, seeing = fit_static_law(rows, found), fit_epochs_law(rows, found, rows / 2, warn=False)
            guesses = [law.predict(fresh) for law in (usual, seeing)]
            each = [np.mean([rho(guess[:, i], truth[:, i]) for i in range(m)]) for guess in guesses]
            table.setdefault(kind, []).append([*each, *(np.sqrt(np.mean((g - truth) ** 2)) for g in guesses)])
    for kind, cells in table.items():
        print(kind, len(cells), "ranks and RMSE, log-linear and epochs:", np.mean(cells, axis=0).round(3))
    means = np.mean([np.mean(cells, axis=0) for cells in table.values()], axis=0)
    print("all", means.round(3))
    assert means[1] > means[0] - 0.01


def ended(drawn, row, seed):
    run = drawn.train(seed, 1.0)
    run.train(row, 1.0)
    return run


def test_epochs_in_another_order_than_the_runs_are_refused():
    runs = [f"run{number}" for number in range(8)]
    shares = np.linspace(0.1, 0.9, 8)
    mixtures = pd.DataFrame({"a": shares, "b": 1 - shares}, index=runs)
    losses = pd.DataFrame({"a": 2 - shares, "b": 1 + shares}, index=runs)
    fit_law("epochs", mixtures, losses, epochs=4 * mixtures)
    with pytest.raises(UserError, match="epochs and the mixtures have different row names, or the same in another"):
        fit_law("epochs", mixtures, losses, epochs=4 * mixtures.iloc[::-1])


@pytest.mark.parametrize(
    ("tokens", "size", "words"),
    [(-1e6, 10, "tokens of a run"), (math.nan, 10, "tokens of a run"), (1, -1, "size of 'a'")],
)
def test_runs_of_no_size_are_refused(tokens, size, words):
    shares = np.linspace(0.1, 0.9, 8)
    mixtures = pd.DataFrame({"a": shares, "b": 1 - shares})
    law = fit_epochs_law(mixtures, 2 - mixtures, epochs=4 * mixtures)
    with pytest.raises(UserError, match=words):
        law.for_run(tokens, {"a": size, "b": 10.0})
