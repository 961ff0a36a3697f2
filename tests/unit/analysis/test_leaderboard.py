import math
import re

import numpy as np
import pytest

from emulsion.analysis.decide import decide
from emulsion.analysis.identity import same_mixtures
from emulsion.analysis.leaderboard import BEHIND, BEST, TIED, MethodRun, by_name, leaderboard, rows
from emulsion.errors import UserError
from emulsion.report.method_board import markdown
from emulsion.training.costs import run_cost


def cost(tokens=0, evaluated=0):
    """Of a run that needed a swarm of so many tokens, and observed itself on so many."""
    needed = [{"what": "swarm small", "runs": 4, "tokens": tokens, "evaluation_tokens": 3}] if tokens else []
    return run_cost(1000, needed, probe_tokens=evaluated // 2, evaluations=1, evaluation_tokens=evaluated)


def run_of(name, seed, losses, **changes):
    told = {"cost": cost(100 if name == "regmix" else 0, 8 if name == "aioli" else 0), "seconds": 2.0, "tokens": 1000}
    shares = {"web": 0.75, "code": 0.25}
    return MethodRun(**{"mixture": name, "seed": seed, "losses": losses, "shares": shares, **told, **changes})


def runs_of(**means):
    """Three seeds of each mixture, with a noise that all share and a little of their own."""
    random = np.random.default_rng(0)
    shared = random.normal(0, 0.05, 3)
    return [
        run_of(name, seed, {"web": mean + shared[seed] + random.normal(0, 0.002), "code": mean - 1})
        for name, mean in means.items()
        for seed in range(3)
    ]


def decision_on(runs):
    by_seed = {}
    for run in runs:
        by_seed.setdefault(run.mixture, {})[run.seed] = run.loss
    return decide(by_seed, lower=True)


def board_of(runs, stratified="even"):
    same = same_mixtures([run.mixture for run in runs], [f"{run.mixture}{run.seed}" for run in runs])
    return leaderboard(runs, stratified, same, decision_on(runs))


def test_a_row_of_the_table_is_a_run_with_its_difference_to_stratified_of_the_same_seed():
    runs = runs_of(even=3.0, regmix=2.9)
    found = rows(runs, "even")
    assert [row["difference_to_stratified"] for row in found[:3]] == [0.0, 0.0, 0.0]
    expected = np.mean([math.exp(loss) for loss in runs[4].losses.values()])
    assert found[4]["mean_test_perplexity"] == pytest.approx(expected)
    assert found[4]["difference_to_stratified"] == pytest.approx(expected - found[1]["mean_test_perplexity"])
    losses = [run.loss for run in runs]
    assert found[4]["loss_difference_to_stratified"] == pytest.approx(losses[4] - losses[1])
    assert (found[4]["extra_runs"], found[4]["extra_tokens"], found[4]["extra_evaluation_tokens"]) == (4, 100, 3)
    assert found[4]["test_loss_web"] == runs[4].losses["web"] and found[4]["share_code"] == 0.25
    assert rows(runs, None)[0]["difference_to_stratified"] is None
    with pytest.raises(UserError, match="no run to compare"):
        rows([], None)


def test_methods_are_ranked_by_loss_and_judged_against_stratified_in_pairs():
    board = board_of(runs_of(even=3.0, worse=3.2, regmix=2.9, alike=3.0))
    assert board["methods"][0]["method"] == board["decision"]["winner"] == "regmix"
    found = {row["method"]: row for row in board["methods"]}
    # The noise that seeds share cancels in pairs.
    assert found["regmix"]["verdict"] == "better" and found["worse"]["verdict"] == "worse"
    assert found["alike"]["verdict"] == "no significant difference" and found["even"]["verdict"] == ""
    low, high = found["regmix"]["interval"]
    assert low < found["regmix"]["difference_to_stratified"] < high < 0
    assert found["regmix"]["costs"]["regmix"]["extra_tokens"] == 100


def test_a_single_training_makes_no_claim():
    first = [run for run in runs_of(even=3.0, regmix=2.0) if run.seed == 0]
    board = board_of(first)
    assert board["decision"]["winner"] is None and board["methods"][0]["verdict"] == "one training each: no claim"
    assert board["methods"][0]["interval"] is None


def test_each_source_stands_beside_stratified_with_its_interval_and_its_share():
    runs = runs_of(even=3.0, regmix=2.9)
    found = board_of(runs)["methods"][0]
    web, code = found["by_source"]["web"], found["by_source"]["code"]
    differences = [runs[3 + seed].losses["web"] - runs[seed].losses["web"] for seed in range(3)]
    assert web["difference"] == pytest.approx(np.mean(differences)) and web["share"] == 0.75
    assert web["interval"][0] < web["difference"] < web["interval"][1]
    assert code["difference"] == pytest.approx(-0.1) and code["perplexity"] == pytest.approx(math.exp(1.9))
    assert found["loss_to_stratified"]["difference"] == pytest.approx((np.mean(differences) - 0.1) / 2)


def test_a_row_has_all_costs_and_where_the_decision_puts_it():
    rows_by_name = by_name(board_of(runs_of(even=3.0, regmix=2.9, aioli=2.95)))
    regmix, aioli = rows_by_name["regmix"], rows_by_name["aioli"]
    assert (regmix["extra_runs"], regmix["extra_in_runs"], regmix["needed"]) == (4, 0.1, ["swarm small"])
    assert (aioli["probe_tokens"], aioli["evaluation_tokens"], aioli["extra_tokens"]) == (4, 8, 0)
    assert (regmix["place"], rows_by_name["even"]["place"]) == (BEST, BEHIND)
    alike = board_of(runs_of(even=3.0, alike=3.0))["methods"]
    assert {row["place"] for row in alike} == {TIED}


def test_mixtures_that_are_one_have_one_row_and_each_its_own_costs():
    runs = runs_of(even=3.0, other=2.9)
    runs += [run_of("regmix", run.seed, run.losses) for run in runs[:3]]
    same = same_mixtures([run.mixture for run in runs], [f"{run.loss}" for run in runs])
    board = leaderboard(runs, "even", same, decision_on(runs[:6]))
    assert [row["method"] for row in board["methods"]] == ["other", "even = regmix"]
    found = by_name(board)
    assert (found["even"]["extra_tokens"], found["regmix"]["extra_tokens"]) == (0, 100)
    assert found["even"]["difference_to_stratified"] is None
    assert found["regmix"]["loss_to_stratified"] == {"difference": 0.0, "interval": [0.0, 0.0]}
    page = markdown("Which?", board, {})
    assert "| even = regmix | 3 |" in page and "| regmix | 4 | 100 | 0.10 |" in page


def test_costs_that_were_not_recorded_are_left_empty():
    old = [run_of(run.mixture, run.seed, run.losses, cost=None) for run in runs_of(even=3.0, regmix=2.9)]
    board = board_of(old)
    assert {row["extra_tokens"] for row in by_name(board).values()} == {None} and rows(old, "even")[0][
        "extra_runs"
    ] is None
    assert "trained before costs were recorded" in markdown("Which?", board, {})
    mixed = board_of([*old[:3], *runs_of(even=3.0, regmix=2.9)[3:]])
    assert "trained before costs were recorded" in markdown("Which?", mixed, {})


def test_replays_tell_feedback_from_order_and_mixture():
    runs = runs_of(even=3.0, aioli=2.8, again=2.9, mean=2.95)
    replays = {"again": {"method": "aioli", "average": False}, "mean": {"method": "aioli", "average": True}}
    same = same_mixtures([run.mixture for run in runs], [f"{run.mixture}{run.seed}" for run in runs])
    board = leaderboard(runs, "even", same, decision_on(runs), replays)
    (found,) = board["replays"]
    perplexity = {row["method"]: row["mean_test_perplexity"] for row in board["methods"]}
    for part, one, other in (("feedback", "aioli", "again"), ("order", "again", "mean"), ("mixture", "mean", "even")):
        assert found[part]["difference"] == pytest.approx(perplexity[one] - perplexity[other])
        assert found[part]["interval"][1] < 0 and found[part]["p_holm"] < 0.05
    page = markdown("Which?", board, {})
    assert "Schedule or feedback" in page
    assert len(re.findall(r"-\d\.\d{3} \[-\d\.\d{3}, -\d\.\d{3}\], p 0\.", page)) == 3
    (alone,) = leaderboard(runs[:9], "even", same, decision_on(runs[:9]), {"again": replays["again"]})["replays"]
    assert alone["order"] == alone["mixture"] == {"difference": None, "interval": None, "p_holm": None}


def test_mixtures_that_are_one_are_a_row():
    runs = runs_of(even=3.0, regmix=2.9)
    runs += [run_of("unimax", run.seed, run.losses) for run in runs[:3]]
    identities = [f"{'even' if run.mixture == 'unimax' else run.mixture}{run.seed}" for run in runs]
    board = leaderboard(runs, "unimax", same_mixtures([run.mixture for run in runs], identities), decision_on(runs[:6]))
    assert [row["method"] for row in board["methods"]] == ["regmix", "even = unimax"]
    assert board["stratified"] == "even" and board["methods"][1]["names"] == ["even", "unimax"]


def test_the_page_has_the_decision_every_row_and_what_is_charged():
    page = markdown("Which?", board_of(runs_of(even=3.0, regmix=2.9)), {"aioli": ["It has collapsed."]})
    assert "# Methods compared: Which?" in page and "| regmix | 3 |" in page and "better; best" in page
    assert "| regmix | 4 | 100 | 0.10 | 3 | 0 | 0 | 2.0 | swarm small |" in page
    losses, perplexities = r"-0\.\d{4} \[-0\.\d{4}, -0\.\d{4}\]", r"-\d\.\d{3} \[-\d\.\d{3}, -\d\.\d{3}\]"
    assert re.search(rf"\| regmix \| 3 \| 2\.\d{{4}} \| {losses} \| \d+\.\d{{3}} \| {perplexities} \| better", page)
    assert "- aioli: It has collapsed." in page
    assert "nothing is compared with stratified" in markdown("Which?", board_of(runs_of(a=3.0, b=2.9), None), {})


def test_the_page_says_which_sources_the_mean_loss_weighs():
    runs = [run_of("even", 0, {"web": 3.0, "code": 2.0}, weights={"web": 3, "code": 1})]
    assert "mean test loss over sources, weighted (web 75 %, code 25 %), and beside it" in markdown(
        "", board_of(runs), {}
    )
    assert "weighted" not in markdown("", board_of(runs_of(even=3.0)), {})
