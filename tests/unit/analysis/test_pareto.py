"""The Pareto front by definition, and trade-offs only where ranks say so."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, rankdata, spearmanr

from emulsion import ranks
from emulsion.analysis.trade_offs import dominated_by, pareto, rank_correlation, trade_offs
from emulsion.seeds import derive_seed

POINTS = st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=10).map(
    lambda rows: {f"m{i}": dict(zip("abc", map(float, row), strict=True)) for i, row in enumerate(rows)}
)


@given(POINTS)
def test_the_front_is_all_that_nothing_beats(points: dict) -> None:
    def beats(one: dict, other: dict) -> bool:
        return min(one[c] - other[c] for c in "abc") >= 0 and max(one[c] - other[c] for c in "abc") > 0

    front = pareto(points)["front"]
    assert front == [name for name in points if not any(beats(points[other], points[name]) for other in points)]
    assert front  # finite sets have a best


@given(POINTS)
def test_whatever_is_off_the_front_is_beaten_by_one_on_it(points: dict) -> None:
    front = set(pareto(points)["front"])
    assert all(front & set(better) for better in dominated_by(points).values())


def test_opposed_capabilities_are_a_trade_off_and_parallel_ones_are_not() -> None:
    points = {f"m{i}": {"a": i / 10, "b": 1 - i / 10, "c": i / 10 + 0.01} for i in range(9)}
    found = pareto(points)
    verdicts = {(row["a"], row["b"]): row["verdict"] for row in found["trade_offs"]}
    assert verdicts == {("a", "b"): "trade-off", ("a", "c"): "rise together", ("b", "c"): "trade-off"}
    assert found["strongest"]["rho"] == pytest.approx(-1)


def test_too_few_mixtures_and_constant_scores_have_no_correlation() -> None:
    few = trade_offs({f"m{i}": {"a": float(i), "b": -float(i)} for i in range(4)})
    assert few[0]["rho"] is None and few[0]["p_holm"] is None and few[0]["verdict"] == "no clear relation"
    assert rank_correlation([1.0] * 6, list(range(6))) == (None, None)


def test_p_values_are_those_of_spearman_over_all_orders_with_ties() -> None:
    random = np.random.default_rng(2)
    x, y = random.integers(0, 6, (2, 20)).astype(float)
    tried = ranks.orders(20, ranks.ORDERS, np.random.default_rng(derive_seed(0, "analysis", "ranks")))
    rho, p = rank_correlation(x, y)
    assert rho == pytest.approx(float(ranks.spearman(x, y)), abs=1e-12)
    assert p == ranks.pairing_p(ranks.spearman, x, y, tried)


def test_a_pair_of_sources_is_not_ranked_again_for_every_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """SmolLM3's 72 sources are 2,556 pairs, which took four minutes."""
    ranked: list[int] = []
    monkeypatch.setattr(
        "emulsion.analysis.trade_offs.rankdata", lambda side: ranked.append(len(side)) or rankdata(side)
    )
    random = np.random.default_rng(0)
    trade_offs({f"m{row}": {name: float(random.random()) for name in "abc"} for row in range(9)})
    assert ranked == [9] * 6
    assert pareto({f"m{i}": {"a": 1.0, "b": 2.0} for i in range(6)})["strongest"] is None


def test_rho_is_spearmans_and_its_p_value_exact_for_few_points() -> None:
    x, y = [1.0, 2.0, 2.0, 5.0, 4.0], [3.0, 1.0, 2.0, 2.0, 0.5]
    rho, p = rank_correlation(x, y)
    assert rho == pytest.approx(spearmanr(x, y).statistic)
    all_rho = [abs(spearmanr(x, order).statistic) for order in itertools.permutations(y)]
    assert p == pytest.approx(np.mean(np.array(all_rho) >= abs(rho) - 1e-9))


def test_p_values_of_unrelated_capabilities_are_uniform() -> None:
    rng = np.random.default_rng(0)
    p = [rank_correlation(*rng.random((2, 9)), seed=i)[1] for i in range(150)]
    assert kstest(p, "uniform").pvalue > 0.01
