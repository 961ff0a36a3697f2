"""Sources that cannot be told apart: training on one in place of the other changes no loss.

A source that is there twice under two names is such a pair. What tells them apart are the runs on each source alone,
compared on the same test text of every source, at equal seeds.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from emulsion.analysis.compare import ALPHA, compare_pair, holm
from emulsion.analysis.noise import noise_of_differences
from emulsion.analysis.scores import MEAN, ItemScores


def alike(scores: Mapping[str, ItemScores], alone: Mapping[str, str], alpha: float = ALPHA) -> list[dict[str, Any]]:
    """Rows {"sources": [a, b], "largest", "p_holm", "text"} of the pairs that no loss tells apart.

    scores: losses; alone: {source: mixture of it alone}. largest: difference of losses over sources, nats per token;
    p_holm: the least over sources, after Holm's correction over them. Nothing is said of runs with one seed.
    """
    noise = noise_of_differences({name: scores[name] for name in alone.values()})
    if noise is None:
        return []
    rows = []
    for a, b in itertools.combinations(alone, 2):
        first, second = scores[alone[a]], scores[alone[b]]
        cells = [compare_pair(first, second, group, noise) for group in first.groups if group != MEAN]
        p = float(holm([cell["p"] for cell in cells]).min())
        if p >= alpha:
            largest = max(abs(cell["difference"]) for cell in cells)
            text = (
                f"The sources {a} and {b} cannot be told apart: between models trained on one and on the other alone,"
                f" no loss differs significantly (by {largest:.3f} nats at most, p {p:.2g}); only the sum of their"
                " shares counts."
            )
            rows.append({"sources": [a, b], "largest": largest, "p_holm": p, "text": text})
    return rows
