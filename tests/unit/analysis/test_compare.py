"""Comparisons find what is there, say when they cannot, and do not take luck for skill."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bartlett, ttest_ind

from analysis_cases import EQUAL, capabilities, item_scores, single, trained
from emulsion.analysis.compare import common_seeds, compare_pair, holm, holm_by_name, listing
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise, noise_of_differences, pooled
from emulsion.analysis.null import World
from emulsion.analysis.scores import MEAN, ItemScores, all_item_scores
from emulsion.errors import UserError

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def compare(a: ItemScores, b: ItemScores) -> dict[str, dict[str, Any]]:
    """The cell of a - b on every group of items, with the noise of these two."""
    noise = noise_of_differences({"a": a, "b": b})
    return {group: compare_pair(a, b, group, noise) for group in a.groups}


def test_the_difference_is_a_less_b_and_turning_the_pair_round_turns_its_sign() -> None:
    scores = item_scores(a=EQUAL, b=single("magpie"))
    there, back = compare(scores["a"], scores["b"]), compare(scores["b"], scores["a"])
    assert there["mean"]["difference"] == pytest.approx(scores["a"].score() - scores["b"].score())
    assert there["mean"]["difference"] == -back["mean"]["difference"]
    assert there["mean"]["interval"] == pytest.approx([-bound for bound in back["mean"]["interval"][::-1]], abs=0.01)
    assert there["mean"]["p"] == pytest.approx(back["mean"]["p"])


def test_a_capability_is_compared_on_its_own_items() -> None:
    zero, one = np.zeros(40), np.ones(40)
    scores = all_item_scores(
        {"a": {0: capabilities({"x": one, "y": zero})}, "b": {0: capabilities({"x": zero, "y": zero})}}
    )
    found = compare(scores["a"], scores["b"])
    assert found["x"]["difference"] == 1 and found["x"]["p"] < 0.01
    cell = found["y"]
    assert cell["difference"] == 0 and cell["p"] == 1 and -0.2 < cell["interval"][0] < 0 < cell["interval"][1] < 0.2
    assert found["mean"]["difference"] == 0.5


def test_with_few_seeds_the_run_is_the_unit_of_a_difference() -> None:
    scores = World(mixtures=2, seeds=2, seed_noise=0.3, advantage=1.0).draw(np.random.default_rng(0))
    noise, cell = estimate_seed_noise(scores), compare(*scores.values())["mean"]
    assert noise is not None and noise.df == 2
    runs = [each.run_scores(MEAN) for each in scores.values()]
    # The run's part alone, with as much freedom as it can have: items only widen it.
    assert cell["interval"][1] - cell["interval"][0] > 2 * 2.306 * noise.run_sd[MEAN] - 1e-12
    assert cell["p"] > 0.01 * ttest_ind(*runs).pvalue


def test_items_of_one_topic_count_as_one() -> None:
    """Ten copies of each item, as one topic, say no more than it; without topics they would say ten times more."""
    rng = np.random.default_rng(1)
    answers = {name: (rng.random(12) < 0.5 + shift).astype(float) for name, shift in (("a", 0.3), ("b", -0.1))}
    once, copied, apart = ({} for _ in range(3))
    for name, each in answers.items():
        once[name] = {0: capabilities({"x": each})}
        record = capabilities({"x": np.repeat(each, 10)})
        apart[name] = {0: record}
        topics = [{**row, "topic": f"t{number // 10}"} for number, row in enumerate(record["items"])]
        copied[name] = {0: {**record, "items": topics}}
    p = [compare(*all_item_scores(each).values())["mean"]["p"] for each in (once, copied, apart)]
    assert p[1] == pytest.approx(p[0], rel=0.35) and p[2] < p[1] / 5


def test_a_single_topic_does_not_make_the_choice_of_items_certain() -> None:
    """What one topic varies cannot be known, so its items are the units, as if they had none."""
    rng = np.random.default_rng(1)
    plain, topic = ({} for _ in range(2))
    for name, shift in (("a", 0.3), ("b", 0.1)):
        records = {seed: capabilities({"x": (rng.random(40) < 0.5 + shift).astype(float)}) for seed in range(3)}
        plain[name] = records
        topic[name] = {
            seed: {**each, "items": [{**row, "topic": "all"} for row in each["items"]]}
            for seed, each in records.items()
        }
    cells = [compare(*all_item_scores(each).values())["mean"] for each in (plain, topic)]
    assert cells[0] == cells[1]


def test_a_topic_with_most_of_the_items_does_not_make_the_choice_of_topics_certain() -> None:
    """Of equal mixtures whose topics suit them by chance, few are told apart, however unequal the topics are."""
    rng, topics = np.random.default_rng(2), np.repeat(np.arange(6), (60, 4, 2, 2, 1, 1))
    false = 0
    for _ in range(200):
        runs = {}
        for name in ("a", "b"):
            chances = 1 / (1 + np.exp(-rng.standard_normal(6)))[topics]
            record = capabilities({"x": (rng.random(len(topics)) < chances).astype(float)})
            items = [{**row, "topic": f"t{t}"} for row, t in zip(record["items"], topics, strict=True)]
            runs[name] = {0: {**record, "items": items}}
        false += compare(*all_item_scores(runs).values())["mean"]["p"] < 0.05
    assert false <= 20


def test_items_that_all_went_one_way_are_not_certain() -> None:
    for count, least in ((1, 0.5), (2, 0.2), (3, 0.05)):
        scores = all_item_scores(
            {"a": {0: capabilities({"x": np.ones(count)})}, "b": {0: capabilities({"x": np.zeros(count)})}}
        )
        assert compare(*scores.values())["mean"]["p"] > least


def test_mixtures_of_unlike_noise_are_compared_by_their_own() -> None:
    rng = np.random.default_rng(0)
    runs = {"calm": rng.normal(0.5, 0.001, 5), "wild": rng.normal(0.5, 0.05, 5), "mild": rng.normal(0.5, 0.01, 5)}
    spread, df, sound = pooled(list(runs.values()))
    assert df == 12 and not sound and 0.01 < spread < 0.06
    noise = SeedNoise(run_sd={MEAN: spread}, df=df, apart=(MEAN,))
    assert noise.variance(runs["calm"], MEAN) == (pytest.approx(runs["calm"].var(ddof=1) / 5), 4)
    even = [rng.normal(0.5, 0.01, 5) for _ in range(5)]
    assert pooled(even)[2]


@pytest.mark.parametrize("mixtures", [2, 5, 12])
def test_pooling_is_sound_where_bartletts_test_says_so(mixtures: int) -> None:
    rng, verdicts = np.random.default_rng(mixtures), set()
    for _ in range(100):
        runs = [rng.normal(0.5, spread, rng.integers(2, 6)) for spread in rng.uniform(0.01, 0.03, mixtures)]
        variances = [each.var(ddof=1) for each in runs]
        if min(variances) > 0.01 * max(variances):  # a smaller one counts as this
            verdicts.add(sound := pooled(runs)[2])
            assert sound == (bartlett(*runs).pvalue >= 0.05)
    assert verdicts == {True, False}


def test_pooling_is_sound_where_there_is_nothing_to_tell_apart() -> None:
    assert pooled([np.array([0.4, 0.6]), np.array([0.5])])[2]
    assert pooled([np.array([0.4, 0.4]), np.array([0.5, 0.5])]) == (0.0, 2.0, True)


def test_only_seeds_that_both_have_are_compared() -> None:
    scores = all_item_scores({"a": {0: trained(EQUAL, 0), 1: trained(EQUAL, 1)}, "b": {1: trained(EQUAL, 1)}})
    assert common_seeds(scores["a"], scores["b"]) == [1]
    assert compare(scores["a"], scores["b"])["mean"]["difference"] == 0
    with pytest.raises(UserError, match="share none"):
        common_seeds(scores["a"].only([0]), scores["b"])
    assert scores["a"].only([0, 1]) is scores["a"]


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_as_people_list_them(names: list[str], text: str) -> None:
    assert listing(names) == text


def test_of_hundreds_of_names_a_sentence_has_the_first() -> None:
    names = [f"m{number}" for number in range(1005)]
    assert listing(names).endswith("m9, m10 and 994 others") and listing(names).startswith("m0, m1, ")
    assert listing(names[:12]).endswith("m10 and m11") and listing(names, most=1005).endswith("m1003 and m1004")


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
    assert holm_by_name({"b": 0.01, "unknown": None, "a": 0.5}) == {"b": 0.02, "a": 0.5}
    assert holm([]).size == 0
