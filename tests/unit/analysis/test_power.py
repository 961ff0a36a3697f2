"""The minimum detectable effect: a formula, and that it predicts what the tests then find."""

from __future__ import annotations

import re

import numpy as np
import pytest

from emulsion.analysis.power import ITEM_SD, detectable_effects, detectable_losses, minimum_detectable_effect
from emulsion.report.plan_page import power_text


def test_by_hand() -> None:
    expected = (1.959964 + 0.841621) * 0.5 / np.sqrt(100)
    assert minimum_detectable_effect(100) == pytest.approx(expected, rel=1e-5)


def test_capabilities_of_equal_size_are_as_good_as_one_of_all_items() -> None:
    assert minimum_detectable_effect({"a": 100, "b": 100}) == pytest.approx(minimum_detectable_effect(200))
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
    alone = np.sqrt(ITEM_SD**2 / 100 * 0.5 / 2)  # of a run, whose items are half of a difference
    assert minimum_detectable_effect(100, 3, seed_noise_sd=alone) == pytest.approx(minimum_detectable_effect(100, 3))
    expected = (1.959964 + 0.841621) * np.sqrt(0.5 * ITEM_SD**2 / 100 + 2 * 0.05**2 / 3)
    assert minimum_detectable_effect(100, 3, seed_noise_sd=0.05) == pytest.approx(expected, rel=1e-5)


def test_an_effect_of_that_size_is_found_four_times_in_five() -> None:
    rng, effect, items = np.random.default_rng(0), minimum_detectable_effect(200), 200
    differences = rng.normal(effect, ITEM_SD, (4000, items))
    z = differences.mean(axis=1) / (differences.std(axis=1, ddof=1) / np.sqrt(items))
    assert (np.abs(z) > 1.96).mean() == pytest.approx(0.8, abs=0.02)


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
    settled = minimum_detectable_effect(200, 3, seed_noise_sd=0.03)
    assert minimum_detectable_effect(200, 3, seed_noise_sd=0.03, df=4) > 1.2 * settled


def test_the_noise_of_a_mean_loss_falls_with_the_sources_that_weigh_in_it() -> None:
    sequences = dict.fromkeys("abcd", 10**9)
    alike, one = (detectable_losses(sequences, 3, 3, weights=weights) for weights in (None, {"a": 2.0}))
    assert alike["assumptions"]["seed_noise"]["mean"] == pytest.approx(0.007, abs=1e-4)
    assert alike["mean"] < one["mean"] == pytest.approx(one["sources"]["a"])
    measured = detectable_losses(sequences, 3, 3, weights={"a": 1.0}, seed_noise={"mean": 0.002})
    assert measured["mean"] < one["mean"] and "0.002 nats in the mean, measured" in measured["text"]


def test_what_is_alike_for_all_sources_or_capabilities_is_said_once() -> None:
    for alike in (detectable_losses({"a": 60, "b": 60}, 3, 3), detectable_effects({"a": 100, "b": 100}, 3, 3)):
        assert re.search(r"and \d\.\d{3} (nats on one source|in one capability) are found", alike["text"])
        assert power_text(alike) == alike["text"]
    apart = power_text(detectable_effects({"a": 200, "b": 50}, 3, 3))
    assert re.search(r"\d to \d.* in one capability are found.* By capability: a \d\.\d{3}, b ", apart)
