from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from emulsion.laws import fit_epochs_law, fit_law, minimize_law
from emulsion.laws.gaussian import fit_gaussian_law
from emulsion.methods import surrogates
from emulsion.methods.optimum import optimise
from emulsion.methods.surrogates import Runs, Surrogate, choose, fit_surrogates
from emulsion.world.planted import planted_repeating_law

SCORES = np.linspace(0.0, 1.0, 9)


class Judged:
    """A surrogate of which only the errors are known."""

    def __init__(self, errors):
        rows = np.full((9, 2), 0.5)
        self.runs = Runs(("a", "b"), rows, -SCORES[:, None], np.ones(1))
        self.left_out = SCORES + errors
        self.rmse = float(np.sqrt(np.mean(np.square(errors))))


def judged(law, other):
    return {"log_linear": Judged(np.array(law)), "gaussian_process": Judged(np.array(other))}


def test_a_surrogate_that_is_clearly_better_than_the_law_is_chosen():
    assert choose(judged([0.2] * 9, [0.1, -0.1, 0.1, 0.05, -0.05, 0.1, 0.1, -0.1, 0.1])) == "gaussian_process"


def test_the_law_stays_where_another_is_better_by_one_lucky_run():
    errors = [0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.3]
    assert choose(judged(errors, [*errors[:-1], 0.05])) == "log_linear"


def test_the_law_is_chosen_where_it_is_best():
    assert choose(judged([0.05] * 9, [0.2] * 9)) == "log_linear"


@pytest.mark.parametrize("best", ["a", "b"])
def test_without_the_law_the_least_error_decides(best):
    errors = {name: np.full(9, 0.1 if name == best else 0.2) for name in "ab"}
    assert choose({name: Judged(error) for name, error in errors.items()}) == best


class Reported(Surrogate):
    """A surrogate that predicts these scores of runs left out."""

    def __init__(self, left_out, scores):
        self.runs = Runs(("a", "b"), np.full((len(scores), 2), 0.5), -np.asarray(scores)[:, None], np.ones(1))
        self.left_out = np.asarray(left_out)

    def predict(self, rows):
        raise AssertionError("a report is of runs left out")


@pytest.mark.parametrize(
    ("left_out", "scores", "report"),
    [
        (SCORES, SCORES, (0.0, 1.0, 1.0)),
        ((SCORES.sum() - SCORES) / 8, SCORES, (np.sqrt(15) / 12 * 9 / 8, -1.0, 0.0)),  # the mean of the other runs
        (np.full(9, 0.5), np.full(9, 0.25), (0.25, None, None)),
    ],
)
def test_a_report_holds_errors_against_those_of_the_mean_of_the_other_runs(left_out, scores, report):
    found = Reported(left_out, scores).report()
    assert list(found) == ["loo_rmse", "loo_spearman", "loo_r2"]
    assert list(found.values()) == [None if value is None else pytest.approx(value) for value in report]


def repeating_runs(rates, seed=1):
    """Runs on a world that repeats its sources, as the optimiser has them, by the epochs of the run decided for."""
    truth = planted_repeating_law(3, seed)
    rows = np.random.default_rng(2).dirichlet(np.ones(3), 16)
    weights = np.full(3, 1 / 3)
    return truth, Runs(truth.sources, rows, truth.predict(rows), weights, truth.epochs(rows), rates)


def test_the_surrogate_that_sees_epochs_predicts_runs_by_theirs_and_others_by_those_decided_for():
    _, runs = repeating_runs({"s0": 1.0, "s1": 1.0, "s2": 1.0})
    [found] = fit_surrogates(runs, ["epochs"]).values()
    assert found.fitted == pytest.approx(runs.scores, abs=0.02)
    seen = found.law.predict_epochs(np.array([[0.2, 0.3, 0.5]])).mean()
    assert found.predict(np.array([[0.2, 0.3, 0.5]]))[0] == pytest.approx(-seen)
    _, own = repeating_runs({})
    assert fit_surrogates(own, ["epochs"])["epochs"].predict(runs.mixtures) == pytest.approx(runs.scores, abs=0.02)


def test_a_new_run_strays_by_the_sd_of_the_gaussian_process_and_the_error_of_runs_left_out():
    _, runs = repeating_runs({})
    [found] = fit_surrogates(runs, ["gaussian_process"]).values()
    row = np.array([0.05, 0.05, 0.9])
    sd = fit_gaussian_law(runs.mixtures, -runs.scores).function_sd(row[None, :]).item()
    assert found.spread(row, 1, 0)[0] == pytest.approx(
        np.hypot(sd, np.sqrt(np.mean((found.left_out - runs.scores) ** 2)))
    )
    assert sd > 0.1 * found.rmse


@pytest.mark.parametrize("name", ["linear", "lightgbm", "log_linear"])
def test_refits_to_resampled_runs_scatter_about_the_prediction_and_are_the_same_again(name):
    random = np.random.default_rng(3)
    rows, fresh = random.dirichlet(np.ones(3), 30), random.dirichlet(np.ones(3), 4)
    runs = Runs(("a", "b", "c"), rows, 3 - rows[:, :1] + random.normal(0, 0.1, (30, 1)), np.ones(1))
    [found] = fit_surrogates(runs, [name]).values()
    draws = found.draws(fresh, 12, 0)
    assert draws.shape == (12, 4) and (draws.std(axis=0) > 1e-3).all()
    assert draws.mean(axis=0) == pytest.approx(found.predict(fresh), abs=0.25)
    assert np.array_equal(draws, found.draws(fresh, 12, 0)) and not np.array_equal(draws, found.draws(fresh, 12, 1))


def test_epochs_are_among_several_surrogates_only_where_runs_repeat_sources():
    _, runs = repeating_runs({})
    names = ["linear", "epochs"]
    assert list(fit_surrogates(runs, names)) == names
    assert list(fit_surrogates(replace(runs, epochs=runs.epochs / 100), names)) == ["linear"]
    assert list(fit_surrogates(replace(runs, epochs=None), names)) == ["linear"]


@pytest.mark.parametrize("length", [0.05, 4.0])
def test_the_optimum_is_that_of_the_law_at_the_epochs_of_the_run_decided_for(length):
    truth, runs = repeating_runs({})
    names = truth.sources
    read = [dict(zip(names, row, strict=True)) for row in runs.epochs.tolist()]
    losses = [dict(zip(names, row, strict=True)) for row in runs.costs.tolist()]
    results = [{"losses": loss, "epochs": epochs} for loss, epochs in zip(losses, read, strict=True)]
    mixtures = [dict(zip(names, row, strict=True)) for row in runs.mixtures.tolist()]
    settings = {"objective": "mean_loss", "surrogate": "epochs", "surrogates": ["epochs"], "bounds": None}
    rates = dict(zip(names, (length * truth.rates).tolist(), strict=True))
    found = optimise(mixtures, results, names, {**settings, "rates": rates, "generations": 20})
    law = fit_epochs_law(pd.DataFrame(runs.mixtures, columns=list(names)), runs.costs, runs.epochs)
    best = minimize_law(replace(law, rates=length * truth.rates))
    assert found["ratios"] == pytest.approx(dict(best), abs=1e-3)


@pytest.mark.parametrize(
    "name, kind, objective",
    [
        ("best", "epochs", {"losses": {"s1": 1}}),
        ("trajectory", "trajectory", "mean_loss"),
        ("trajectory", "trajectory", {"losses": {"s2": 3, "s1": 1}}),
        ("ridge", "linear", {"losses": {"s1": 1}}),
    ],
)
def test_a_law_by_name_knows_whose_losses_are_fitted_and_what_epochs_runs_have(name, kind, objective):
    truth, runs = repeating_runs({}, 2)
    names = list(truth.sources)
    mixtures, losses, read = (
        pd.DataFrame(part, columns=names) for part in (runs.mixtures, truth.predict(runs.mixtures), runs.epochs)
    )
    results = [
        {"losses": loss, "epochs": epochs}
        for loss, epochs in zip(losses.to_dict("records"), read.to_dict("records"), strict=True)
    ]
    chosen = {"objective": objective, "surrogate": name, "surrogates": [name], "bounds": None, "generations": 2}
    rates = 0.5 * truth.rates
    found = optimise(
        mixtures.to_dict("records"), results, names, {**chosen, "rates": dict(zip(names, rates.tolist(), strict=True))}
    )
    weights = dict.fromkeys(names, 1.0) if objective == "mean_loss" else objective["losses"]
    law = fit_law(name, mixtures, losses[list(weights)], read)
    assert law.kind == kind
    share = np.array(list(weights.values())) / sum(weights.values())
    fitted = law.predict(mixtures) @ share
    assert [row["predicted"] for row in found["observed_vs_predicted"]] == pytest.approx(fitted, abs=1e-5)
    decided = law if name == "ridge" else replace(law, rates=rates)
    best = np.array([[found["ratios"][source] for source in names]])
    assert found["prediction"] == pytest.approx((decided.predict(best) @ share).item(), abs=1e-5)


@pytest.mark.parametrize(("n", "fits"), [(60, 61), (61, 11)])
def test_a_law_by_name_is_fitted_anew_without_each_run_or_where_they_are_many_without_each_tenth(n, fits, monkeypatch):
    kept = []

    def counted(name, mixtures, costs, epochs):
        kept.append(len(mixtures))
        return fit_law(name, mixtures, costs, epochs)

    monkeypatch.setattr(surrogates, "fit_law", counted)
    rows = np.random.default_rng(4).dirichlet(np.ones(3), n)
    runs = Runs(("a", "b", "c"), rows, rows @ [[3.0], [4.0], [5.0]], np.ones(1))
    [found] = fit_surrogates(runs, ["ridge"]).values()
    assert len(kept) == fits and kept[0] == n == sum(n - each for each in kept[1:])
    assert found.left_out == pytest.approx(runs.scores, abs=1e-3)
