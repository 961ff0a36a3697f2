"""Comparisons find what is there, say when they cannot, and do not take luck for skill."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t as student_t
from scipy.stats import ttest_ind

from analysis_cases import EQUAL, SOURCES, capabilities, trained
from emulsion.analysis.compare import Draws, common_seeds, compare, listing, pairwise
from emulsion.analysis.noise import SeedNoise, estimate_seed_noise
from emulsion.analysis.null import World
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


def test_only_seeds_that_both_have_are_compared() -> None:
    scores = all_item_scores({"a": {0: trained(EQUAL, 0), 1: trained(EQUAL, 1)}, "b": {1: trained(EQUAL, 1)}})
    assert common_seeds(scores["a"], scores["b"]) == [1]
    assert compare(scores["a"], scores["b"], draws=QUICK)["mean"]["difference"] == 0
    with pytest.raises(UserError, match="share none"):
        common_seeds(scores["a"].only([0]), scores["b"])


@pytest.mark.parametrize(("names", "text"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")])
def test_names_are_listed_as_people_list_them(names: list[str], text: str) -> None:
    assert listing(names) == text
