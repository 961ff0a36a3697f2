"""Aioli: linear worlds recovered from what was drawn, and its steps by hand."""

import math

import numpy as np
import pytest

from emulsion.methods import registry
from emulsion.methods.aioli import learn_diagonal, learn_effects
from method_cases import NAMES, observation


@pytest.mark.parametrize("m", range(2, 10))
@pytest.mark.parametrize("batch", [1, 3, 8, 64])
def test_aioli_recovers_a_linear_world_from_what_was_drawn(m, batch):
    random = np.random.default_rng(100 * m + batch)
    names = [f"s{index}" for index in range(m)]
    truth, losses = random.normal(size=(m, m)), random.uniform(2, 4, m)
    method = registry.create("aioli", sources=names)
    probes = []
    for mixture in method.probe_mixtures():
        counts = random.multinomial(batch, list(mixture.values()))  # leaves sources out, as small batches do
        after = losses - truth @ (counts / batch)
        named = (dict(zip(names, values.tolist(), strict=True)) for values in (counts, losses, after))
        probes.append(dict(zip(("counts", "before", "after"), named, strict=True)))
        losses = after
    shares = np.array([list(probe["counts"].values()) for probe in probes]) / batch
    if np.linalg.matrix_rank(shares) < m:
        pytest.skip("the draws of this seed do not tell sources apart")
    method.update(observation(0, names=names, probes=probes))
    assert np.array([[method.effects[i][j] for j in names] for i in names]) == pytest.approx(truth, abs=1e-9)


def test_every_sweep_probes_each_source_once_and_spreads_epsilon_over_all():
    method = registry.create("aioli", sources=NAMES, sweeps=2, epsilon=0.6)
    probes = [list(mixture.values()) for mixture in method.probe_mixtures()]
    expected = sorted((0.15 + 0.4 * np.eye(4)).tolist())
    for sweep in (probes[:4], probes[4:]):
        np.testing.assert_allclose(sorted(sweep), expected)


def test_aioli_takes_a_source_that_no_probe_drew_for_an_average_one():
    shares = np.array([[0.8, 0.2, 0.0], [0.2, 0.8, 0.0], [0.5, 0.5, 0.0]])
    effects = learn_effects(shares, shares @ np.array([[1.0, 3.0, 7.0], [2.0, 0.0, 7.0], [4.0, 4.0, 7.0]]).T)
    assert effects == pytest.approx(np.array([[1, 3, 2], [2, 0, 1], [4, 4, 4]]), abs=1e-12)


def _probes(truth, shares, names):
    start = dict.fromkeys(names, 3.0)
    return [
        {
            "counts": dict(zip(names, (share * 40).tolist(), strict=True)),
            "before": start,
            "after": {name: 3.0 - truth[i] @ share for i, name in enumerate(names)},
        }
        for share in shares
    ]


def test_aioli_steps_by_hand_and_its_average_restarts_or_accumulates():
    names, truth = ["a", "b"], np.array([[0.3, 0.1], [0.0, 0.1]])  # column sums .6 and .4 of their sum
    seen = observation(0, names=names, probes=_probes(truth, np.array([[0.75, 0.25], [0.25, 0.75]]), names))
    odds = {}
    for name, settings in (
        ("none", {}),
        ("restart", {"decay": 0.5}),
        ("cumulative", {"decay": 0.5, "average": "cumulative"}),
    ):
        method = registry.create("aioli", sources=names, eta=0.2, **settings)
        odds[name] = [math.log(mixture["a"] / mixture["b"]) for mixture in (method.update(seen), method.update(seen))]
    assert odds["none"] == pytest.approx([0.04, 0.08]) and odds["cumulative"] == pytest.approx([0.04, 0.08])
    assert odds["restart"] == pytest.approx([0.04, 0.04])


def test_aioli_diagonal_divides_each_fall_by_the_share_that_was_drawn():
    names, truth = ["a", "b"], np.diag([0.4, 0.1])
    seen = observation(0, names=names, probes=_probes(truth, np.array([[0.6, 0.4], [0.3, 0.7]]), names))
    method = registry.create("aioli", sources=names, diagonal=True)
    method.update(seen)
    assert method.effects["a"] == pytest.approx({"a": 0.4, "b": 0}) and method.effects["b"] == pytest.approx(
        {"a": 0, "b": 0.1}
    )


def test_the_diagonal_takes_all_probes_that_drew_most_of_a_source_by_what_they_drew():
    shares = np.array([[0.6, 0.4], [0.8, 0.2], [0.3, 0.7]])
    falls = np.array([[0.3, 0.5], [0.26, 0.5], [0.5, 0.14]])
    assert learn_diagonal(shares, falls) == pytest.approx(np.diag([0.56 / 1.4, 0.14 / 0.7]))
