"""The law of trajectories: its derivatives, what it recovers, how sure it is, and what it refuses."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.laws import fit_law, fit_trajectory_law, minimize_law, trajectory_fit
from emulsion.laws.trajectory import Worth, jacobian, levels, slopes
from emulsion.laws.trajectory_fit import Points, follow_run

NAMES = ["web", "code", "books"]
NEVER = -12.0  # log h of a source that never has taught all
TRUE = np.array(
    [
        [1.5, math.log(6.0), math.log(0.4), math.log(80.0), 0.05, 1.0, 0.2, 0.4, NEVER, NEVER, NEVER],
        [1.2, math.log(7.0), math.log(0.5), math.log(40.0), 0.10, 0.1, 1.1, 0.1, NEVER, NEVER, NEVER],
        [1.8, math.log(5.0), math.log(0.45), math.log(60.0), 0.02, 0.3, 0.1, 0.9, NEVER, NEVER, NEVER],
    ]
)


def short_runs(count=8, length=0.1, noise=0.004, rates=(0.0, 0.0, 0.0), worth=None, seed=0, truth=TRUE):
    """Mixtures, losses, epochs, tokens, runs and lengths of runs of the true law, evaluated at five moments each."""
    random = np.random.default_rng(seed)
    worth = worth or Worth()
    rows = []
    for number, mixture in enumerate([np.full(3, 1 / 3), *random.dirichlet(np.ones(3), count - 1)]):
        offset = random.normal(0, noise)
        for share in (0.0, 0.1, 0.3, 0.6, 1.0):
            read, epochs = mixture * share * length, mixture * share * np.array(rates)
            heat = (1 + math.cos(math.pi * share)) / 2
            losses = levels(truth, worth.of(read, epochs)[None], np.array([heat]))[0]
            seen = losses + min(1.0, 5 * share) * offset + random.normal(0, noise, 3)
            rows.append((mixture, seen, epochs, share * length, number, length))
    mixtures, losses, epochs, tokens, runs, lengths = (list(column) for column in zip(*rows, strict=True))
    frames = [pd.DataFrame(np.array(part), columns=NAMES) for part in (mixtures, losses, epochs)]
    return frames, {"tokens": tokens, "runs": runs, "lengths": lengths}


@pytest.fixture(scope="module")
def fitted():
    (mixtures, losses, _), rest = short_runs()
    return fit_trajectory_law(mixtures, losses, **rest)


@given(st.integers(0, 10**6))
@settings(max_examples=40)
def test_derivatives_are_those_of_the_losses(seed):
    random = np.random.default_rng(seed)
    theta = TRUE + random.normal(0, 0.1, TRUE.shape)
    theta[:, 8:] = random.uniform(-2, 3, (3, 3))
    worth, heat = random.uniform(0.01, 0.5, (2, 3)), random.uniform(0, 1, 2)
    found = jacobian(theta, worth, heat)
    for index in range(theta.shape[1]):
        step = 1e-6 * np.eye(theta.shape[1])[index]
        slope = (levels(theta + step, worth, heat) - levels(theta - step, worth, heat)) / 2e-6
        assert found[:, :, index] == pytest.approx(slope, rel=1e-4, abs=1e-6)
    for source in range(3):
        step = 1e-6 * np.eye(3)[source]
        slope = (levels(theta, worth + step) - levels(theta, worth - step)) / 2e-6
        assert slopes(theta, worth)[:, :, source] == pytest.approx(slope, rel=1e-4, abs=1e-6)


@given(st.floats(0.5, 20), st.sampled_from([1.0, 0.7]), st.integers(0, 10**6))
@settings(max_examples=40)
def test_repeated_text_is_worth_less_and_never_more_than_its_epochs_allow(limit, kappa, seed):
    random = np.random.default_rng(seed)
    read, rates = random.uniform(0.05, 1, 3), random.uniform(0.1, 40, 3)
    worth, free = Worth(limit, kappa), Worth(None, kappa)
    assert (worth.of(read, read * rates) <= free.of(read, read * rates) + 1e-12).all()
    assert (worth.of(read, read * rates) <= (limit / rates) ** kappa + 1e-9).all()
    step = 1e-6
    slope = (worth.of(read + step, (read + step) * rates) - worth.of(read - step, (read - step) * rates)) / (2 * step)
    assert worth.slope(read, read * rates) == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_short_runs_tell_the_best_mixture_of_a_run_ten_times_as_long(fitted):
    best = minimize_law(fitted)
    row = np.array([[best[name] for name in NAMES]])
    tried = np.random.default_rng(1).dirichlet(np.ones(3), 4000)
    least = levels(TRUE, tried).mean(axis=1).min()
    assert levels(TRUE, row).mean() - least < 0.01
    assert levels(TRUE, np.full((1, 3), 1 / 3)).mean() - least > 0.01


def test_intervals_hold_what_a_long_run_reaches(fitted):
    tried = np.random.default_rng(2).dirichlet(np.ones(3), 40)
    low, high = fitted.interval(tried)
    truth = levels(TRUE, tried)
    assert ((low <= truth) & (truth <= high)).mean() > 0.9
    assert np.median(high - low) < 2.0
    wide = fitted.interval(tried, 0.99)
    assert (wide[0] <= low).all() and (wide[1] >= high).all()


def test_a_new_run_varies_by_its_seed_and_its_evaluation_besides(fitted):
    tried = np.full((1, 3), 1 / 3)
    low, high = replace(fitted, seed_sd=3.0, point_sd=4.0).interval(tried)
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(fitted.variance(tried) + 5.0**2), rel=1e-4)


@pytest.mark.parametrize("known", [0.0, 0.6, 1.0])
def test_what_is_known_of_runs_leaves_the_rest_of_what_no_curve_fits(fitted, known):
    sure, weights = replace(fitted, covariance=np.zeros_like(fitted.covariance)), np.array([0.5, 0.3, 0.2])
    rows = np.full((1, 3), 1 / 3)
    rest = math.sqrt(1 - known**2) * float(weights @ fitted.unfit)
    assert rest > 0 or known == 1
    assert sure.mean_sd_beside(rows, rows, weights, known) == pytest.approx([rest])


def test_longer_runs_make_it_surer():
    mixture = np.full((1, 3), 1 / 3)
    variances = []
    for length in (0.02, 0.2, 1.0):
        (mixtures, losses, _), rest = short_runs(8, length)
        variances.append(float(fit_trajectory_law(mixtures, losses, **rest).variance(mixture).mean()))
    assert variances[0] > variances[1] > variances[2]


def test_slopes_by_shares_are_those_of_the_predictions():
    (mixtures, losses, epochs), rest = short_runs(rates=(0.5, 20.0, 2.0), worth=Worth(6.0))
    law = fit_trajectory_law(mixtures, losses, epochs, **rest)
    row, step = np.array([0.5, 0.2, 0.3]), 1e-6
    found = law.gradient(row)[0]
    for j in range(3):
        for i in range(3):
            if i != j:
                move = step * (np.eye(3)[i] - np.eye(3)[j])
                slope = (law.predict(row + move) - law.predict(row - move))[0] / (2 * step)
                assert found[:, i] - found[:, j] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_a_source_that_runs_repeat_gets_less_than_one_they_do_not():
    rates = (0.5, 40.0, 0.5)
    (mixtures, losses, epochs), rest = short_runs(10, 0.2, rates=rates, worth=Worth(6.0))
    seeing = fit_trajectory_law(mixtures, losses, epochs, **rest)
    blind = fit_trajectory_law(mixtures, losses, **rest)
    assert seeing.worth.epochs is not None and blind.worth.epochs is None
    sizes = {name: 1e6 / rate for name, rate in zip(NAMES, rates, strict=True)}
    small, large = seeing.for_run(1e6, sizes), seeing.for_run(1e6, dict.fromkeys(NAMES, 1e9))
    assert small.rates == pytest.approx(rates) and large.rates == pytest.approx(1e-3)
    assert minimize_law(small)["code"] < minimize_law(large)["code"]


def test_a_source_that_is_learnt_soon_gets_a_little_and_the_rest_what_it_leaves(monkeypatch):
    truth = TRUE.copy()
    truth[:, 9] = math.log(100.0)  # half of what code teaches is learnt in a hundredth of the run
    tried = np.random.default_rng(3).dirichlet(np.full(3, 0.7), 20_000)
    reached = levels(truth, tried).mean(axis=1)
    assert tried[reached.argmin(), 1] < 0.1
    (mixtures, losses, _), rest = short_runs(10, 1.0, truth=truth)

    def regret(law):
        best = minimize_law(law)
        row = np.array([[best[name] for name in NAMES]])
        return levels(truth, row).mean() - reached.min()

    seeing = fit_trajectory_law(mixtures, losses, **rest)
    monkeypatch.setattr(trajectory_fit, "_ENDING", trajectory_fit._ENDLESS)
    blind = fit_trajectory_law(mixtures, losses, **rest)
    assert regret(seeing) < 0.005 < regret(blind)


def test_sources_that_never_have_taught_all_are_told_from_those_that_have(fitted):
    assert (fitted.theta[:, 8:] < -10).all()  # of noise alone no group takes h up
    truth = TRUE.copy()
    truth[0, 8] = math.log(30.0)
    (mixtures, losses, _), rest = short_runs(10, 1.0, truth=truth)
    law = fit_trajectory_law(mixtures, losses, **rest)
    assert law.theta[0, 8] == pytest.approx(math.log(30.0), abs=1.0)
    assert (law.theta[1:, 8:] < -10).all()
    (mixtures, losses, _), rest = short_runs(10, 0.1, truth=truth)
    assert (fit_trajectory_law(mixtures, losses, **rest).theta[:, 8:] < -10).all()  # of short runs it is not told


@pytest.mark.parametrize("seed", range(4))
def test_noise_larger_than_assumed_is_not_taken_for_sources_that_have_taught_all(seed):
    (mixtures, losses, _), rest = short_runs(10, 1.0, noise=0.04, seed=seed)
    assert (fit_trajectory_law(mixtures, losses, **rest).theta[:, 8:] < -10).all()


@pytest.mark.parametrize("kappa", [1.0, 0.7])
def test_laws_are_chosen_by_their_whole_evidence(kappa):
    """-2 log Z as docs/method.md has it; the determinants differ from one kappa to another."""
    (mixtures, losses, epochs), rest = short_runs(length=1.0)
    time, planned, run = (np.array(rest[name]) for name in ("tokens", "lengths", "runs"))
    points = Points(mixtures.to_numpy() * time[:, None], epochs.to_numpy(), losses.to_numpy(), time, planned, run)
    priors = [trajectory_fit._prior(points, np.eye(3) > 0, haste) for haste in ((-12.0, 0.01), (0.0, 2.0))]
    noise, worth = trajectory_fit._noise(points), Worth(kappa=kappa).of(points.read, points.epochs)
    whiten = np.linalg.inv(np.linalg.cholesky(noise))[None]
    evidence, theta, _, chosen = trajectory_fit._likelier(points, worth, whiten, priors)
    off = levels(theta, worth, points.heat) - points.losses
    slope = jacobian(theta, worth, points.heat)
    for group in range(3):
        [mean] = [means[group] for means, deviations in priors if (deviations[group] == chosen[group]).all()]
        fit = off[:, group] @ np.linalg.solve(noise, off[:, group])
        prior = (((theta[group] - mean) / chosen[group]) ** 2).sum()
        inverse = slope[:, group].T @ np.linalg.solve(noise, slope[:, group]) + np.diag(chosen[group] ** -2)
        occam = np.linalg.slogdet(inverse)[1] + 2 * np.log(chosen[group]).sum()
        assert evidence[group] == pytest.approx(fit + prior + occam, rel=1e-6)


def test_ends_of_runs_alone_are_enough_to_fit_and_the_registry_has_it():
    random = np.random.default_rng(5)
    rows = random.dirichlet(np.ones(3), 14)
    losses = levels(TRUE, rows) + random.normal(0, 0.004, (14, 3))
    frames = pd.DataFrame(rows, columns=NAMES), pd.DataFrame(losses, columns=NAMES)
    law = fit_law("trajectory", *frames)
    errors = law.predict(rows) - levels(TRUE, rows)
    assert np.sqrt((errors**2).mean()) < 0.05
    assert law.runs == law.evaluations == 14


def test_the_order_of_sources_changes_nothing():
    (mixtures, losses, _), rest = short_runs()
    turned = [frame[NAMES[::-1]] for frame in (mixtures, losses)]
    first, second = fit_trajectory_law(mixtures, losses, **rest), fit_trajectory_law(*turned, **rest)
    assert first.predict(mixtures) == pytest.approx(second.predict(mixtures)[:, ::-1], abs=1e-6)


def test_the_columns_of_arrays_are_of_no_source_whatever_their_order():
    (mixtures, losses, _), rest = short_runs()
    rows, values = mixtures.to_numpy(), losses.to_numpy()
    first, turned = fit_trajectory_law(rows, values, **rest), fit_trajectory_law(rows, values[:, ::-1], **rest)
    assert first.predict(rows) == pytest.approx(turned.predict(rows)[:, ::-1], abs=1e-6)
    named = fit_trajectory_law(mixtures, losses, **rest)
    assert np.abs(named.predict(rows) - first.predict(rows)).max() > 1e-4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tokens": [0.1] * 39}, "tokens must be 40 finite numbers"),
        ({"runs": [0] * 39}, "39 names of runs for 40 evaluations"),
        ({"lengths": [0.05] * 40}, "evaluation 3: 0.06 tokens of a run of 0.05; they lie within it"),
        ({"tokens": [-1.0] * 40}, "evaluation 0: -1 tokens"),
        ({"tokens": [math.nan] * 40}, "tokens must be 40 finite numbers"),
        ({"tokens": [0.0] * 40}, "every evaluation is before the first step"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(changes, words):
    (mixtures, losses, _), rest = short_runs()
    with pytest.raises(UserError, match=words):
        fit_trajectory_law(mixtures, losses, **{**rest, **changes})


def test_scores_are_no_losses():
    (mixtures, losses, _), rest = short_runs()
    with pytest.raises(UserError, match="trajectories are of losses, which are above 0"):
        fit_trajectory_law(mixtures, losses - 100.0, **rest)


@pytest.mark.parametrize(
    ("tokens", "changes", "words"),
    [
        (1.0, {"books": None}, "unknown source 'books'"),
        (0.0, {}, "tokens of a run are 0.0"),
        (-1e6, {}, "tokens of a run"),
        (np.nan, {}, "tokens of a run"),
        (np.inf, {}, "tokens of a run"),
        (1.0, {"code": -1.0}, "size of 'code' is -1.0"),
        (1.0, {"code": np.nan}, "size of 'code'"),
        (1.0, {"code": np.inf}, "size of 'code'"),
    ],
)
def test_runs_of_no_size_are_refused(fitted, tokens, changes, words):
    sizes = {**dict.fromkeys(NAMES, 10.0), **changes}
    with pytest.raises(UserError, match=words):
        fitted.for_run(tokens, {name: size for name, size in sizes.items() if size is not None})


# A run that is under way


def with_read(law, read, rates=(0.0, 0.0, 0.0)):
    return replace(law, read=np.array(read), rates=np.array(rates))


def test_the_rest_of_a_run_is_predicted_as_the_whole_of_what_it_will_have_read(fitted):
    begun = with_read(fitted, [0.3, 0.1, 0.0], rates=[2.0, 5.0, 1.0])
    whole = replace(fitted, rates=begun.rates)
    rest = np.array([0.2, 0.3, 0.5])
    assert begun.left == pytest.approx(0.6)
    assert begun.predict(rest[None]) == pytest.approx(whole.predict((begun.read + 0.6 * rest)[None]))
    assert begun.mean_sd(rest[None], np.full(3, 1 / 3)) == pytest.approx(
        whole.mean_sd((begun.read + 0.6 * rest)[None], np.full(3, 1 / 3))
    )


def test_slopes_of_the_rest_are_those_of_its_losses(fitted):
    begun = with_read(fitted, [0.3, 0.1, 0.05], rates=[2.0, 5.0, 1.0])
    row = np.array([0.2, 0.3, 0.5])
    found = begun.gradient(row[None])[0]
    for source, other in ((0, 1), (1, 2), (2, 0)):
        step = 1e-6 * (np.eye(3)[source] - np.eye(3)[other])
        slope = (begun.predict((row + step)[None]) - begun.predict((row - step)[None]))[0] / 2e-6
        assert found[:, source] - found[:, other] == pytest.approx(slope, rel=1e-4, abs=1e-7)


def run_of(truth, rounds=10, noise=0.002, seed=0):
    """Evaluations of a run under a true law, whose mixture goes up and down."""
    random = np.random.default_rng(seed)
    rows = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]])
    read = np.cumsum([rows[number % 3] * 0.05 for number in range(rounds)], axis=0)
    time = read.sum(axis=1)
    heat = (1 + np.cos(np.pi * time)) / 2
    losses = levels(truth, read, heat) + random.normal(0, noise, (rounds, 3))
    return Points(read, np.zeros_like(read), losses, time, np.ones(rounds), np.zeros(rounds, dtype=int))


def test_a_run_that_differs_from_short_ones_is_followed(fitted):
    other = TRUE.copy()
    other[:, 5:8] = TRUE[:, [7, 6, 5]]  # two sources change places
    points = run_of(other)
    followed = follow_run(fitted, points, np.zeros_like(points.read), 0.5)
    row = np.array([[0.7, 0.15, 0.15], [0.15, 0.15, 0.7]])

    def better(law):
        predicted = law.predict(row).mean(axis=1)
        return predicted[0] - predicted[1]

    truth = levels(other, points.read[-1] + followed.left * row).mean(axis=1)
    off = [abs(better(law) - (truth[0] - truth[1])) for law in (with_read(fitted, points.read[-1]), followed)]
    assert off[1] < off[0] / 2
    assert followed.left == pytest.approx(0.5)


def test_a_run_as_short_ones_said_makes_the_law_surer(fitted):
    points = run_of(TRUE)
    followed = follow_run(fitted, points, np.zeros_like(points.read), 0.5)
    row, even = np.array([[0.6, 0.2, 0.2]]), np.full(3, 1 / 3)
    before = with_read(fitted, points.read[-1]).compare(row, even, even)[1]
    assert followed.compare(row, even, even)[1] < before


def test_what_was_just_read_is_not_taken_for_what_was_learnt(fitted):
    points = run_of(TRUE)
    recent = np.array([[0.4 if number % 3 == source else -0.2 for source in range(3)] for number in range(10)])
    rising = replace(points, losses=points.losses - 0.3 * recent)  # each source's loss is lower just after it was read
    plain, seen = (follow_run(fitted, rising, recent, each) for each in (0.0, 0.5))
    undisturbed = follow_run(fitted, points, recent, 0.5)

    def off(law):
        return np.abs(law.predict(np.eye(3)) - undisturbed.predict(np.eye(3))).mean()

    assert off(seen) < off(plain) / 2
