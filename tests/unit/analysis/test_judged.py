import pytest

from analysis_cases import EQUAL, trained, without
from emulsion.analysis.judged import judge_by, judge_runs
from emulsion.analysis.scores import all_item_scores
from emulsion.analysis.summary import combine


def test_candidates_have_the_same_intervals_whatever_else_was_trained() -> None:
    candidates = {"equal": EQUAL, "other": without("magpie")}
    results = {name: {seed: trained(mix, seed) for seed in range(3)} for name, mix in candidates.items()}
    # A source alone that all seeds learn alike: the noise of all is not that of the candidates.
    single = {"only_magpie": {seed: trained({"magpie": 1.0}, 0) for seed in range(3)}}
    judged = judge_by("capabilities", {**results, **single}, list(candidates), list(single))
    assert list(judged.summary) == ["equal", "other", "only_magpie"]
    shown = combine(all_item_scores(results))
    assert {name: judged.summary[name] for name in candidates} == shown
    assert judged.summary["only_magpie"]["note"] != shown["equal"]["note"]


@pytest.mark.parametrize(
    ("bad", "left"),
    [([], ["equal", "other"]), (["other"], ["equal"]), (["equal", "other"], ["equal", "other"])],
)
def test_mixtures_that_diverged_are_no_candidates_where_others_are_left(bad: list[str], left: list[str]) -> None:
    shares = {"equal": EQUAL, "other": without("magpie")}
    runs = [(name, seed) for name in shares for seed in (0, 1)]
    # One run of a mixture is enough.
    records = [{"identity": f"{name}-{seed}", "diverged": name in bad and seed == 1} for name, seed in runs]
    content = [trained(shares[name], seed) for name, seed in runs]
    groups = {"candidates": list(shares), "loss_weights": None}
    judged = judge_runs(groups, *zip(*runs, strict=True), records, {"capabilities": content})
    assert (judged.diverged, judged.candidates) == (bad, left)
    assert set(judged.by[0].decisions["mean"].tied) <= set(left)
