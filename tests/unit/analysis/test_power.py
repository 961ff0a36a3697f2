"""The minimum detectable effect: a formula, and that it predicts what the tests then find."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from emulsion.analysis.compare import ALPHA, compare_pair
from emulsion.analysis.noise import noise_of_differences
from emulsion.analysis.power import (
    ITEM_SD,
    SEQUENCE_SD,
    detectable_effects,
    detectable_losses,
    minimum_detectable_effect,
)
from emulsion.analysis.scores import ItemScores
from emulsion.report.plan_page import power_text


def test_by_hand() -> None:
    expected = (1.959964 + 0.841621) * 0.5 / np.sqrt(10**6)
    assert minimum_detectable_effect(10**6) == pytest.approx(expected, rel=1e-4)


def test_capabilities_of_equal_size_are_as_good_as_one_of_all_items() -> None:
    assert minimum_detectable_effect({"a": 100, "b": 100}) == pytest.approx(minimum_detectable_effect(200), rel=0.02)
    assert minimum_detectable_effect({"a": 10, "b": 190}) > minimum_detectable_effect(200)


def test_more_items_and_seeds_see_less_and_more_comparisons_need_more() -> None:
    base = minimum_detectable_effect(100, 1, seed_noise_sd=0.02)
    assert minimum_detectable_effect(400, 1, seed_noise_sd=0.02) < base
    assert minimum_detectable_effect(100, 3, seed_noise_sd=0.02) < base
    assert minimum_detectable_effect(100, 1, seed_noise_sd=0.02, comparisons=9) > base
    assert minimum_detectable_effect(100, 1, seed_noise_sd=0.04) > base


def test_seed_noise_is_a_floor_that_items_do_not_lower() -> None:
    floor = (1.959964 + 0.841621) * 0.02 * np.sqrt(2)
    assert minimum_detectable_effect(10**9, 1, seed_noise_sd=0.02) == pytest.approx(floor, rel=1e-3)


def test_what_items_vary_by_themselves_between_seeds_is_a_part_of_seed_noise() -> None:
    alone = np.sqrt(ITEM_SD**2 / 1000 * 0.5 / 2)  # of a run, whose items are half of a difference
    assert minimum_detectable_effect(1000, 3, seed_noise_sd=alone) == pytest.approx(
        minimum_detectable_effect(1000, 3), rel=0.01
    )
    expected = (1.959964 + 0.841621) * np.sqrt(0.5 * ITEM_SD**2 / 1000 + 2 * 0.05**2 / 3)
    assert minimum_detectable_effect(1000, 3, seed_noise_sd=0.05) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(("mixtures", "seeds", "items"), [(2, 3, 200), (6, 3, 30), (3, 2, 200)])
def test_an_effect_of_scores_of_that_size_is_found_four_times_in_five(mixtures: int, seeds: int, items: int) -> None:
    rng, each = np.random.default_rng(0), ITEM_SD / 2  # an item has a quarter of what a pair's difference varies by
    common = 0.02
    noise = np.hypot(common, each / np.sqrt(items))
    effect = detectable_effects({"a": items}, seeds, mixtures, seed_noise={"a": noise})["capabilities"]["a"]

    def scores(shift: float) -> ItemScores:
        own = rng.normal(0, each, items) + rng.normal(0, each, (seeds, items))
        return made_of(shift + own + rng.normal(0, common, (seeds, 1)), lower=False)

    assert found(scores, effect, mixtures) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize(("mixtures", "seeds", "sequences"), [(6, 2, 20), (2, 3, 10), (4, 3, 200)])
def test_an_effect_of_losses_of_that_size_is_found_four_times_in_five(
    mixtures: int, seeds: int, sequences: int
) -> None:
    rng = np.random.default_rng(1)
    planned = detectable_losses({"a": sequences}, seeds, mixtures)
    noise = planned["assumptions"]["seed_noise"]["a"]

    def losses(shift: float) -> ItemScores:
        own = rng.normal(0, SEQUENCE_SD / np.sqrt(2), sequences)
        return made_of(3 - shift + own + rng.normal(0, noise, (seeds, 1)), lower=True)

    assert found(losses, planned["sources"]["a"], mixtures) == pytest.approx(0.8, abs=0.08)


def made_of(values: NDArray[np.float64], *, lower: bool) -> ItemScores:
    seeds, count = values.shape
    items = {"a": tuple(("a", str(number)) for number in range(count))}
    return ItemScores(seeds=tuple(range(seeds)), items=items, values={"a": values}, chance={"a": None}, lower=lower)


def found(scores: Callable[[float], ItemScores], effect: float, mixtures: int, repetitions: int = 300) -> float:
    """How often a better mixture is told from another one, at the level of the first of Holm's tests."""
    hits = 0
    for _ in range(repetitions):
        made = {f"m{number}": scores(effect if number == 0 else 0.0) for number in range(mixtures)}
        cell = compare_pair(made["m0"], made["m1"], "a", noise_of_differences(made))
        better = cell["difference"] < 0 if made["m0"].lower else cell["difference"] > 0
        hits += better and cell["p"] < ALPHA / (mixtures - 1)
    return hits / repetitions


def test_the_plan_says_what_can_be_seen_and_on_what_assumptions() -> None:
    found = detectable_effects({"a": 200, "b": 50}, seeds=2, mixtures=6, seed_noise={"mean": 0.01})
    assert found["assumptions"]["comparisons"] == 5
    assert found["capabilities"]["b"] > found["capabilities"]["a"]
    assert (
        f"{found['mean']:.3f}" in found["text"] and "seed noise of 0.010 in the mean score, measured" in found["text"]
    )
    assert "that of the demonstration" in detectable_effects({"a": 200}, 2, 6)["text"]


def test_what_cannot_be_seen_is_said_to_be_undetectable() -> None:
    one = detectable_effects({"a": 200}, seeds=1, mixtures=6)
    assert one["mean"] is None and "no difference between mixtures is detectable" in one["text"]
    few = detectable_effects({"a": 1}, seeds=2, mixtures=2)
    assert few["mean"] is None and "the items are too few" in few["text"]
    alone = detectable_effects({"a": 200}, seeds=3, mixtures=1)
    assert alone["text"].startswith(
        "With 200 items, 3 seeds and 1 mixture, no difference between mixtures is detectable"
    )
    assert alone["mean"] is None and alone["text"].endswith(": there is nothing to compare.")
    some = detectable_effects({"a": 1, "b": 1000, "c": 1000}, seeds=3, mixtures=3)["text"]
    assert "in the mean score and" in some and some.endswith("None are found in a.") and "undetectable" not in some


def test_noise_estimated_from_few_runs_needs_larger_effects() -> None:
    settled = minimum_detectable_effect(200, 3, seed_noise_sd=0.04)
    assert minimum_detectable_effect(200, 3, seed_noise_sd=0.04, df=4) > 1.2 * settled


def test_where_the_choice_of_items_is_most_of_the_noise_few_runs_cost_little() -> None:
    settled = minimum_detectable_effect(200, 3, seed_noise_sd=0.02)
    assert settled < minimum_detectable_effect(200, 3, seed_noise_sd=0.02, df=4) < 1.1 * settled


def test_the_noise_of_a_mean_loss_falls_with_the_sources_that_weigh_in_it() -> None:
    sequences = dict.fromkeys("abcd", 10**9)
    alike, one = (detectable_losses(sequences, 3, 3, weights=weights) for weights in (None, {"a": 2.0}))
    assert alike["assumptions"]["seed_noise"]["mean"] == pytest.approx(0.0088, abs=1e-4)
    assert alike["mean"] < one["mean"] == pytest.approx(one["sources"]["a"])
    measured = detectable_losses(sequences, 3, 3, weights={"a": 1.0}, seed_noise={"mean": 0.002})
    assert measured["mean"] < one["mean"] and "0.002 nats in the mean, measured" in measured["text"]


def test_what_is_alike_for_all_sources_or_capabilities_is_said_once() -> None:
    for alike in (detectable_losses({"a": 60, "b": 60}, 3, 3), detectable_effects({"a": 100, "b": 100}, 3, 3)):
        assert re.search(r"and \d\.\d{3} (nats on one source|in one capability) are found", alike["text"])
        assert power_text(alike) == alike["text"]
    apart = power_text(detectable_effects({"a": 200, "b": 50}, 3, 3))
    assert re.search(r"\d to \d.* in one capability are found.* By capability: a \d\.\d{3}, b ", apart)
