"""Noise of differences at equal seeds: what mixtures and seeds leave, and mixtures noisier than the others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from emulsion.analysis.loss_scores import loss_scores
from emulsion.analysis.noise import noise_of_differences, paired_noise
from emulsion.analysis.scores import Floats


def table(rng: np.random.Generator, mixtures: int, seeds: int) -> Floats:
    """Losses of runs [mixtures, seeds], which differ by their mixture, their seed and noise of .01."""
    return 2 + rng.normal(0, 1, (mixtures, 1)) + rng.normal(0, 0.1, (1, seeds)) + rng.normal(0, 0.01, (mixtures, seeds))


def residual_variance(runs: Floats) -> float:
    """That of the two-way layout, by least squares."""
    mixtures, seeds = runs.shape
    design = np.hstack([np.repeat(np.eye(mixtures), seeds, axis=0), np.tile(np.eye(seeds), (mixtures, 1))])
    found = np.linalg.lstsq(design, runs.ravel(), rcond=None)[0]
    return float(((runs.ravel() - design @ found) ** 2).sum() / ((mixtures - 1) * (seeds - 1)))


@pytest.mark.parametrize(("mixtures", "seeds"), [(2, 3), (4, 3), (9, 5)])
def test_paired_noise_is_what_mixtures_and_seeds_leave(mixtures: int, seeds: int) -> None:
    runs = table(np.random.default_rng(1), mixtures, seeds)
    found = paired_noise({"a": runs})
    assert not found.apart and found.paired
    assert found.run_sd["a"] ** 2 == pytest.approx(residual_variance(runs))
    assert found.df == found.freedom("a") == pytest.approx((mixtures - 1) * (seeds - 1))


def test_a_mixture_that_is_noisier_than_the_others_is_left_out_of_their_noise() -> None:
    runs = table(np.random.default_rng(1), 5, 3)
    wild = runs.copy()
    wild[2, 0] += 1
    found = paired_noise({"calm": runs, "wild": wild})
    assert found.apart == ("wild",)
    assert found.run_sd["wild"] ** 2 == pytest.approx(residual_variance(np.delete(runs, 2, axis=0)))
    assert (found.freedom("calm"), found.freedom("wild")) == pytest.approx((8, 6))


@pytest.mark.parametrize(("mixtures", "seeds"), [(3, 3), (6, 2), (6, 5)])
def test_mixtures_of_one_noise_are_told_apart_in_no_more_than_one_table_in_twenty(mixtures: int, seeds: int) -> None:
    rng = np.random.default_rng(0)
    false = sum(bool(paired_noise({"a": table(rng, mixtures, seeds)}).apart) for _ in range(300))
    assert false <= binom.ppf(0.99, 300, 0.05)


def test_a_single_mixture_of_several_seeds_has_noise_that_is_not_paired() -> None:
    rng, text = np.random.default_rng(0), {}
    for name, seeds in (("several", 3), ("once", 1)):
        runs = {seed: {"sources": {"a": {"sequence_losses": rng.normal(2, 0.1, 4).tolist()}}} for seed in range(seeds)}
        text[name] = loss_scores(runs)
    found = noise_of_differences(text)
    assert found is not None and (found.paired, found.df) == (False, 2)
