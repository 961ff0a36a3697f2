"""The success criteria: met, not met, or undecided, each for the reason given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from analysis_cases import EQUAL, SOURCES, capabilities, trained
from emulsion.analysis import Decision
from emulsion.analysis.criteria import percent, success_criteria
from emulsion.analysis.improvement import improvement
from emulsion.analysis.judged import CAPABILITIES, LOSSES, Measure
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.scores import MEAN, all_item_scores
from emulsion.errors import UserError

RECIPE = {"run": "exp3-mix", "identity": "abc", "weights": "f" * 64}
WON = Decision(
    winner="mix",
    tied=["mix"],
    seeds=3,
    alpha=0.05,
    text="mix is significantly better than every other mixture",
    comparisons={"other": {"p_holm": 0.01}},
    note="3 runs per mixture.",
)
ROW = {"a": "x", "b": "y", "rho": -0.9, "p": 0.001, "p_holm": 0.001, "mixtures": 9, "verdict": "trade-off"}
PARETO = {"front": ["mix", "other"], "trade_offs": [ROW]}


def _better(relative: float, low: float, high: float) -> dict:
    each = {"candidate": "mix", "score": 0.6, "reference_score": 0.5, "relative": relative, "interval": [low, high]}
    return {"best": {**each, "reference": "only_a"}, "mean": {**each, "reference": ["only_a", "only_b"]}}


def _verdicts(**changes) -> list[str]:
    given = {"decision": WON, "improvement": _better(0.3, 0.25, 0.35), "pareto": PARETO, "measure": CAPABILITIES}
    return [row["verdict"] for row in success_criteria(**{**given, "recipe": RECIPE, "retrained": RECIPE, **changes})]


def test_all_are_met_when_everything_holds() -> None:
    assert _verdicts() == ["met"] * 5


def test_a_single_source_that_leads_is_no_better_than_itself() -> None:
    found = _better(0.0, -0.5, 0.5)
    itself = {**found["best"], "reference": "mix", "relative": None, "interval": None}
    _, best, *_ = success_criteria(WON, {**found, "best": itself}, PARETO, CAPABILITIES, RECIPE)
    assert best["verdict"] == "not met"
    assert best["evidence"] == "mix is that model itself: it draws from one source alone."


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"winner": None, "text": "no significant difference between mix and other"}, "not met"),
        ({"winner": None, "claims": False}, "undecided"),
        ({"winner": None, "comparisons": {}}, "undecided"),
    ],
)
def test_a_clear_winner_needs_significance_over_seeds_too(change: dict, verdict: str) -> None:
    rows = success_criteria(replace(WON, **change), None, PARETO, CAPABILITIES, RECIPE)
    assert rows[0]["verdict"] == verdict
    assert WON.note in rows[0]["evidence"]


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(0.21, 0.4, "met"), (0.1, 0.3, "undecided"), (0.0, 0.19, "not met")]
)
def test_the_improvement_is_judged_by_its_interval(low: float, high: float, verdict: str) -> None:
    assert _verdicts(improvement=_better(0.2, low, high))[1:3] == [verdict] * 2


def test_one_training_each_claims_no_improvement_however_large() -> None:
    alone = replace(WON, claims=False, winner=None)
    for row in success_criteria(alone, _better(0.9, 0.8, 1.0), PARETO, CAPABILITIES, RECIPE)[1:3]:
        assert row["verdict"] == "undecided" and row["evidence"].endswith("one training each: no claim about mixtures.")


@pytest.mark.parametrize(
    ("measure", "score", "reference", "why"),
    [
        (CAPABILITIES, 0.5, 0.0, "a ratio to a score of zero says nothing"),
        (CAPABILITIES, 0.5, 0.4, "their noise is too large or unknown for a ratio"),
        (LOSSES, 3.1, 3.4, "their noise is too large or unknown for a ratio"),
    ],
)
def test_a_ratio_that_is_not_known_says_why(measure: Measure, score: float, reference: float, why: str) -> None:
    unknown = {"relative": None, "interval": None, "score": score, "reference_score": reference}
    found = {which: {**each, **unknown} for which, each in _better(0.2, 0.1, 0.3).items()}
    for row in success_criteria(WON, found, PARETO, measure, RECIPE)[1:3]:
        assert row["verdict"] == "undecided" and row["evidence"].endswith(f"; {why}.")


def test_no_single_source_model_leaves_the_improvement_open() -> None:
    assert _verdicts(improvement=None)[1:3] == ["undecided"] * 2


def test_trade_offs_are_understood_once_tested_even_if_there_is_none() -> None:
    none = {**PARETO, "trade_offs": [{**ROW, "verdict": "no clear relation"}]}
    assert _verdicts(pareto=none)[3] == "met"
    assert _verdicts(pareto={**PARETO, "trade_offs": [{**ROW, "p": None}]})[3] == "undecided"
    assert "x against y (rho -0.90)" in success_criteria(WON, None, PARETO, CAPABILITIES, RECIPE)[3]["evidence"]


@pytest.mark.parametrize(
    ("change", "verdict"), [({}, "met"), ({"weights": "0" * 64}, "not met"), ({"identity": "other"}, "undecided")]
)
def test_a_recipe_is_reproducible_if_training_it_again_gives_the_same_weights(change: dict, verdict: str) -> None:
    assert _verdicts(retrained={**RECIPE, **change})[4] == verdict


def test_a_recipe_never_retrained_is_undecided() -> None:
    assert _verdicts(retrained=None)[4] == "undecided"


def _scores() -> dict:
    runs = {"mix": {0: trained(EQUAL, 0)}}
    for source in SOURCES:
        runs[f"only_{source}"] = {0: trained({source: 1.0}, 0)}
    return all_item_scores(runs)


def test_improvement_is_relative_to_the_best_and_to_the_mean_of_the_references() -> None:
    scores = _scores()
    singles = [name for name in scores if name != "mix"]
    found = improvement(scores, "mix", singles)
    levels = {name: scores[name].score() for name in singles}
    assert found["best"]["reference"] == max(levels, key=levels.__getitem__)
    assert found["best"]["relative"] == pytest.approx(scores["mix"].score() / max(levels.values()) - 1)
    assert found["mean"]["relative"] == pytest.approx(scores["mix"].score() / np.mean(list(levels.values())) - 1)
    for each in found.values():
        assert each["interval"][0] < each["relative"] < each["interval"][1]


def test_improvement_over_two_references_that_are_alike_is_that_over_one() -> None:
    items = {"mix": np.tile([1.0, 0.8, 0.9, 1.0], 30), "a": np.tile([0.6, 0.2, 0.7], 40)}
    scores = all_item_scores({name: {0: capabilities({"x": items[name]})} for name in ("mix", "a")})
    found = improvement({**scores, "again": scores["a"]}, "mix", ["a", "again"])
    assert found["mean"]["relative"] == pytest.approx(found["best"]["relative"])
    assert found["mean"]["interval"] == pytest.approx(found["best"]["interval"])


def test_seed_noise_widens_the_improvements_interval() -> None:
    scores = _scores()
    plain = improvement(scores, "mix", ["only_magpie"])["best"]["interval"]
    noisy = improvement(scores, "mix", ["only_magpie"], SeedNoise(sd={MEAN: 0.05}))["best"]["interval"]
    assert noisy[1] - noisy[0] > 1.5 * (plain[1] - plain[0])


def test_a_reference_that_scores_nothing_has_no_ratio() -> None:
    scores = all_item_scores({"a": {0: capabilities({"x": np.ones(5)})}, "zero": {0: capabilities({"x": np.zeros(5)})}})
    assert improvement(scores, "a", ["zero"])["best"]["relative"] is None
    with pytest.raises(UserError, match="no single-source"):
        improvement(scores, "a", [])


def test_percent() -> None:
    assert percent(0.2345) == "+23.4 %" and percent(-0.01) == "-1.0 %"
