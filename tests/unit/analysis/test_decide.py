"""A winner is declared where the runs of several seeds bear it out, and else what cannot be told apart is named."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import binom, ttest_ind, ttest_rel

from analysis_cases import EQUAL, SOURCES, item_scores, single, trained, without
from emulsion.analysis import Decision, decide
from emulsion.analysis.compare import holm
from emulsion.analysis.decide import decide_all
from emulsion.analysis.loss_scores import loss_scores
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.null import World, winner_rate
from emulsion.analysis.scores import MEAN, all_item_scores
from emulsion.errors import UserError

# Noise that is known to be none: then the items alone decide.
QUIET = SeedNoise(sd={})


def test_scores_of_runs_are_enough_by_seed_or_in_any_order() -> None:
    scores = {"good": [0.70, 0.71, 0.72], "poor": [0.50, 0.51, 0.52], "fair": [0.60, 0.61, 0.62]}
    found = decide(scores)
    assert (found.winner, found.tied, found.seeds, found.alpha) == ("good", ["good"], 3, 0.05)
    assert found.text == "good is significantly better than every other mixture"
    assert decide({name: dict(enumerate(runs)) for name, runs in scores.items()}) == found
    p = [ttest_ind(scores["good"], scores[name]).pvalue for name in ("fair", "poor")]
    assert list(found.comparisons) == ["fair", "poor"] and all(cell["p"] < 0.01 for cell in found.comparisons.values())
    assert p[0] > p[1]


def test_two_mixtures_are_compared_by_students_t_test() -> None:
    scores = {"a": [0.50, 0.56, 0.53], "b": [0.49, 0.52]}
    cell = decide(scores).comparisons["b"]
    expected = ttest_ind(scores["a"], scores["b"])
    assert cell["p"] == pytest.approx(expected.pvalue)
    assert cell["interval"] == pytest.approx(list(expected.confidence_interval(0.95)))


def test_what_cannot_be_told_apart_from_the_best_is_tied_best_first() -> None:
    found = decide({"poor": [0.10, 0.12], "b": [0.50, 0.53], "a": [0.52, 0.55]})
    assert (found.winner, found.tied, found.leader) == (None, ["a", "b"], "a")
    assert found.text == "no significant difference between a and b"


def test_scores_of_one_run_each_are_an_order_and_no_claim() -> None:
    found = decide({"b": [0.1], "a": [0.9]})
    assert (found.winner, found.tied, found.seeds) == (None, ["a", "b"], 1)
    assert found.text == "one training each: no claim about mixtures"


def test_of_losses_the_lowest_wins_and_seeds_are_compared_in_pairs() -> None:
    losses = {"a": {0: 4.50, 1: 4.61, 2: 4.40}, "b": {0: 4.53, 1: 4.645, 2: 4.43}, "c": {0: 4.60, 1: 4.70, 2: 4.50}}
    found = decide(losses, lower=True)
    assert (found.winner, list(found.comparisons)) == ("a", ["b", "c"]) and "at equal seeds" in found.note
    assert found.comparisons["b"]["difference"] == pytest.approx(-0.095 / 3)
    apart = decide({name: list(runs.values()) for name, runs in losses.items()}, lower=True)
    assert apart.winner is None and apart.leader == "a"  # what seeds do to all mixtures hides the difference
    pair = decide({name: losses[name] for name in ("a", "b")}, lower=True).comparisons["b"]
    assert pair["p"] == pytest.approx(ttest_rel(list(losses["a"].values()), list(losses["b"].values())).pvalue)
    uneven = decide({**losses, "c": {0: 4.60, 1: 4.70}}, lower=True)
    assert "at equal seeds" not in uneven.note


@pytest.mark.parametrize(("mixtures", "seeds"), [(2, 3), (3, 3), (6, 2)])
def test_losses_alike_make_a_false_winner_in_no_more_than_one_study_in_twenty(mixtures: int, seeds: int) -> None:
    rng, studies, false = np.random.default_rng([mixtures, seeds, 1]), 400, 0
    for _ in range(studies):
        runs = 4.5 + rng.normal(0, 0.01, (1, seeds)) + rng.normal(0, 0.005, (mixtures, seeds))
        false += decide({f"m{n}": dict(enumerate(each)) for n, each in enumerate(runs)}, lower=True).winner is not None
    assert false <= binom.ppf(0.99, studies, 0.05)


def test_a_decision_is_plain_json() -> None:
    found = decide({"a": [0.9, 0.91], "b": [0.1, 0.11]})
    assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == {
        "winner": "a",
        "tied": ["a"],
        "seeds": 2,
        "alpha": 0.05,
        "text": "a is significantly better than every other mixture",
    }
    assert json.loads(json.dumps(found.evidence(), allow_nan=False))["comparisons"]["b"]["p_holm"] < 0.05
    assert isinstance(found, Decision)


def test_equal_scores_tie_even_without_any_noise() -> None:
    assert decide({"a": [0.5, 0.5], "b": [0.5, 0.5]}).tied == ["a", "b"]


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ({}, "no mixtures"),
        ({"a": []}, "'a' needs one score per run"),
        ({"a": [0.5, float("nan")]}, "'a' is not a finite number"),
        ({"a": [0.5], **item_scores(b=EQUAL)}, "scores of items for b only"),
    ],
)
def test_what_cannot_be_compared_is_refused(scores: dict, words: str) -> None:
    with pytest.raises(UserError, match=words):
        decide(scores)


def test_every_capability_and_the_mean_get_a_decision() -> None:
    scores = item_scores(a=EQUAL, b=single("magpie"))
    found = decide_all(scores)
    assert list(found) == scores["a"].groups and list(found)[-1] == MEAN
    assert found[MEAN] == decide(scores)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("mixtures", [2, 3, 6, 10])
def test_seed_noise_alone_makes_a_false_winner_in_no_more_than_one_study_in_twenty(mixtures: int, seeds: int) -> None:
    """Runs differ by their seeds alone; with two mixtures the bound is reached, with more there is room."""
    rng, studies = np.random.default_rng([mixtures, seeds]), 500
    false = sum(
        decide({f"m{row}": list(runs) for row, runs in enumerate(rng.normal(0.5, 0.03, (mixtures, seeds)))}).winner
        is not None
        for _ in range(studies)
    )
    assert false <= binom.ppf(0.99, studies, 0.05)
    if mixtures > 2:
        assert false / studies <= 0.05


@pytest.mark.parametrize("seeds", [2, 3])
def test_the_two_best_being_equal_is_no_harder_than_all_being_equal(seeds: int) -> None:
    rng, studies = np.random.default_rng(seeds), 500
    levels = np.array([[0.8], [0.8], [0.1], [0.1]])
    false = sum(
        decide({f"m{row}": list(runs) for row, runs in enumerate(rng.normal(levels, 0.03, (4, seeds)))}).winner
        is not None
        for _ in range(studies)
    )
    assert false <= binom.ppf(0.99, studies, 0.05)


def test_a_real_advantage_is_declared_and_its_rivals_listed_as_beaten() -> None:
    found = decide(item_scores(mix=EQUAL, **{f"only_{source}": single(source) for source in SOURCES}), noise=QUIET)
    assert found.winner == found.leader == "mix"
    assert found.text == "mix is significantly better than every other mixture"
    cells = found.comparisons.values()
    assert all(cell["p_holm"] < 0.05 and cell["interval"][0] > 0 for cell in cells)
    assert [cell["p_holm"] for cell in cells] == holm([cell["p"] for cell in cells]).tolist()


def test_equals_are_named_together_and_those_beaten_are_not() -> None:
    near = {"openhermes": 0.26, "cosmopedia": 0.24, "magpie": 0.26, "fineweb": 0.24}
    found = decide(item_scores(a=EQUAL, b=near, poor=single("fineweb")), noise=QUIET)
    assert found.winner is None
    assert set(found.tied) == {"a", "b"} and found.tied[0] == found.leader
    assert found.text == f"no significant difference between {found.tied[0]} and {found.tied[1]}"


def test_identical_results_tie() -> None:
    same = {0: trained(EQUAL, 0)}
    found = decide(all_item_scores({"a": same, "b": same}))
    assert found.winner is None and found.comparisons["b"]["p"] == 1


def test_a_single_mixture_wins_nothing() -> None:
    found = decide(item_scores(a=EQUAL))
    assert found.winner is None and "nothing to compare" in found.text


def test_one_training_each_makes_no_claim_about_mixtures_however_far_apart_they_are() -> None:
    found = decide(item_scores(mix=EQUAL, **{f"only_{source}": single(source) for source in SOURCES}))
    assert found.winner is None and not found.claims
    assert found.leader == found.tied[0] == "mix" and len(found.tied) == 5
    assert found.text == "one training each: no claim about mixtures"
    assert "not included" in found.note


def test_known_noise_takes_the_win_away() -> None:
    scores = item_scores(mix=EQUAL, poor=without("magpie"))
    plain = decide(scores, noise=QUIET, group="conversation")
    assert plain.winner == "mix"
    noisy = decide(scores, noise=SeedNoise(sd={"conversation": 0.2}), group="conversation")
    assert noisy.winner is None and noisy.claims
    low, high = noisy.comparisons["poor"]["interval"]
    assert high - low == pytest.approx(2 * 1.96 * np.hypot(0.2 * np.sqrt(2), 0.04), rel=0.1)


def test_the_same_results_give_the_same_numbers_whatever_the_order_of_mixtures() -> None:
    scores = item_scores(a=EQUAL, b=single("fineweb"), c=single("magpie"))
    first, second = (decide(each) for each in (scores, dict(reversed(scores.items()))))
    assert first.comparisons["b"]["p"] == second.comparisons["b"]["p"]


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_no_winner_among_equals_in_more_than_one_experiment_in_twenty(seeds: int) -> None:
    found = winner_rate(World(mixtures=6, seeds=seeds), repetitions=60)
    assert found["rate"] <= 0.05


def test_two_equals_are_told_apart_as_often_as_alpha_says() -> None:
    # With two mixtures the bound is reached, so this also shows that the test is not idle.
    found = winner_rate(World(mixtures=2, seeds=1, seed_noise=0), repetitions=400, noise=QUIET)
    assert 0.02 < found["rate"] < 0.085


def test_a_true_advantage_wins_most_of_the_time() -> None:
    found = winner_rate(World(mixtures=6, seeds=3, advantage=1.5), repetitions=30)
    assert found["rate"] > 0.9


def test_seed_noise_would_fool_a_test_over_items_and_fools_neither_one_run_nor_several() -> None:
    items = winner_rate(World(mixtures=2, seeds=1, seed_noise=0.4), repetitions=150, noise=QUIET)
    single = winner_rate(World(mixtures=2, seeds=1, seed_noise=0.4), repetitions=150)
    several = winner_rate(World(mixtures=2, seeds=3, seed_noise=0.4), repetitions=150)
    assert items["rate"] > 0.25
    assert single["rate"] == 0
    assert several["rate"] < 0.1


def test_known_seed_noise_makes_a_single_run_honest() -> None:
    world = World(mixtures=2, seeds=1, seed_noise=0.4, topic_noise=0, difficulty=0, taste=0)
    noise = SeedNoise(sd={MEAN: 0.4 * 0.25 * 0.97 / np.sqrt(5)})
    assert winner_rate(world, 200, noise=noise)["rate"] < 0.085


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "noise"), [(1, 0.0), (2, 0.0), (2, 0.4), (3, 0.0), (3, 0.4)])
def test_winners_among_six_equals_over_many_repetitions(seeds: int, noise: float) -> None:
    found = winner_rate(World(seeds=seeds, seed_noise=noise), repetitions=500)
    assert found["rate"] <= 0.05


@pytest.mark.parametrize(("mixtures", "seeds"), [(2, 2), (4, 2), (4, 3)])
def test_seed_noise_over_items_makes_no_false_winners_either(mixtures: int, seeds: int) -> None:
    world = World(mixtures=mixtures, seeds=seeds)
    assert winner_rate(world, 200)["winners"] <= binom.ppf(0.99, 200, 0.05)


def test_a_topic_with_most_of_the_items_makes_no_false_winners() -> None:
    world = World(
        mixtures=2, seeds=5, capabilities=1, topics=11, items=[100, *[2] * 10], seed_noise=0.05, topic_noise=0.1
    )
    assert winner_rate(world, 300)["winners"] <= binom.ppf(0.99, 300, 0.06)


def test_the_order_of_seeds_in_a_mapping_says_nothing():
    first, second = {0: 1.0, 1: 2.0, 2: 3.0}, {0: 1.1, 1: 2.1, 2: 3.1}
    turned = dict(reversed(second.items()))
    expected = decide({"a": first, "b": second}, lower=True)
    assert expected.winner == "a"
    assert decide({"a": first, "b": turned}, lower=True).evidence() == expected.evidence()


def test_one_number_for_a_mixture_is_told_from_a_list_of_one():
    with pytest.raises(UserError, match="'a' needs one score per run"):
        decide({"a": 0.5, "b": 0.6})


def test_a_mixture_of_one_seed_is_compared_with_pooled_noise_where_the_others_differ_in_theirs():
    rng = np.random.default_rng(0)
    scores = {}
    for name, spread, seeds in (*((f"calm{n}", 0.001, 6) for n in range(5)), ("wild", 0.2, 6), ("once", 0.01, 1)):
        each = rng.normal(2.0, spread, seeds)
        text = {seed: (loss + 0.01 * np.arange(20)).tolist() for seed, loss in enumerate(each)}
        scores[name] = loss_scores({seed: {"sources": {"a": {"sequence_losses": text[seed]}}} for seed in text})
    found = decide(scores)
    assert "Mixtures differ in their noise" in found.note
    assert all(np.isfinite([cell["p"], *cell["interval"]]).all() for cell in found.comparisons.values())


@pytest.mark.parametrize(("mixtures", "seeds"), [(3, 3), (4, 2), (6, 3), (9, 5)])
def test_one_run_that_went_wrong_takes_no_claim_from_the_others(mixtures: int, seeds: int) -> None:
    """It is in the mean of its seed, through which it would be in the noise of every mixture."""
    random = np.random.default_rng(mixtures)
    losses = {
        str(n): dict(enumerate(2.5 + (0.4 if n else 0) + random.normal(0, 0.004, seeds))) for n in range(mixtures)
    }
    losses[str(mixtures - 1)][0] += 4
    found = decide(losses, lower=True)
    assert found.comparisons["1"]["p"] < 0.05 and "differ in their noise" in found.note


def test_what_is_significantly_worse_at_the_seeds_that_both_have_beats_nobody() -> None:
    """The leader over all of its own seeds was tested on those in common alone, on either side."""
    poor, good = single("magpie"), EQUAL
    runs = {"a": {0: trained(poor, 0), 1: trained(poor, 1)}, "b": {0: trained(good, 0), 1: trained(good, 1)}}
    runs["a"] |= {seed: trained(dict.fromkeys(SOURCES, 4.0), seed) for seed in range(2, 30)}
    found = decide(all_item_scores(runs), noise=SeedNoise(sd={MEAN: 0.001}))
    assert found.leader == "a" and found.comparisons["b"]["difference"] < 0 and found.comparisons["b"]["p"] < 0.01
    assert (found.winner, found.tied) == (None, ["a", "b"])
