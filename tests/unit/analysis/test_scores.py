"""Scores of several seeds: the right numbers from the right items, and intervals that hold what they promise."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from analysis_cases import CAPABILITIES, EQUAL, capabilities, trained
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise
from emulsion.analysis.null import World
from emulsion.analysis.scores import MEAN, all_item_scores, item_scores
from emulsion.analysis.summary import combine
from emulsion.errors import UserError
from emulsion.figures.score_cells import capability_scores

A = capabilities({"reasoning": np.array([1.0, 0.0, 1.0, 1.0]), "code": np.array([0.0, 1.0])})
B = capabilities({"reasoning": np.array([0.0, 0.0, 1.0, 0.0]), "code": np.array([1.0, 1.0])})


def test_scores_are_means_over_items_then_seeds_and_capabilities_weigh_the_same() -> None:
    scores = item_scores({1: B, 0: A})
    assert scores.seeds == (0, 1)
    assert scores.run_scores("reasoning").tolist() == [0.75, 0.25]
    assert scores.run_scores(MEAN).tolist() == [0.625, 0.625]
    assert scores.score("code") == 0.75


def test_items_are_matched_by_name_whatever_their_order_in_the_file() -> None:
    shuffled = copy.deepcopy(A)
    shuffled["items"] = shuffled["items"][::-1]
    assert np.array_equal(item_scores({0: A}).values["reasoning"], item_scores({0: shuffled}).values["reasoning"])


def test_runs_asked_other_items_are_refused_by_name() -> None:
    other = copy.deepcopy(B)
    other["items"][0]["id"] = "another"
    with pytest.raises(UserError, match=r"seed 1: capability 'reasoning'"):
        item_scores({0: A, 1: other})
    with pytest.raises(UserError, match=r"mixture 'b': capability 'reasoning'"):
        all_item_scores({"a": {0: A}, "b": {0: other}})


def test_an_item_scored_twice_is_refused() -> None:
    twice = {**A, "items": [*A["items"], A["items"][0]]}
    with pytest.raises(UserError, match="'reasoning-0' of suite 'world' is scored twice"):
        item_scores({0: twice})


def test_nothing_to_analyse_is_an_error() -> None:
    with pytest.raises(UserError, match="no runs"):
        item_scores({})
    with pytest.raises(UserError, match="no 'items'"):
        item_scores({0: {"capabilities": {}}})


def test_the_summary_is_read_by_the_figures_of_single_runs() -> None:
    summary = combine(all_item_scores({"equal_mix": {seed: trained(EQUAL, seed) for seed in (0, 1)}}))
    table = capability_scores(summary)
    assert sorted(table.capabilities) == sorted(CAPABILITIES)
    assert table.items["reasoning"] == 200
    assert summary["equal_mix"]["seeds"] == [0, 1]
    runs = [each[MEAN] for each in summary["equal_mix"]["runs"].values()]
    assert summary["equal_mix"]["mean"]["score"] == pytest.approx(np.mean(runs))


def test_one_seed_says_that_seed_noise_is_left_out_and_several_that_it_is_in() -> None:
    one = combine(all_item_scores({"a": {0: A}}))["a"]["note"]
    two = combine(all_item_scores({"a": {0: A, 1: B}}))["a"]["note"]
    assert "seed) noise is not included" in one
    assert "include seed noise (estimated from replicate runs with 1 df)" in two


def test_known_seed_noise_widens_the_interval_as_variances_add() -> None:
    scores = all_item_scores({"a": {0: trained(EQUAL, 0)}})
    plain = np.ptp(combine(scores)["a"]["mean"]["interval"])
    wider = np.ptp(combine(scores, SeedNoise(sd={MEAN: 0.03}))["a"]["mean"]["interval"])
    assert wider == pytest.approx(np.hypot(plain, 2 * 1.96 * 0.03), rel=0.06)


def test_intervals_hold_the_true_score_about_as_often_as_they_say() -> None:
    world, held = World(mixtures=3, seeds=3), []
    for number in range(60):
        summary = combine(world.draw(np.random.default_rng(number)))
        held += [low <= world.truth() <= high for low, high in (each["mean"]["interval"] for each in summary.values())]
    assert 0.88 < np.mean(held) <= 1.0


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize("answer", [0.0, 1.0])
def test_no_interval_has_width_zero(answer: float, seeds: int) -> None:
    same = {seed: capabilities({"x": np.full(6, answer), "y": np.full(6, answer)}) for seed in range(seeds)}
    found = combine(all_item_scores({"a": same, "b": same}))["a"]
    low, high = found["capabilities"]["x"]["interval"]
    assert low <= answer <= high and 0.35 < high - low < 0.6
    assert 0.2 < np.ptp(found["mean"]["interval"]) < 0.6


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_seed_noise_is_the_spread_of_runs_about_their_mixture(noise: float) -> None:
    world = World(mixtures=40, seeds=5, difficulty=0, taste=0, topic_noise=0, topics=100, items=2, seed_noise=noise)
    found = estimate_seed_noise(world.draw(np.random.default_rng(1)))
    assert found is not None and found.df == 160 and not found.apart
    # The logistic's slope is 1/4 at one half; five capabilities are averaged.
    expected = np.hypot(noise * 0.25 * 0.97 / np.sqrt(5), 0.5 / np.sqrt(1000))
    assert found.run_sd[MEAN] == pytest.approx(expected, rel=0.12)


def test_without_replicate_runs_seed_noise_is_unknown_and_not_zero() -> None:
    assert estimate_seed_noise(all_item_scores({"a": {0: A}, "b": {0: B}})) is None
