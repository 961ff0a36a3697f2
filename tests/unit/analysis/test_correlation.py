from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from emulsion.analysis.correlation import Point, correlations, point
from emulsion.errors import UserError


def points(losses: list[float], scores: list[float], seeds: int = 1) -> list[Point]:
    return [
        Point(f"mix{index}-seed{seed}", f"mix{index}", loss, float(np.exp(loss)), {"mean": score, "piqa": 0.5})
        for index, (loss, score) in enumerate(zip(losses, scores, strict=True))
        for seed in range(seeds)
    ]


def test_lower_losses_with_better_scores_correlate_below_zero_with_an_interval_that_says_so() -> None:
    losses = [2.0, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4]
    found = correlations(points(losses, [0.9 - 0.2 * loss for loss in losses]), resamples=300, seed=0)
    assert found["loss"]["mean"]["pearson"]["value"] == pytest.approx(-1)
    assert found["perplexity"]["mean"]["spearman"]["value"] == pytest.approx(-1)
    assert found["loss"]["mean"]["spearman"]["interval"][1] < 0
    assert (found["runs"], found["mixtures"], found["note"]) == (8, 8, None)


def test_three_mixtures_are_too_few_however_many_seeds_they_have() -> None:
    found = correlations(points([1.0, 2.0, 3.0], [0.3, 0.2, 0.1], seeds=4), resamples=100, seed=0)
    assert found["note"].startswith("too few runs")
    assert (found["runs"], found["mixtures"], found["loss"], found["perplexity"]) == (12, 3, {}, {})
    assert len(found["points"]) == 12


def test_scores_without_spread_have_no_correlation() -> None:
    entry = correlations(points([1.0, 2.0, 3.0, 4.0], [0.1, 0.2, 0.3, 0.4]), 200, 0)["loss"]["piqa"]
    assert entry["pearson"] == {"value": None, "interval": None, "p": None}


def test_further_seeds_of_the_same_mixtures_change_nothing_but_the_number_of_runs() -> None:
    losses, scores = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [0.5, 0.1, 0.4, 0.2, 0.3, 0.6]
    one, five = (correlations(points(losses, scores, seeds), 100, 0) for seeds in (1, 5))
    assert (one["runs"], five["runs"]) == (6, 30)
    for kind, entry in one["loss"]["mean"].items():
        for name, value in entry.items():
            assert five["loss"]["mean"][kind][name] == pytest.approx(value), (kind, name)


def test_four_mixtures_in_perfect_order_are_not_yet_significant() -> None:
    entry = correlations(points([1.0, 2.0, 3.0, 4.0], [0.4, 0.3, 0.2, 0.1]), 100, 0)["loss"]["mean"]["spearman"]
    assert entry["value"] == pytest.approx(-1)
    assert entry["p"] == pytest.approx(2 / 24)


@pytest.mark.parametrize("count", [6, 9])
def test_p_is_that_of_scipys_test_of_random_pairings(count: int) -> None:
    rng = np.random.default_rng(count)
    losses, scores = rng.normal(size=(2, count))
    found = correlations(points(list(losses), list(scores)), 4000, 0)["loss"]["mean"]["pearson"]["p"]
    expected = stats.permutation_test(
        (losses,),
        lambda x: abs(stats.pearsonr(x, scores).statistic),
        permutation_type="pairings",
        alternative="greater",
        n_resamples=4000,
        rng=0,
    ).pvalue
    assert found == pytest.approx(expected, abs=0.05)


def test_a_point_has_the_unweighted_means_over_sources() -> None:
    perplexity = {"sources": {"a": {"loss": 1.0}, "b": {"loss": 3.0}}}
    downstream = {"mean": {"score": 0.4}, "tasks": {"piqa": {"acc": {"score": 0.5}}, "boolq": {"acc": {"score": 0.3}}}}
    made = point("run", "mix", perplexity, downstream)
    assert (made.loss, made.perplexity) == (2.0, pytest.approx((np.e + np.e**3) / 2))
    assert made.scores == {"mean": 0.4, "piqa": 0.5, "boolq": 0.3}


def test_runs_that_were_asked_different_tasks_are_refused() -> None:
    mixed = [*points([1.0], [0.1]), Point("other", "other", 2.0, 7.4, {"mean": 0.2, "boolq": 0.1})]
    with pytest.raises(UserError, match="different tasks"):
        correlations(mixed, 100, 0)
