from analysis_cases import EQUAL, trained, without
from emulsion.analysis.judged import judge_by
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
