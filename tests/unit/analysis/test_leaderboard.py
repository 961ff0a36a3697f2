import math

import numpy as np
import pytest

from emulsion.analysis.decide import decide
from emulsion.analysis.identity import same_mixtures
from emulsion.analysis.leaderboard import MethodRun, leaderboard, markdown, rows
from emulsion.errors import UserError


def runs_of(**means):
    """Three seeds of each mixture, with a noise that all share and a little of their own."""
    random = np.random.default_rng(0)
    shared = random.normal(0, 0.05, 3)
    return [
        MethodRun(
            mixture=name,
            seed=seed,
            losses={"web": mean + shared[seed] + random.normal(0, 0.002), "code": mean - 1},
            extra_tokens=100 if name == "regmix" else 0,
            evaluation_tokens=7,
            seconds=2.0,
        )
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
    assert list(found[0])[:7] == [
        "method",
        "seed",
        "mean_test_perplexity",
        "difference_to_stratified",
        "extra_tokens",
        "evaluation_tokens",
        "seconds",
    ]
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
    assert found["regmix"]["extra_tokens"] == 100


def test_a_single_training_makes_no_claim():
    first = [run for run in runs_of(even=3.0, regmix=2.0) if run.seed == 0]
    board = board_of(first)
    assert board["decision"]["winner"] is None and board["methods"][0]["verdict"] == "one training each: no claim"
    assert board["methods"][0]["interval"] is None


def test_mixtures_that_are_one_are_a_row():
    runs = runs_of(even=3.0, regmix=2.9) + [
        MethodRun(mixture="unimax", seed=run.seed, losses=run.losses, extra_tokens=0, evaluation_tokens=0, seconds=1.0)
        for run in runs_of(even=3.0)
    ]
    identities = [f"{'even' if run.mixture == 'unimax' else run.mixture}{run.seed}" for run in runs]
    board = leaderboard(runs, "unimax", same_mixtures([run.mixture for run in runs], identities), decision_on(runs[:6]))
    assert [row["method"] for row in board["methods"]] == ["regmix", "even = unimax"]
    assert board["stratified"] == "even"


def test_the_page_has_the_decision_every_row_and_what_is_charged():
    page = markdown("Which?", board_of(runs_of(even=3.0, regmix=2.9)), {"aioli": ["It has collapsed."]})
    assert "# Methods compared: Which?" in page and "| regmix | 3 |" in page and "better" in page
    assert "- aioli: It has collapsed." in page
    assert "nothing is compared with stratified" in markdown("Which?", board_of(runs_of(a=3.0, b=2.9), None), {})
