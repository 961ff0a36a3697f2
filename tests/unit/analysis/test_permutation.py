"""The permutation test and Holm's correction."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest, ttest_1samp

from emulsion.analysis import permutation
from emulsion.analysis.permutation import enough_permutations, holm, holm_by_name, sign_flip_p

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(P_VALUES)
def test_holm_keeps_the_order_and_only_ever_raises_a_p_value(p: list[float]) -> None:
    adjusted = holm(p)
    assert (adjusted >= np.array(p)).all() and (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


@given(P_VALUES, st.sampled_from([0.01, 0.05, 0.2]))
def test_holm_rejects_what_its_step_down_procedure_rejects(p: list[float], alpha: float) -> None:
    rejected = set()
    for rank, index in enumerate(np.argsort(p, kind="stable").tolist()):
        if p[index] * (len(p) - rank) >= alpha:
            break
        rejected.add(index)
    assert rejected == set(np.flatnonzero(holm(p) < alpha).tolist())


@given(P_VALUES, st.randoms())
def test_holm_does_not_depend_on_the_order_of_the_tests(p: list[float], random) -> None:
    order = list(range(len(p)))
    random.shuffle(order)
    np.testing.assert_array_equal(np.sort(holm(p)), np.sort(holm([p[i] for i in order])))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm_by_name({"b": 0.01, "a": 0.5}) == {"b": 0.02, "a": 0.5}
    assert holm([]).size == 0


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=9))
def test_the_p_value_is_the_share_of_sign_patterns_as_extreme(differences: list[int]) -> None:
    d = np.array(differences, float)
    sums = [abs(np.dot(signs, d)) for signs in itertools.product((-1, 1), repeat=len(d))]
    exact = np.mean(np.array(sums) >= abs(d.sum()) - 1e-9)
    weights = np.full(len(d), 1 / len(d))
    found = sign_flip_p(d[:, None], weights, 20_000, np.random.default_rng(0))[0]
    assert found == pytest.approx(exact, abs=0.02)


def test_p_values_are_uniform_where_there_is_no_difference() -> None:
    rng = np.random.default_rng(0)
    differences = rng.normal(size=(60, 400))
    p = sign_flip_p(differences, np.full(60, 1 / 60), 4000, rng)
    assert kstest(p, "uniform").pvalue > 0.01
    assert 0.02 < (p < 0.05).mean() < 0.09


def test_p_values_agree_with_the_t_test_on_normal_differences() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal(0.2, 1, size=(200, 20))
    found = sign_flip_p(differences, np.full(200, 1 / 200), 20_000, rng)
    np.testing.assert_allclose(found, ttest_1samp(differences, 0).pvalue, atol=0.02)


def test_no_difference_at_all_is_a_p_value_of_one() -> None:
    assert sign_flip_p(np.zeros((5, 1)), np.full(5, 0.2), 500, np.random.default_rng(0))[0] == 1


def test_a_p_value_is_never_zero_however_large_the_difference() -> None:
    assert sign_flip_p(np.ones((50, 1)), np.full(50, 0.02), 199, np.random.default_rng(0))[0] == 1 / 200


def test_noise_added_to_the_flips_raises_the_p_value() -> None:
    differences, weights = np.full((100, 1), 0.1), np.full(100, 0.01)
    rng = np.random.default_rng(0)
    plain = sign_flip_p(differences, weights, 4000, np.random.default_rng(0))[0]
    noisy = sign_flip_p(differences, weights, 4000, np.random.default_rng(0), rng.normal(0, 0.1, (4000, 1)))[0]
    assert plain < 0.001
    assert noisy == pytest.approx(0.32, abs=0.04)  # one standard deviation, two-sided


def test_flips_in_blocks_are_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(permutation, "_BLOCK", 64)
    p = sign_flip_p(np.ones((10, 1)), np.full(10, 0.1), 101, np.random.default_rng(0))
    assert p[0] * 102 == pytest.approx(round(p[0] * 102))
    assert p[0] < 0.06


def test_permutations_suffice_for_the_smallest_p_value_to_survive_holm() -> None:
    count = enough_permutations(300, 0.05, 1000)
    assert 300 / (count + 1) < 0.05
    assert enough_permutations(3, 0.05, 1000) == 1000
