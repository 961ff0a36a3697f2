"""The smallest difference an experiment can see, worked out before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from scipy.stats import norm

from emulsion.analysis.compare import ALPHA

POWER = 0.8
# Standard deviation of an item's difference between two runs: that of two answers, right half of the time and
# correlated by 0.5 because easy items are easy for both, is sqrt(2 * 0.25 * 0.5).
ITEM_SD = 0.5
REPEATABLE = 0.5


def minimum_detectable_effect(
    items: int | Mapping[str, int],
    seeds: int = 1,
    sd: float = ITEM_SD,
    *,
    seed_noise_sd: float = 0.0,
    comparisons: int = 1,
    alpha: float = ALPHA,
    power: float = POWER,
    repeatable: float = REPEATABLE,
) -> float:
    """The true difference in score that a paired comparison finds with probability `power`.

    items: how many, or by capability for the mean over capabilities. sd: of an item's difference between two
    runs. repeatable: the share of its variance that is the item's own and comes back with every seed; the rest
    averages out over seeds. seed_noise_sd: of a run's score between seeds. comparisons: tests that alpha is
    shared among, the worst case of Holm. Normal approximation: with two or three seeds a little optimistic.
    """
    counts = list(items.values()) if isinstance(items, Mapping) else [items]
    item_variance = sum(sd**2 / count for count in counts) / len(counts) ** 2
    variance = item_variance * (repeatable + (1 - repeatable) / seeds) + 2 * seed_noise_sd**2 / seeds
    z = float(norm.isf(alpha / (2 * comparisons)) + norm.ppf(power))
    return z * math.sqrt(variance)


def detectable_effects(
    items: Mapping[str, int],
    seeds: int,
    mixtures: int,
    *,
    seed_noise_sd: float = 0.0,
    sd: float = ITEM_SD,
    alpha: float = ALPHA,
    power: float = POWER,
) -> dict[str, Any]:
    """What the plan prints: the effects by capability and for the mean when one mixture is held against all others.

    {"mean", "capabilities": {capability: effect}, "seeds", "mixtures", "items", "assumptions", "text"}.
    """
    settings: dict[str, Any] = {
        "seed_noise_sd": seed_noise_sd,
        "comparisons": max(1, mixtures - 1),
        "alpha": alpha,
        "power": power,
    }
    mean = minimum_detectable_effect(items, seeds, sd, **settings)
    each = {name: minimum_detectable_effect(count, seeds, sd, **settings) for name, count in items.items()}
    noise = f"seed noise of {seed_noise_sd:g}" if seed_noise_sd else "no allowance for seed noise"
    text = (
        f"With {sum(items.values())} items, {seeds} seed{'s' * (seeds != 1)} and {mixtures} mixtures, differences of"
        f" {mean:.3f} in the mean score and {min(each.values()):.3f} to {max(each.values()):.3f} in one capability are"
        f" found with probability {power:g} ({noise})."
    )
    return {
        "mean": mean,
        "capabilities": each,
        "items": dict(items),
        "seeds": seeds,
        "mixtures": mixtures,
        "assumptions": {"item_sd": sd, "repeatable": REPEATABLE, **settings},
        "text": text,
    }
