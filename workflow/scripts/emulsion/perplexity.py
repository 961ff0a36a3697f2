"""Perplexity, and when a run counts as diverged; apart from `losses`, which needs torch, as the analysis does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Above any vocabulary: only a diverged model comes near, and exp of its loss may be too large for a number.
MOST = 1e9
DIVERGED = "a run diverged, that is, on its own mixture it is worse than blind guessing"


def perplexity(loss: float) -> float:
    """exp of a loss in nats per token, at most `MOST`.

    >>> round(perplexity(2.0), 3), perplexity(943.0)
    (7.389, 1000000000.0)
    """
    return min(math.exp(min(loss, 700.0)), MOST)


def has_diverged(losses: Mapping[str, float], ratios: Mapping[str, float], vocabulary: int) -> bool:
    """Whether a run is worse than blind guessing, log(vocabulary), on its own mixture.

    losses: {source: nats per token}; ratios: {source: share of tokens}, of the sources trained on at least. A source
    that was not trained on does not count: its loss may well be that high.

    >>> has_diverged({"web": 2.0, "code": 9.0}, {"web": 1.0}, 512), has_diverged({"web": 9.0}, {"web": 1.0}, 512)
    (False, True)
    """
    return math.fsum(ratio * losses[source] for source, ratio in ratios.items()) > math.log(vocabulary)


def diverged_mixtures(mixtures: Sequence[str], records: Sequence[Mapping[str, Any]]) -> list[str]:
    """The mixtures of which a run diverged; records: `run.json` of every run, in the order of their mixtures."""
    return list(dict.fromkeys(name for name, record in zip(mixtures, records, strict=True) if record.get("diverged")))


def diverged_note(mixtures: Sequence[str]) -> str:
    """' only_law: a run diverged ...'; empty where none did."""
    if not mixtures:
        return ""
    return f" {', '.join(mixtures)}: {DIVERGED}; what has such a run is set aside where others are left to compare."
