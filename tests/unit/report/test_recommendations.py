"""The recommendations say what the analyses found, to programs and to people, and no more."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import yaml

from analysis_cases import CAPABILITIES, EQUAL, SOURCES, losses, points_of, trained, without
from emulsion.analysis import decide
from emulsion.analysis.ablations import contributions
from emulsion.analysis.criteria import success_criteria
from emulsion.analysis.decide import Decision, decide_all
from emulsion.analysis.identity import same_mixtures
from emulsion.analysis.judged import CAPABILITIES as BY_CAPABILITY
from emulsion.analysis.judged import Judged, judge_by
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.recommended import recommended_of
from emulsion.analysis.scores import all_item_scores
from emulsion.analysis.summary import combine
from emulsion.analysis.trade_offs import pareto
from emulsion.errors import UserError
from emulsion.report.conclusion import Conclusion
from emulsion.report.exports import SourceSize
from emulsion.report.markdown import markdown
from emulsion.report.markup import code, table
from emulsion.report.recommendations import recommendations

# Noise that is known to be none: then the items alone decide.
QUIET = SeedNoise(sd={})
SIZES = {source: SourceSize(tokens=1000, documents=10, path=f"{source}.parquet") for source in SOURCES}
OPTIMUM = {"ratios": EQUAL, "prediction": 0.6, "interval": [0.5, 0.7], "surrogate": "log_linear"}


def _found(ratios: dict[str, dict[str, float]], noise: SeedNoise | None = QUIET, strategies=None, **given) -> dict:
    scores = all_item_scores({name: {0: trained(mix, 0)} for name, mix in ratios.items()})
    summary = combine(scores)
    decisions = decide_all(scores, noise)
    judged = Judged(measure=BY_CAPABILITY, scores=scores, summary=summary, decisions=decisions, strategies=strategies)
    criteria = success_criteria(decisions["mean"], None, pareto(points_of(summary)), BY_CAPABILITY, RECIPE)
    given = {"same": same_mixtures(list(ratios), list(ratios)), "criteria": criteria, **given}
    return recommendations(_conclusion([judged], ratios, **given))


def _conclusion(judged: list[Judged], ratios: dict[str, dict[str, float]], **given) -> Conclusion:
    schedules = {name: [{"until": 1.0, "weights": shares}] for name, shares in ratios.items()}
    usual = {"experiment": "exp3", "title": "Which mixture?", "sizes": SIZES, "tokens": 5000, "optimum_name": "optimal"}
    return Conclusion(**{**usual, "judged": judged, "ratios": ratios, "schedules": schedules, **given})


RECIPE = {"run": "exp3-mix", "identity": "abc", "weights": "f" * 64}
CLEAR = {"optimal": EQUAL, **{f"only_{source}": {source: 1.0} for source in SOURCES}}
TIED = {"a": EQUAL, "b": {"openhermes": 0.26, "cosmopedia": 0.24, "magpie": 0.26, "fineweb": 0.24}}


def _contributions() -> dict:
    ablations = {source: {seed: trained(without(source), seed) for seed in range(3)} for source in SOURCES}
    return contributions("equal_mix", {seed: trained(EQUAL, seed) for seed in range(3)}, ablations)


def test_a_winner_is_recommended_in_the_first_sentence() -> None:
    found = _found(CLEAR)
    assert found["answer"].startswith("Best overall: optimal")
    assert found["recommended"]["mixture"] == "optimal" and found["recommended"]["clear_winner"]
    assert yaml.safe_load(found["recommended"]["config"])["strategies"]["recommended"]["ratios"] == EQUAL


def test_one_training_each_gives_an_order_and_no_claim_even_where_the_runs_differ_much() -> None:
    found = _found(CLEAR, noise=None)
    assert found["answer"].startswith("One training each: no claim about mixtures. optimal has the highest mean score")
    assert not found["recommended"]["clear_winner"]
    assert found["criteria"][0]["verdict"] == "undecided"


def test_a_tie_is_an_answer_and_its_central_member_stands_for_the_set() -> None:
    wide = {**TIED, "c": {"openhermes": 0.24, "cosmopedia": 0.26, "magpie": 0.24, "fineweb": 0.26}}
    found = _found(wide)
    assert found["answer"].startswith("No clear winner: there is no significant difference between")
    assert found["recommended"]["mixture"] == "a" and set(found["recommended"]["set"]) == set(wide)
    assert "such as a" in found["answer"] and not found["recommended"]["clear_winner"]
    assert found["recommended"]["why"] == "whose shares are nearest to their mean"
    assert "they cannot be told apart" in markdown(found)


def test_of_mixtures_that_no_measure_tells_apart_the_one_of_the_lowest_loss_stands_for_the_set() -> None:
    by_scores = judge_by("capabilities", {name: {0: trained(EQUAL, 0)} for name in "abc"}, list("abc"))
    runs = {name: {seed: losses(EQUAL, seed) for seed in range(3)} for name in "abc"}
    for name, more in (("a", 0.0001), ("b", -0.0001), ("c", -0.5)):
        for run in runs[name].values():
            for each in run["sources"].values():
                each["sequence_losses"] = [loss + more for loss in each["sequence_losses"]]
    by_losses = judge_by("losses", runs, list("ab"))
    tied = replace(by_scores.decision, tied=list("abc"), claims=True)
    both = [replace(by_scores, decisions={"mean": tied}), by_losses]
    ratios = dict.fromkeys("abc", EQUAL)
    assert recommended_of(both, ratios) == (
        "b",
        "which has the lowest mean test loss of those that no measure tells apart",
    )
    assert recommended_of(both[:1], ratios) == ("a", "whose shares are nearest to their mean")


def test_the_strategies_are_answered_first_and_then_what_lies_beyond_them() -> None:
    scores = all_item_scores({name: {0: trained(mix, 0)} for name, mix in CLEAR.items()})
    singles = decide({name: each for name, each in scores.items() if name != "optimal"}, noise=QUIET)
    answer = _found(CLEAR, strategies=singles)["answer"]
    assert answer.startswith("Of the 4 strategies") or answer.startswith("None of the 4 strategies")
    assert answer.index("strategies") < answer.index("Best overall: optimal")
    pair = decide({name: scores[name] for name in ("optimal", "only_magpie")}, noise=QUIET)
    assert _found(CLEAR, strategies=pair)["answer"].startswith("Of the 2 strategies optimal is best")


def test_of_those_that_cannot_be_told_apart_strategies_and_others_are_not_mixed_up() -> None:
    scores = all_item_scores({name: {0: trained(EQUAL, 0)} for name in "abcd"})
    strategies = decide({name: scores[name] for name in "ab"}, noise=QUIET)
    answer = _found(dict.fromkeys("abcd", EQUAL), strategies=strategies, same=same_mixtures([], []))["answer"]
    assert "better than a and b; c and d cannot be told apart from the best either." in answer


def test_a_strategy_that_wins_among_the_strategies_alone_is_said_to_tie_among_all() -> None:
    mixes = {**TIED, "c": EQUAL | {"magpie": 0.24}}
    cell = {"difference": 0.1, "interval": [0.0, 0.2], "p": 0.04, "p_holm": 0.04}
    won = Decision(winner="a", tied=["a"], seeds=3, alpha=0.05, text="", comparisons={"b": cell})
    answer = _found(mixes, strategies=won)["answer"]
    assert answer.startswith("Of the 2 strategies a is best")
    told = "Among all 3 mixtures, where a difference has to be surer, b cannot be told apart from the best either."
    assert told in answer and answer.index(told) < answer.index("Recommended is any of the 3")
    assert "either" not in _found(CLEAR, strategies=replace(won, winner="only_magpie", tied=["only_magpie"]))["answer"]


def test_only_the_best_is_said_to_be_better_than_every_strategy() -> None:
    """What is tied with it was not tested against the strategies."""
    singles = {name: CLEAR[name] for name in ("only_magpie", "only_fineweb")}
    scores = all_item_scores({name: {0: trained(mix, 0)} for name, mix in singles.items()})
    answer = _found({**TIED, **singles}, strategies=decide(scores, noise=QUIET))["answer"]
    assert re.search(r"Better than every strategy: (a; b|b; a) cannot be told apart from it\.", answer)


def test_an_optimum_that_loses_is_said_to_with_its_reason() -> None:
    mixes = {"a": EQUAL, "optimal": {"magpie": 1.0}}
    promised = {**OPTIMUM, "prediction": 0.95, "interval": [0.9, 1.0]}
    text = _found(mixes, optimum=promised)["optimum"]["text"]
    assert "It loses to a: the surrogate promised more than its training bore out." in text
    held = _found(mixes, optimum={**OPTIMUM, "interval": [0.0, 1.0]})["optimum"]["text"]
    assert "smaller than the surrogate's own uncertainty" in held
    assert "loses" not in _found(CLEAR, optimum=promised)["optimum"]["text"]


def test_the_best_per_capability_are_the_single_sources_that_teach_it() -> None:
    best = _found(CLEAR)["best_per_capability"]
    assert [best[name]["leader"] for name in CAPABILITIES] == [f"only_{source}" for source in SOURCES]


def test_each_source_is_said_to_contribute_what_it_teaches() -> None:
    sources = _found(CLEAR, contributions=_contributions())["contributions"]["sources"]
    for source, capability in zip(SOURCES, CAPABILITIES, strict=True):
        assert sources[source]["text"].startswith(f"{source} mainly contributes to {capability}: +0.")


def test_a_source_is_said_to_hurt_and_to_help_what_it_does_significantly() -> None:
    change = {"difference": 0.2, "interval": [0.1, 0.3], "verdict": "contributes"}
    cells = {"recall": change, "style": {**change, "verdict": "no significant effect"}, "logic": change}
    cells["tone"] = {**change, "verdict": "hurts"}
    given = {"base": "a", "note": "", "capabilities": {"x": cells}, "mean": {"x": change}}
    given["top"] = {"x": {"capability": "recall", **change}}
    found = _found(TIED, contributions=given)["contributions"]["sources"]["x"]
    assert (found["also_contributes_to"], found["hurts"]) == (["logic"], ["tone"])
    assert found["text"].endswith("Also to logic. It hurts tone.")


def test_a_contribution_that_is_not_significant_is_not_claimed() -> None:
    base = {0: trained(EQUAL, 0)}
    found = _found(TIED, contributions=contributions("a", base, {"x": base}))
    assert found["contributions"]["sources"]["x"]["text"].startswith("x shows no significant contribution;")


def test_a_contribution_to_the_mean_alone_is_said() -> None:
    """The figure of contributions marks it too."""
    change = {"difference": 0.5, "interval": [0.2, 0.8], "verdict": "contributes"}
    weak = {**change, "verdict": "no significant effect"}
    given = {"base": "a", "note": "", "capabilities": {"x": {"recall": weak}}, "mean": {"x": change}}
    given["top"] = {"x": {"capability": "recall", **weak}}
    text = _found(TIED, contributions=given)["contributions"]["sources"]["x"]["text"]
    assert text.startswith("x shows no significant contribution to a single capability; the largest is to recall")
    assert text.endswith("It contributes to the mean: +0.500 (95 % interval +0.200 to +0.800).")


@pytest.mark.parametrize(("interval", "word"), [([0.3, 0.9], "inside"), ([0.1, 0.2], "outside")])
def test_predicted_and_realised_stand_side_by_side(interval: list[float], word: str) -> None:
    optimum = {**OPTIMUM, "of": "capabilities", "interval": interval}
    found = _found(CLEAR, optimum=optimum, outcome={"0": 0.48, "1": 0.52})["optimum"]
    assert (found["predicted"], found["outcome"]) == (0.6, 0.5)
    assert found["realised"] == _found(CLEAR)["scores"]["optimal"]["mean"]["score"]
    assert "predicted a mean score on the selection half of 0.600" in found["text"]
    assert f"its runs came to 0.500, {word} that; on the test half, optimal has" in found["text"]


def test_an_optimum_that_was_not_trained_has_no_realised_score() -> None:
    found = _found(TIED, optimum=OPTIMUM)["optimum"]
    assert found["realised"] is None and "was not trained" in found["text"]


def test_the_markdown_has_the_answer_the_evidence_and_what_to_paste() -> None:
    found = _found(CLEAR, contributions=_contributions(), optimum=OPTIMUM)
    text = markdown(json.loads(json.dumps(found, allow_nan=False)))
    assert "\n`optimal`: 25.0 % openhermes" in text and "cannot be told apart" not in text
    assert text.index(found["answer"]) < text.index("## Recommended mixture") < text.index("## Scores")
    for heading in ("What each source contributes", "Trade-offs", "Predicted and realised", "Success criteria"):
        assert (f"## {heading}" in text) == (heading != "Trade-offs")  # trade-offs were not passed on
    assert found["recommended"]["config"] in text
    assert all(f"### {target}" in text for target in found["exports"])
    assert "include seed noise" in text


def test_what_was_not_analysed_has_no_section() -> None:
    text = markdown(_found(TIED))
    assert "What each source contributes" not in text and "Predicted and realised" not in text


def test_scores_are_ranked_by_their_mean() -> None:
    rows = [line for line in markdown(_found(CLEAR)).splitlines() if line.startswith(("| optimal", "| only_"))]
    means = [float(row.split("|")[2].split("±")[0]) for row in rows]
    assert means == sorted(means, reverse=True) and len(means) == 5


def test_the_decisions_stand_beside_what_follows_from_them() -> None:
    found = _found(CLEAR)
    assert found["decision"] == {
        "winner": "optimal",
        "tied": ["optimal"],
        "seeds": 1,
        "alpha": 0.05,
        "text": "optimal is significantly better than every other mixture",
    }
    assert found["decision"]["text"] in found["answer"]
    assert list(found["decisions"]) == list(CAPABILITIES)
    assert all(set(each) == set(found["decision"]) for each in found["decisions"].values())
    for group, each in found["best_per_capability"].items():
        assert (each["winner"], each["tied"]) == (
            found["decisions"][group]["winner"],
            found["decisions"][group]["tied"],
        )
    quiet = _found(CLEAR, noise=None)
    assert "significantly better" not in markdown(quiet)
    assert quiet["decision"]["winner"] is None and not quiet["recommended"]["clear_winner"]


def test_mixtures_with_the_same_runs_are_one_row_named_by_both_and_recommended_by_the_first() -> None:
    same = same_mixtures(["a", "b", "optimal"], ["1", "2", "1"])
    found = _found(TIED, same=same, optimum=OPTIMUM, optimum_name=same.first["optimal"])
    assert found["same"] == {"a": "a = optimal"}
    assert "| a = optimal |" in markdown(found) and "a = optimal: the same weights" in found["note"]
    assert found["recommended"]["mixture"] in ("a", "b")
    assert found["optimum"]["realised"] == found["scores"]["a"]["mean"]["score"]
    assert _found(TIED)["same"] == {}


def test_a_mixture_of_unknown_ratios_cannot_be_recommended() -> None:
    decisions = {"mean": decide({"a": [0.5], "b": [0.4]})}
    judged = Judged(measure=BY_CAPABILITY, scores={}, summary={}, decisions=decisions)
    with pytest.raises(UserError, match="ratios of mixture"):
        recommendations(_conclusion([judged], {}, same=same_mixtures(["a", "b"], ["1", "2"]), criteria=[]))


def test_tables_and_code_hold_any_text() -> None:
    assert table(["a", "b"], [["x|y", "1\n2"]], right=1) == "| a | b |\n| --- | ---: |\n| x\\|y | 1 2 |"
    assert code("", "```") == "````\n```\n````"
    assert BY_CAPABILITY.text({"score": 0.5, "interval": [0.4, 0.62]}) == "0.500 ± 0.110"


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Which mix wins?\n\n# Mine\n", "Which mix wins? # Mine"),
        ("<b>x</b> *y* [z](w) `v`", r"\<b>x\</b> \*y\* \[z\](w) \`v\`"),
        ("knowledge_heavy or __all__?", r"knowledge_heavy or \_\_all\_\_?"),
        (r"R&D &lt; C:\x", r"R&D \&lt; C:\\x"),
    ],
)
def test_a_title_is_one_heading_that_shows_it_as_it_was_written(title: str, shown: str) -> None:
    assert markdown({**_found(CLEAR), "title": title}).startswith(f"# {shown}\n\n**")


def test_a_prediction_on_another_scale_is_not_held_against_the_real_score() -> None:
    found = _found(CLEAR, optimum={**OPTIMUM, "of": None})["optimum"]
    assert "another scale" in found["text"]
    assert "inside" not in found["text"] and "outside" not in found["text"]
    searched = _found(CLEAR, optimum={**OPTIMUM, "of": None, "interval": None})["optimum"]
    assert searched["text"].startswith("The search had") and "another scale; trained for real" in searched["text"]


def test_where_models_differ_the_note_says_so_and_else_nothing() -> None:
    found = _found(TIED, models={"a": "gpt2-500M", "b": "gpt2-1B"})
    assert "The models differ: a is gpt2-500M and b is gpt2-1B." in found["note"]
    assert found["note"] in markdown(found)
    assert _found(TIED, models={})["note"] == _found(TIED)["note"] == found["overall"]["note"]
