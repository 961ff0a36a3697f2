"""Trade-offs: which mixtures no other one beats on every capability, and which capabilities pull apart.

Of losses the sources are what pulls apart, and less is better.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from emulsion.analysis.compare import ALPHA, holm
from emulsion.ranks import ORDERS, Floats, orders, pairing_p
from emulsion.seeds import derive_seed

Points = Mapping[str, Mapping[str, float]]  # mixture -> capability -> score
FEWEST = 5  # mixtures: with four, no rank correlation reaches p < 0.05
TRADE_OFF, TOGETHER, UNCLEAR = "trade-off", "rise together", "no clear relation"


def pareto(points: Points, alpha: float = ALPHA, seed: int = 0, *, lower: bool = False) -> dict[str, Any]:
    """{"front": mixtures, "dominated_by": {mixture: better ones}, "trade_offs": rows, "strongest": row or None}.

    The front is of measured scores; noise decides who is on it where scores are close. strongest: the pair of
    capabilities with the most negative rank correlation, significant or not, as its verdict says. lower: whether less
    is better.
    """
    sign = -1.0 if lower else 1.0
    dominated = dominated_by({name: {k: sign * value for k, value in each.items()} for name, each in points.items()})
    rows = trade_offs(points, alpha, seed)
    known = [row for row in rows if row["rho"] is not None]
    return {
        "front": [mixture for mixture in points if mixture not in dominated],
        "dominated_by": dominated,
        "trade_offs": rows,
        "strongest": min(known, key=lambda row: row["rho"]) if known else None,
    }


def dominated_by(points: Points) -> dict[str, list[str]]:
    """Mixture -> those at least as good on every capability and better on one; others are left out."""
    better = {
        mixture: [other for other in points if _dominates(points[other], scores)] for mixture, scores in points.items()
    }
    return {mixture: names for mixture, names in better.items() if names}


def trade_offs(points: Points, alpha: float = ALPHA, seed: int = 0) -> list[dict[str, Any]]:
    """Per pair of capabilities the rank correlation of their scores over mixtures.

    Rows {"a", "b", "rho", "p", "p_holm", "mixtures", "verdict"}: Spearman's rho with the p-value of a
    permutation test, corrected over all pairs. rho and p are None where a score does not vary or fewer than
    `FEWEST` mixtures were trained: two points always correlate perfectly.
    """
    names = list(next(iter(points.values()))) if points else []
    columns = {name: np.array([scores[name] for scores in points.values()]) for name in names}
    rows: list[dict[str, Any]] = []
    for a, b in itertools.combinations(names, 2):
        rho, p = rank_correlation(columns[a], columns[b], seed)
        rows.append({"a": a, "b": b, "rho": rho, "p": p})
    tested = [row for row in rows if row["p"] is not None]
    adjusted = iter(holm([row["p"] for row in tested]).tolist())
    return [_judged(row, adjusted, len(points), alpha) for row in rows]


def rank_correlation(
    x: Sequence[float] | Floats, y: Sequence[float] | Floats, seed: int = 0
) -> tuple[float | None, float | None]:
    """Spearman's rho of x and y [n] and its two-sided permutation p-value, exact up to seven points."""
    count = len(x)
    if count < FEWEST or len(set(x)) == 1 or len(set(y)) == 1:
        return None, None
    # Ranks once, for those of a value in another place are the same: 72 sources are 2,556 pairs of 10,000 orders each.
    left, right = (rankdata(side) - (count + 1) / 2 for side in (x, y))
    scale = math.sqrt(float((left**2).sum() * (right**2).sum()))
    return (
        float(np.clip(left @ right / scale, -1, 1)),
        pairing_p(lambda a, b: np.einsum("...i,...i", a, b) / scale, left, right, _orders(count, seed)),
    )


@lru_cache(maxsize=1)
def _orders(count: int, seed: int) -> NDArray[np.int64]:
    return orders(count, ORDERS, np.random.default_rng(derive_seed(seed, "analysis", "ranks")))


def _dominates(a: Mapping[str, float], b: Mapping[str, float]) -> bool:
    return all(a[name] >= b[name] for name in b) and any(a[name] > b[name] for name in b)


def _judged(row: dict[str, Any], adjusted: Iterator[float], mixtures: int, alpha: float) -> dict[str, Any]:
    p_holm = None if row["p"] is None else next(adjusted)
    verdict = UNCLEAR
    if p_holm is not None and p_holm < alpha:
        verdict = TRADE_OFF if row["rho"] < 0 else TOGETHER
    return {**row, "p_holm": p_holm, "mixtures": mixtures, "verdict": verdict}
