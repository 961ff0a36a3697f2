"""DoGE: its formula by brute force, from products or from their sums."""

import math

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.laws.law import TOTAL
from emulsion.methods import registry
from method_cases import NAMES, observation


def test_doge_is_its_formula_by_brute_force():
    random, names, lr, mu = np.random.default_rng(3), ["a", "b", "c"], 5e-4, 0.01
    method = registry.create("doge", sources=names)
    weights = np.full(3, 1 / 3)
    for _ in range(5):
        gradients = random.normal(size=(3, 10)) + 0.3
        table = {i: {j: float(gradients[a] @ gradients[b]) for b, j in enumerate(names)} for a, i in enumerate(names)}
        norm = sum(math.sqrt(sum(x * x for x in gradients[j])) for j in range(3)) / 3
        for j in range(3):
            score = lr * sum(float(gradients[i] @ gradients[j]) for i in range(3)) / (norm + 1e-6)
            weights[j] *= math.exp(min(max(score, 0.0), 5 * lr) / mu)
        weights = weights / weights.sum()
        mixture = method.update(observation(0, names=names, gradients=table))
        assert list(mixture.values()) == pytest.approx(weights.tolist())
        assert method.effects == table


def test_doge_needs_the_sums_of_products_alone_and_the_norms():
    table = observation(3).gradients
    sums = {trained: math.fsum(table[evaluated][trained] for evaluated in NAMES) for trained in NAMES}
    norms = {name: math.sqrt(max(table[name][name], 0.0)) for name in NAMES}
    whole, summed = (registry.create("doge", sources=NAMES) for _ in range(2))
    expected = whole.update(observation(3))
    assert summed.update(observation(3, gradients={TOTAL: sums}, norms=norms)) == pytest.approx(expected)
    assert summed.effects == {TOTAL: pytest.approx(sums)}
    with pytest.raises(UserError, match="observes norms, but was given none"):
        summed.update(observation(3, gradients={TOTAL: sums}))


def test_doge_smooths_every_mixture_towards_the_uniform_one():
    plain, smoothed = (
        registry.create("doge", sources=NAMES, smoothing=share).update(observation(3)) for share in (0.0, 0.2)
    )
    assert smoothed == pytest.approx({name: 0.8 * plain[name] + 0.2 / len(NAMES) for name in NAMES})
    assert len(set(plain.values())) > 1


def test_doge_cuts_harm_and_scores_an_absent_source_0():
    names = ["a", "b", "c"]
    harm = {i: {"a": 1.0, "b": -9.0} for i in names}
    mixture = registry.create("doge", sources=names).update(observation(0, names=names, gradients=harm))
    assert mixture["a"] > mixture["b"] == mixture["c"]
