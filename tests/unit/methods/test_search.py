"""Differential evolution on normalised weights: it finds known optima, keeps bounds, and does not train twice."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.errors import UserError
from emulsion.methods import Pull, search
from emulsion.mixture import Mixture

SOURCES = ["a", "b", "c", "d"]


def towards(target):
    return lambda mixture: -sum((mixture[source] - weight) ** 2 for source, weight in target.items())


def test_an_optimum_inside_the_bounds_is_found():
    target = {"a": 0.15, "b": 0.45, "c": 0.3, "d": 0.1}
    found = search(towards(target), sources=SOURCES, bounds=(0.1, 0.6), seed=0)
    assert dict(found.mixture) == pytest.approx(target, abs=5e-3)
    assert isinstance(found.mixture, Mixture) and found.score == towards(target)(found.mixture)


def test_an_optimum_outside_the_bounds_is_met_at_the_bound():
    found = search(lambda mixture: mixture["a"], sources=SOURCES, bounds=(0.1, 0.6), seed=3)
    assert found.mixture["a"] == pytest.approx(0.6, abs=1e-3)
    # Normalising raw weights of (0.1, 0.6) afterwards would reach .6 / .9 and break the bound.
    assert found.mixture["a"] <= 0.6 and min(found.mixture.values()) >= 0.1 - 1e-12


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 7), st.integers(0, 10**6), st.floats(0, 0.12), st.floats(0.6, 1.0), st.floats(0.15, 1.0))
def test_every_mixture_ever_evaluated_keeps_bounds_caps_and_sum(m, seed, low, high, cap):
    sources = [f"s{j}" for j in range(m)]
    if m == 1:
        high = 1.0
    caps = {"s0": cap} if m > 2 else {}
    slope = np.random.default_rng(seed).normal(size=m)
    found = search(
        lambda mixture: float(slope @ list(mixture.values())), sources, (low, high), seed, caps=caps, generations=4
    )
    for mixture in [found.mixture, *(entry["mixture"] for entry in found.history)]:
        assert list(mixture) == sources and abs(math.fsum(mixture.values()) - 1) <= 1e-12
        assert all(low - 1e-12 <= weight <= high + 1e-12 for weight in mixture.values())
        assert mixture["s0"] <= caps.get("s0", 1.0) + 1e-12


def test_bounds_may_differ_by_source():
    bounds = {"a": (0.3, 0.5), "b": (0.0, 0.05)}
    found = search(lambda mixture: mixture["b"] + mixture["a"], SOURCES, bounds)
    assert 0.3 <= found.mixture["a"] <= 0.5 and found.mixture["b"] <= 0.05
    assert found.score == pytest.approx(0.55, abs=2e-3)


def test_no_mixture_is_evaluated_twice_and_history_has_every_evaluation():
    asked = []

    def objective(mixture):
        asked.append(tuple(round(weight, 6) for weight in mixture.values()))
        return -abs(mixture["a"] - 0.3)

    found = search(objective, ["a", "b"], seed=1, generations=60, tolerance=0.0)
    assert len(asked) == len(set(asked)) == len(found.history)
    assert [entry["score"] for entry in found.history] == [-abs(entry["mixture"]["a"] - 0.3) for entry in found.history]
    assert found.score == max(entry["score"] for entry in found.history)


def test_a_coarser_memory_evaluates_less():
    counts = [len(search(lambda m: -((m["a"] - 0.3) ** 2), ["a", "b"], digits=digits).history) for digits in (2, 6)]
    assert counts[0] <= 51 and counts[0] < counts[1]


def test_no_more_evaluations_than_allowed():
    found = search(towards({"a": 0.4}), SOURCES, evaluations=17)
    assert len(found.history) == 17
    assert found.score == max(entry["score"] for entry in found.history)
    with pytest.raises(UserError, match="0 evaluations"):
        search(towards({"a": 0.4}), SOURCES, evaluations=0)


def test_a_large_mean_score_does_not_stop_the_search():
    """scipy's relative tolerance would: a spread of .03 about 100 is little to it."""
    found = search(lambda mixture: 100 - 0.1 * (mixture["a"] - 0.25) ** 2, ["a", "b", "c"], generations=60)
    assert found.mixture["a"] == pytest.approx(0.25, abs=0.02)


def test_the_same_seed_gives_the_same_search():
    first, second, other = (
        search(towards({"a": 0.2}), SOURCES, seed=seed, generations=3).history for seed in (1, 1, 2)
    )
    assert first == second != other


def test_a_pull_draws_the_optimum_to_the_prior():
    prior = Mixture({"a": 1, "b": 2, "c": 3, "d": 4})
    free, pulled, held = (
        search(lambda m: m["a"], SOURCES, (0.05, 0.8), pull=Pull(strength, prior)) for strength in (0.0, 0.5, 50.0)
    )
    assert free.mixture["a"] == pytest.approx(0.8, abs=1e-2)
    assert dict(held.mixture) == pytest.approx(dict(prior), abs=2e-2)
    # max p_a - s KL(p || q) has the solution p ~ q exp(p_a's slope / s): a's odds grow by exp(2).
    odds = 0.1 / 0.9 * math.exp(2)
    assert pulled.mixture["a"] == pytest.approx(odds / (1 + odds), abs=1e-2)
    assert pulled.score == pulled.mixture["a"]


def test_a_pull_to_a_prior_without_a_source_is_refused():
    with pytest.raises(UserError, match="every source a weight above 0"):
        search(lambda m: m["a"], ["a", "b"], pull=Pull(1.0, Mixture({"a": 1.0, "b": 0.0})))


def test_a_score_that_is_no_number_names_the_mixture():
    with pytest.raises(UserError, match=r"gave nan for Mixture\(\{'a'"):
        search(lambda m: math.nan, ["a", "b"])
