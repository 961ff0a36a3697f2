"""Comparisons find what is there, say when they cannot, and do not take luck for skill."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student_t
from scipy.stats import ttest_ind

from analysis_cases import EQUAL, SOURCES, capabilities, trained, without
from emulsion.analysis.compare import Draws, common_seeds, compare, listing, pairwise, winner
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise
from emulsion.analysis.null import World, winner_rate
from emulsion.analysis.permutation import holm
from emulsion.analysis.scores import MEAN, all_item_scores
from emulsion.errors import UserError

QUICK = Draws(permutations=1000, resamples=500)
# Noise that is known to be none: then the items alone decide.
QUIET = SeedNoise(sd={})
BETTER = {"openhermes": 0.25, "cosmopedia": 0.25, "magpie": 0.25, "fineweb": 0.25}


def _scores(seeds: int = 1, **mixtures: dict[str, float]) -> dict:
    return all_item_scores({name: {s: trained(mix, s) for s in range(seeds)} for name, mix in mixtures.items()})


def _single(source: str) -> dict[str, float]:
    return {name: float(name == source) for name in SOURCES}


def test_the_difference_is_a_less_b_and_turning_the_pair_round_turns_its_sign() -> None:
    scores = _scores(a=EQUAL, b=_single("magpie"))
    there, back = compare(scores["a"], scores["b"], draws=QUICK), compare(scores["b"], scores["a"], draws=QUICK)
    assert there["mean"]["difference"] == pytest.approx(scores["a"].score() - scores["b"].score())
    assert there["mean"]["difference"] == -back["mean"]["difference"]
    assert there["mean"]["interval"] == pytest.approx([-bound for bound in back["mean"]["interval"][::-1]], abs=0.01)
    assert there["mean"]["p"] == back["mean"]["p"]


def test_a_capability_is_compared_on_its_own_items() -> None:
    zero, one = np.zeros(40), np.ones(40)
    scores = all_item_scores(
        {"a": {0: capabilities({"x": one, "y": zero})}, "b": {0: capabilities({"x": zero, "y": zero})}}
    )
    found = compare(scores["a"], scores["b"], draws=QUICK)
    assert found["capabilities"]["x"]["difference"] == 1 and found["capabilities"]["x"]["p"] < 0.01
    assert found["capabilities"]["y"] == {"difference": 0, "p": 1, "interval": [0, 0]}
    assert found["mean"]["difference"] == 0.5


def test_a_real_advantage_is_declared_and_its_rivals_listed_as_beaten() -> None:
    found = winner(
        _scores(mix=BETTER, **{f"only_{source}": _single(source) for source in SOURCES}), noise=QUIET, draws=QUICK
    )
    assert found["winner"] == found["leader"] == "mix"
    assert found["text"] == "mix is better than every other mixture"
    cells = found["comparisons"].values()
    assert all(cell["p_holm"] < 0.05 and cell["interval"][0] > 0 for cell in cells)
    assert [cell["p_holm"] for cell in cells] == holm([cell["p"] for cell in cells]).tolist()


def test_equals_are_named_together_and_those_beaten_are_not() -> None:
    near = {"openhermes": 0.26, "cosmopedia": 0.24, "magpie": 0.26, "fineweb": 0.24}
    found = winner(_scores(a=EQUAL, b=near, poor=_single("fineweb")), noise=QUIET, draws=QUICK)
    assert found["winner"] is None
    assert set(found["tied"]) == {"a", "b"} and found["tied"][0] == found["leader"]
    assert found["text"] == f"no significant difference between {found['tied'][0]} and {found['tied'][1]}"


def test_identical_results_tie() -> None:
    same = {0: trained(EQUAL, 0)}
    found = winner(all_item_scores({"a": same, "b": same}), draws=QUICK)
    assert found["winner"] is None and found["comparisons"]["b"]["p"] == 1


def test_a_single_mixture_wins_nothing() -> None:
    found = winner(_scores(a=EQUAL))
    assert found["winner"] is None and "nothing to compare" in found["text"]


def test_one_training_each_makes_no_claim_about_mixtures_however_far_apart_they_are() -> None:
    found = winner(_scores(mix=EQUAL, **{f"only_{source}": _single(source) for source in SOURCES}), draws=QUICK)
    assert found["winner"] is None and not found["seed_noise_included"]
    assert found["leader"] == found["tied"][0] == "mix" and len(found["tied"]) == 5
    assert found["text"] == "one training each: no claim about mixtures"
    assert "not included" in found["note"]


def test_known_noise_takes_the_win_away() -> None:
    scores = _scores(mix=EQUAL, poor=without("magpie"))
    plain = winner(scores, noise=QUIET, draws=QUICK, group="conversation")
    assert plain["winner"] == "mix"
    noisy = winner(scores, noise=SeedNoise(sd={"conversation": 0.2}), draws=QUICK, group="conversation")
    assert noisy["winner"] is None and noisy["seed_noise_included"]
    low, high = noisy["comparisons"]["poor"]["interval"]
    assert high - low == pytest.approx(2 * 1.96 * np.hypot(0.2 * np.sqrt(2), 0.04), rel=0.1)


def test_with_several_seeds_a_difference_must_also_pass_the_t_test_between_runs() -> None:
    scores = World(mixtures=2, seeds=2, seed_noise=0.3, advantage=1.0).draw(np.random.default_rng(0))
    noise, cell = estimate_seed_noise(scores), compare(*scores.values(), draws=QUICK)["mean"]
    assert noise is not None and noise.df == 2
    runs = [each.run_scores(MEAN) for each in scores.values()]
    assert cell["p"] >= ttest_ind(*runs).pvalue - 1e-12
    half = float(student_t.ppf(0.975, 2)) * noise.run_sd[MEAN]
    assert cell["interval"][1] - cell["interval"][0] >= 2 * half


def test_all_pairs_are_one_family() -> None:
    rows = pairwise(_scores(a=EQUAL, b=_single("fineweb"), c=_single("magpie")), draws=QUICK)
    assert [(row["a"], row["b"]) for row in rows] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(row["p_holm"] >= row["p"] for row in rows)
    assert [row["verdict"] for row in rows[:2]] == ["a is better", "a is better"]
    assert rows[2]["verdict"] == "no significant difference"
    assert min(row["p"] for row in rows) * 3 == pytest.approx(min(row["p_holm"] for row in rows))


def test_the_same_results_give_the_same_numbers_whatever_the_order_of_mixtures() -> None:
    scores = _scores(a=EQUAL, b=_single("fineweb"), c=_single("magpie"))
    first, second = (winner(each, draws=QUICK) for each in (scores, dict(reversed(scores.items()))))
    assert first["comparisons"]["b"]["p"] == second["comparisons"]["b"]["p"]


def test_only_seeds_that_both_have_are_compared() -> None:
    scores = all_item_scores({"a": {0: trained(EQUAL, 0), 1: trained(EQUAL, 1)}, "b": {1: trained(EQUAL, 1)}})
    assert common_seeds(scores["a"], scores["b"]) == [1]
    assert compare(scores["a"], scores["b"], draws=QUICK)["mean"]["difference"] == 0
    with pytest.raises(UserError, match="share none"):
        common_seeds(scores["a"].only([0]), scores["b"])


@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_no_winner_among_equals_in_more_than_one_experiment_in_twenty(seeds: int) -> None:
    found = winner_rate(World(mixtures=6, seeds=seeds, items=30), repetitions=60, permutations=500)
    assert found["rate"] <= 0.05


def test_two_equals_are_told_apart_as_often_as_alpha_says() -> None:
    # With two mixtures the bound is reached, so this also shows that the test is not idle.
    found = winner_rate(World(mixtures=2, items=30), repetitions=400, noise=QUIET, permutations=500)
    assert 0.02 < found["rate"] < 0.085


def test_a_true_advantage_wins_most_of_the_time() -> None:
    found = winner_rate(World(mixtures=6, seeds=3, advantage=1.0), repetitions=30, permutations=1000)
    assert found["rate"] > 0.9


def test_seed_noise_would_fool_a_test_over_items_and_fools_neither_one_run_nor_several() -> None:
    items = winner_rate(World(mixtures=2, seeds=1, seed_noise=0.4), repetitions=150, noise=QUIET, permutations=500)
    single = winner_rate(World(mixtures=2, seeds=1, seed_noise=0.4), repetitions=150, permutations=500)
    several = winner_rate(World(mixtures=2, seeds=3, seed_noise=0.4), repetitions=150, permutations=500)
    assert items["rate"] > 0.25
    assert single["rate"] == 0
    assert several["rate"] < 0.1


def test_known_seed_noise_makes_a_single_run_honest() -> None:
    world = World(mixtures=2, seeds=1, seed_noise=0.4, difficulty=0.0)
    noise = SeedNoise(sd={MEAN: 0.4 * 0.25 * 0.97})
    assert winner_rate(world, 200, noise=noise, permutations=500)["rate"] < 0.085


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "noise"), [(1, 0.0), (2, 0.0), (2, 0.2), (3, 0.0), (3, 0.2)])
def test_winners_among_six_equals_over_many_repetitions(seeds: int, noise: float) -> None:
    found = winner_rate(World(seeds=seeds, seed_noise=noise), repetitions=500)
    assert found["rate"] <= 0.05


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_as_people_list_them(names: list[str], text: str) -> None:
    assert listing(names) == text
