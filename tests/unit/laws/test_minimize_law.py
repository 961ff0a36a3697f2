"""The optimum of a law: brute force where that is possible, a proof by duality where it is not."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from emulsion.errors import UserError
from emulsion.laws import DynamicLaw, StaticLaw, law_optimum, minimize_law
from emulsion.laws.gaussian import fit_gaussian_law
from emulsion.laws.linear import LinearLaw
from emulsion.laws.power_laws import fit_bimix_law
from emulsion.world.planted import KINDS, best_and_uniform, mean_loss, planted_law, planted_power_law


def grid(m, steps, low, high):
    """All mixtures of m sources in steps of 1 / steps that keep the bounds."""
    free = itertools.product(range(steps + 1), repeat=m - 1)
    rows = np.array([[*head, steps - sum(head)] for head in free if sum(head) <= steps]) / steps
    return rows[((rows >= low - 1e-12) & (rows <= high + 1e-12)).all(axis=1)]


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.1, 0.6)])
@pytest.mark.parametrize(("m", "steps"), [(2, 4000), (3, 400)])
def test_the_optimum_is_that_of_a_fine_grid(m, steps, bounds):
    for seed, kind in enumerate(KINDS):
        law = planted_law(m, seed, kind)
        best = minimize_law(law, bounds)
        rows = grid(m, steps, *bounds)
        losses = law.predict(rows).mean(axis=1)
        assert mean_loss(law, best) <= losses.min() + 1e-12
        assert np.abs(rows[losses.argmin()] - list(best.values())).max() < 2 / steps + 0.01
        assert all(bounds[0] <= weight <= bounds[1] for weight in best.values())


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10**6), st.sampled_from(KINDS), st.floats(0.0, 0.1), st.floats(0.35, 1.0))
def test_no_mixture_within_bounds_and_caps_is_better(m, seed, kind, low, high):
    law = planted_law(m, seed, kind)
    bounds, caps = (low, min(1.0, max(high, 1.5 / m))), {"s0": max(low, 0.6 / m)}
    best = minimize_law(law, bounds, caps=caps)
    weights = np.array(list(best.values()))
    assert abs(math.fsum(weights) - 1) <= 1e-12 and best["s0"] <= caps["s0"] + 1e-12
    assert (weights >= low - 1e-12).all() and (weights <= bounds[1] + 1e-12).all()
    # By convexity the loss of any q is at least f(p) + f'(p) (q - p); the least of that over q is a linear problem,
    # which its vertices solve: one source after another filled up, in the order of the slope.
    slope = -(law.A.T @ (law.b * np.exp(-law.A @ weights))) / len(law.groups)
    q = np.full(m, low)
    for j in np.argsort(slope):
        top = min(bounds[1], caps.get(f"s{j}", 1.0))
        q[j] += min(top - q[j], 1 - q.sum())
    assert slope @ (weights - q) <= 1e-7


@pytest.mark.parametrize("caps", [None, {"s0": 0.05, "s3": 0.1, "s8": 0.02}])
@pytest.mark.parametrize("strength", [0.0, 0.05])
def test_nine_sources_agree_with_a_convex_solver(caps, strength):
    for seed, kind in enumerate(KINDS):
        law = planted_law(9, seed, kind)
        found = law_optimum(law, (0.01, 0.6), caps=caps, strength=strength)
        high = [(caps or {}).get(source, 0.6) for source in law.sources]

        def total(p, law=law):
            return law.predict(p / p.sum()).mean() + strength * (p * np.log(9 * p)).sum()

        solver = minimize(
            total,
            np.minimum(np.full(9, 1 / 9), high),
            method="SLSQP",
            bounds=[(0.01, top) for top in high],
            constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
            options={"ftol": 1e-13, "maxiter": 500},
        )
        ours = np.array(list(found.mixture.values()))
        assert total(ours) <= solver.fun + 1e-9 and found.gap <= 1e-9
        assert np.abs(ours - solver.x).max() < 2e-3


@pytest.mark.parametrize("strength", [0.01, 1.0, 100.0])
def test_a_pull_to_a_prior_is_the_optimum_of_a_fine_grid(strength):
    law, prior = planted_law(2, 3), {"s0": 0.9, "s1": 0.1}
    first = np.linspace(1e-6, 1 - 1e-6, 20001)
    rows = np.column_stack([first, 1 - first])
    total = law.predict(rows).mean(axis=1) + strength * (rows * np.log(rows / [0.9, 0.1])).sum(axis=1)
    best = minimize_law(law, prior=prior, strength=strength)
    assert best["s0"] == pytest.approx(first[total.argmin()], abs=1e-4)


def test_a_pull_keeps_every_source_however_weak_the_law_finds_it():
    law = StaticLaw(("a", "b"), ("x",), np.array([[4.0, -4.0]]), np.ones(1), np.ones(1))
    assert minimize_law(law)["b"] == 0.0
    pulled = [minimize_law(law, strength=strength)["b"] for strength in (0.01, 0.1, 10.0)]
    assert 0 < pulled[0] < pulled[1] < pulled[2] < 0.5


@pytest.mark.parametrize(
    ("prior", "strength"), [({"s0": 1.0, "s1": 0.0}, 1.0), (None, -1.0), (None, np.nan), ({"s9": 1.0}, 1.0)]
)
def test_priors_that_make_no_sense_are_refused(prior, strength):
    with pytest.raises(UserError, match=r"prior|mixture"):
        minimize_law(planted_law(2, 0), prior=prior, strength=strength)


def test_linear_and_dynamic_laws_have_optima_too():
    names, effects = ("a", "b", "c"), np.array([[0.3, 0.1, 0.2], [0.0, 0.3, 0.2], [0.1, 0.0, 0.3]])
    linear = LinearLaw(names, names, -effects)
    dynamic = DynamicLaw(names, names, effects, np.full(3, 2.0))
    for law in (linear, dynamic):  # column sums .4, .4, .7
        best = minimize_law(law, (0.1, 0.6))
        assert best["c"] == 0.6 and sum(best.values()) == pytest.approx(1)
    curved = DynamicLaw(names, names, 8 * effects, np.full(3, 2.0), "log_linear")
    rows = grid(3, 200, 0.1, 0.6)
    assert mean_loss(curved, minimize_law(curved, (0.1, 0.6))) <= curved.predict(rows).mean(axis=1).min() + 1e-12


def test_the_optimum_says_how_far_it_lies_from_the_runs():
    law = StaticLaw(("a", "b"), ("x",), np.array([[2.0, -2.0]]), np.ones(1), np.ones(1))
    runs = np.array([[0.2, 0.8], [0.7, 0.3]])
    far, near = law_optimum(law, runs=runs), law_optimum(law, (0.3, 0.7), runs=runs)
    assert far.distance == pytest.approx(0.3) and near.distance == 0.0
    assert far.loss == pytest.approx(1 + np.exp(-2.0)) and law_optimum(law).distance is None


@pytest.mark.parametrize("bounds", [(0.0, 1.0), (0.1, 0.6)])
def test_the_optimum_of_a_gaussian_process_is_that_of_a_fine_grid(bounds):
    rows = np.random.default_rng(0).dirichlet(np.ones(3), 30)
    law = fit_gaussian_law(rows, 3 - 0.2 * np.log(rows + 2e-3) + rows[:, :1] ** 2)
    found = law_optimum(law, bounds)
    assert found.gap is None and found.loss <= law.predict(grid(3, 100, *bounds)).mean(axis=1).min() + 1e-9


def test_a_law_without_convex_form_or_slopes_is_refused():
    rows = np.random.default_rng(0).dirichlet(np.ones(2), 8)
    with pytest.raises(UserError, match="of a BiMixLaw neither a convex form nor slopes"):
        minimize_law(fit_bimix_law(rows, rows))
    with pytest.raises(UserError, match="b is below 0"):
        minimize_law(StaticLaw(("a", "b"), ("x",), np.eye(2)[:1], -np.ones(1), np.ones(1)))


def test_bounds_that_leave_one_mixture_are_answered_with_it():
    assert dict(minimize_law(planted_law(4, 0), (0.25, 1.0))) == dict.fromkeys(("s0", "s1", "s2", "s3"), 0.25)
    assert minimize_law(planted_law(2, 0), {"s0": (0.3, 0.3)})["s0"] == 0.3


def test_weights_by_name_choose_the_groups_that_count():
    law = planted_law(3, 0)
    best = minimize_law(law, weights={"s1": 1.0})
    assert best["s1"] > 0.9
    assert minimize_law(law, weights=[0.0, 1.0, 0.0]) == best


@pytest.mark.parametrize("weights", [{"s9": 1.0}, {"s0": -1.0}, [1.0, 2.0], [0.0, 0.0, 0.0], [np.nan, 1, 1]])
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(UserError, match="weights"):
        minimize_law(planted_law(3, 0), weights=weights)


def test_a_law_that_does_not_depend_on_the_mixture_gives_the_central_mixture():
    law = StaticLaw(("a", "b"), ("x",), np.zeros((1, 2)), np.ones(1), np.ones(1))
    assert dict(minimize_law(law)) == {"a": 0.5, "b": 0.5}
    assert dict(minimize_law(law, {"a": (0.7, 1.0)})) == pytest.approx({"a": 0.7, "b": 0.3})


def test_a_very_steep_law_has_a_finite_optimum():
    law = StaticLaw(("a", "b", "c"), ("x", "y"), np.array([[80.0, -40, -40], [-40, 80, -40]]), np.ones(2), np.ones(2))
    best = minimize_law(law)
    assert [best["a"], best["b"], best["c"]] == pytest.approx([0.5, 0.5, 0.0], abs=1e-6)


def test_the_planted_power_law_knows_its_optimum():
    law = planted_power_law(3, 0)
    _, best, uniform = best_and_uniform(law, (0.02, 0.6))
    brute = law.predict(grid(3, 300, 0.02, 0.6)).mean(axis=1).min()
    assert best <= brute + 1e-9 and best < uniform
