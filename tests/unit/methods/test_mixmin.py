"""MixMin: against exponentiated gradient descent, its bounds, its weights, and what it misses."""

from dataclasses import replace

import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.methods import registry
from method_cases import NAMES, evidence


def mixed_likelihood(given, weights, names=NAMES):
    """Mean over sources and sequences of -log of the probability under the mixed models, by the definition."""
    total = 0.0
    for evaluated in names:
        rows = np.array([given.sequence_losses[f"alone {trained}"][evaluated] for trained in names])
        total -= np.log(np.array([weights[name] for name in names]) @ np.exp(-rows)).mean() / len(names)
    return total


def sequences(seed, count=30):
    random = np.random.default_rng(seed)
    return {f"alone {name}": {other: random.gamma(4.0, 0.5, count).tolist() for other in NAMES} for name in NAMES}


@pytest.mark.parametrize("seed", range(4))
def test_mixmin_finds_what_exponentiated_gradient_descent_finds(seed):
    given = replace(evidence(), sequence_losses=sequences(seed), tokens=0)
    method = registry.create("mixmin", sources=NAMES)
    [(_, mixture)] = method.propose(given)
    probabilities = np.exp(
        -np.array([np.concatenate(list(given.sequence_losses[f"alone {name}"].values())) for name in NAMES])
    )
    weights = np.full(4, 0.25)
    for _ in range(3000):  # the authors' rate of 1
        slope = -(probabilities / (weights @ probabilities)).mean(axis=1)
        weights = weights * np.exp(-slope)
        weights /= weights.sum()
    # Each iterate is a mixture, so none is better; the last is close.
    found, descended = mixed_likelihood(given, mixture), mixed_likelihood(given, dict(zip(NAMES, weights, strict=True)))
    assert found <= descended + 1e-9
    assert found == pytest.approx(descended, abs=1e-4)
    assert np.mean(list(method.record["mixed_losses"].values())) == pytest.approx(found)
    assert method.record["gap"] < 1e-9


def test_mixmin_keeps_bounds_and_weighs_the_sources_of_its_objective():
    given = replace(evidence(), sequence_losses=sequences(7), tokens=0)
    [(_, bounded)] = registry.create("mixmin", sources=NAMES, bounds=[0.2, 0.4]).propose(given)
    assert min(bounded.values()) >= 0.2 and max(bounded.values()) <= 0.4
    own = {f"alone {name}": {other: [1.0 if other == name else 4.0] * 3 for other in NAMES} for name in NAMES}
    chosen = registry.create("mixmin", sources=NAMES, objective={"losses": {"code": 3, "math": 1}})
    [(_, mixture)] = chosen.propose(replace(given, sequence_losses=own))
    # Nearly separate models: each source gets the share of the text that only it explains.
    assert mixture["code"] == pytest.approx(0.75, abs=0.05) and mixture["math"] == pytest.approx(0.25, abs=0.05)
    assert mixture["web"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("apart", [0.0, 1e-14, 1e-12, 1e-9, 1e-6])
@pytest.mark.parametrize("bounds", [None, {"web": [0.1, 0.1]}])
def test_models_that_are_alike_have_a_mixture_too(bounds, apart):
    alike = {
        f"alone {name}": {other: [3.0 + apart * place, 2.0] for other in NAMES} for place, name in enumerate(NAMES)
    }
    method = registry.create("mixmin", sources=NAMES, bounds=bounds)
    [(_, mixture)] = method.propose(replace(evidence(), sequence_losses=alike, tokens=0))
    assert sum(mixture.values()) == pytest.approx(1.0) and method.record["gap"] < 1e-9
    free = [name for name in NAMES if not bounds or name not in bounds]
    if apart < 1e-12:  # nothing tells them apart
        assert [mixture[name] for name in free] == pytest.approx(
            [sum(mixture[name] for name in free) / len(free)] * len(free)
        )


def test_mixmin_takes_the_mean_of_runs_on_one_source_and_leaves_others_out():
    first, second = sequences(1), sequences(2)
    mean = {run: {name: np.mean([first[run][name], second[run][name]], axis=0) for name in NAMES} for run in first}
    given = replace(evidence(), sequence_losses=mean, tokens=0)
    [(_, expected)] = registry.create("mixmin", sources=NAMES).propose(given)
    again = {f"{run} again": run for run in first}
    both = replace(
        given,
        mixtures={**given.mixtures, **{other: given.mixtures[run] for other, run in again.items()}},
        losses={**given.losses, **{other: given.losses[run] for other, run in again.items()}},
        sequence_losses={**first, **{other: second[run] for other, run in again.items()}, "run 0": first["alone web"]},
    )
    [(_, mixture)] = registry.create("mixmin", sources=NAMES).propose(both)
    assert dict(mixture) == pytest.approx(dict(expected), abs=1e-6)


def test_mixmin_refuses_an_objective_of_capabilities():
    with pytest.raises(UserError, match="objective: it is of losses"):
        registry.create("mixmin", sources=NAMES, objective="mean_capability")
    registry.create("mixmin", sources=NAMES, objective={"losses": {"code": 1}, "capabilities": {"recall": 0}})


def test_mixmin_says_whose_sequences_are_missing():
    given = evidence()
    losses = {run: seen for run, seen in given.sequence_losses.items() if run != "alone books"}
    with pytest.raises(UserError, match="of a run on 'books' alone, and there are none"):
        registry.create("mixmin", sources=NAMES).propose(replace(given, sequence_losses=losses))
