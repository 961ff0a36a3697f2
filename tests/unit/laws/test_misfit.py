"""What the law of trajectories misses at the ends of runs: slopes, what it corrects, and how sure it leaves the law."""

from dataclasses import replace

import numpy as np
import pytest

from emulsion.laws.minimize import minimize_law
from emulsion.laws.misfit import correct
from emulsion.laws.trajectory import TrajectoryLaw, Worth, levels

NAMES = ("web", "code", "books")
WEIGHTS = np.full(3, 1 / 3)
EVEN = np.full(3, 1 / 3)
RUNS = np.random.default_rng(0).dirichlet(np.ones(3), 12)


def law():
    """A law by which the three sources are alike and help one another a little."""
    scalars = np.tile([1.5, np.log(6.0), np.log(0.4), np.log(80.0), 0.05], (3, 1))
    theta = np.hstack([scalars, 0.2 + 0.8 * np.eye(3), np.full((3, 3), -12.0)])
    covariance = np.tile(1e-4 * np.eye(11), (3, 1, 1))
    return TrajectoryLaw(NAMES, NAMES, theta, covariance, Worth(), np.zeros(3), 0.009, 0.006, np.full(3, 0.03))


def missed(rows):
    """What the law misses, nats: code is worth more than it says."""
    return -0.3 * np.exp(-((rows[:, 1] - 0.6) ** 2) / 0.1)


def corrected(function, time=1.0, noise=0.0):
    made, random = law(), np.random.default_rng(1)
    ends = levels(made.theta, RUNS * time) + (function(RUNS) + random.normal(0, noise, len(RUNS)))[:, None]
    return made, correct(made, RUNS, ends, np.zeros_like(RUNS), np.full(len(RUNS), time), WEIGHTS)


def test_slopes_by_shares_are_those_of_the_predictions():
    _, found = corrected(missed)
    row, step = np.array([0.5, 0.2, 0.3]), 1e-6
    slopes = found.gradient(row)[0]
    for i, j in ((0, 1), (1, 2), (2, 0)):
        move = step * (np.eye(3)[i] - np.eye(3)[j])
        slope = (found.predict(row + move) - found.predict(row - move))[0] / (2 * step)
        assert slopes[:, i] - slopes[:, j] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_what_the_runs_show_corrects_the_law_and_its_optimum():
    made, found = corrected(missed, noise=0.005)
    tried = np.random.default_rng(2).dirichlet(np.full(3, 4.0), 200)
    truth = made.predict(tried).mean(axis=1) + missed(tried)
    # A constant tells no mixture from another.
    apart = [np.std(each.predict(tried).mean(axis=1) - truth) for each in (made, found)]
    assert apart[1] < apart[0] / 3
    assert minimize_law(made)["code"] < 0.4 < minimize_law(found)["code"]
    above, sd = found.compare(tried, EVEN)
    real = truth - made.predict(EVEN).mean() - missed(EVEN[None])[0]
    assert (np.abs(above - real) < 2 * sd + 1e-3).mean() > 0.9
    assert found.left_out_error < 0.05 < found.sd


def test_a_law_that_holds_keeps_its_own_sd():
    made, found = corrected(lambda rows: np.zeros(len(rows)), noise=0.003)
    above, sd = found.compare(RUNS, EVEN)
    alone, alone_sd = made.compare(RUNS, EVEN, WEIGHTS)
    assert above == pytest.approx(alone, abs=0.004)
    assert (alone_sd <= sd).all() and (sd < alone_sd + 0.012).all()
    assert (found.mean_sd(RUNS) < made.mean_sd(RUNS, WEIGHTS)).all()
    assert found.compare(EVEN, EVEN) == (pytest.approx(0), pytest.approx(0))


def test_processes_that_disagree_add_to_the_variance():
    _, found = corrected(missed, noise=0.02)
    tried = np.random.default_rng(3).dirichlet(np.ones(3), 20)
    above, sd = found.compare(tried, EVEN)
    weights = np.array([each.weight for each in found.processes])
    alone = [replace(found, processes=(replace(each, weight=1.0),)) for each in found.processes]
    means, sds = np.moveaxis([each.compare(tried, EVEN) for each in alone], 1, 0)
    assert above == pytest.approx(weights @ means)
    assert sd**2 == pytest.approx(weights @ (sds**2 + (means - above) ** 2))
    assert (sd**2 > 1.05 * (weights @ sds**2)).any()


@pytest.mark.parametrize("strength", [0.02, 0.5])
def test_a_pull_on_a_law_that_is_not_convex_leaves_no_better_mixture(strength):
    _, found = corrected(missed, noise=0.005)
    prior = np.array([0.7, 0.1, 0.2])
    best = minimize_law(found, prior=dict(zip(NAMES, prior.tolist(), strict=True)), strength=strength)
    rows = np.vstack([list(best.values()), np.random.default_rng(4).dirichlet(np.ones(3), 2000)])
    total = found.predict(rows).mean(axis=1) + strength * (rows * np.log(rows / prior)).sum(axis=1)
    assert total[0] < total.min() + 1e-4


@pytest.mark.parametrize(("time", "least", "most"), [(0.05, 0.0, 1e-6), (0.5, 0.01, 0.5), (1.0, 0.5, 1.2)])
def test_the_less_carries_over_the_shorter_the_runs_were(time, least, most):
    made, found = corrected(missed, time=time)
    code = np.array([0.1, 0.8, 0.1])
    moved = found.compare(code, EVEN)[0][0] - made.compare(code, EVEN, WEIGHTS)[0][0]
    assert least <= moved / float(missed(code[None])[0] - missed(EVEN[None])[0]) <= most


def test_what_the_law_is_off_for_all_runs_alike_is_known_where_it_carries_over():
    off = 0.1
    for time, knows in ((1.0, True), (0.05, False)):
        made, found = corrected(lambda rows: np.full(len(rows), off), time=time, noise=0.003)
        moved = (found.predict(RUNS) - made.predict(RUNS)).mean(axis=1)
        assert moved == pytest.approx(off if knows else 0.0, abs=0.01)
        assert (found.mean_sd(RUNS) < 0.02).all() == knows
        assert (found.mean_sd(RUNS) >= made.mean_sd(RUNS, WEIGHTS) - 1e-6).all() != knows
        assert found.compare(RUNS, EVEN)[0] == pytest.approx(made.compare(RUNS, EVEN, WEIGHTS)[0], abs=0.01)
