"""The smallest difference an experiment can see, worked out before anything is trained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import scipy

from emulsion.analysis.compare import ALPHA, listing
from emulsion.analysis.contrast import ENOUGH, freedom_of_sum
from emulsion.analysis.scores import MEAN
from emulsion.student import quantile

POWER = 0.8
# Standard deviation of an item's difference between two runs: that of two answers, right half of the time and
# correlated by 0.5 because easy items are easy for both, is sqrt(2 * 0.25 * 0.5).
ITEM_SD = 0.5
REPEATABLE = 0.5
# Of losses, assumed until they are measured: standard deviation of a test sequence's difference between two mixtures,
# and of a run's loss on one source between seeds, less what a seed does to all mixtures: a part that its sources have
# in common, and one that each has for itself. The mean of the demonstration's four has .0088 (docs/statistics.md).
SEQUENCE_SD, LOSS_NOISE_IN_COMMON, LOSS_NOISE_APART = 0.10, 0.0076, 0.0088
# Standard deviation of a run's score between seeds, where nothing was measured yet: of the demonstration's mean score
# and of one of its capabilities (docs/statistics.md).
SEED_NOISE_OF_MEAN, SEED_NOISE = 0.025, 0.055


def minimum_detectable_effect(
    items: int | Mapping[str, int],
    seeds: int = 1,
    sd: float = ITEM_SD,
    *,
    seed_noise_sd: float = 0.0,
    comparisons: int = 1,
    repeatable: float = REPEATABLE,
    df: float = math.inf,
    shares: Mapping[str, float] | None = None,
    bounded: bool = True,
) -> float:
    """The true difference in score that a paired comparison, as `contrast` makes it, finds with probability `POWER`.

    items: how many, or by capability for the mean over capabilities. sd: of an item's difference between two
    runs. repeatable: the share of its variance that is the item's own and comes back with every seed; the rest
    averages out over seeds. seed_noise_sd: of a run's score between seeds, that rest included, so never less than it.
    comparisons: tests that `ALPHA` is shared among, the worst case of Holm. df: degrees of freedom that seed noise will
    be estimated with. shares: of each capability in the mean, by default alike. bounded: as scores are, losses not.
    """
    counts = dict(items) if isinstance(items, Mapping) else {MEAN: items}
    shares = shares or dict.fromkeys(counts, 1 / len(counts))
    added = 2 if bounded else 0  # items of opposite outcome
    variances = {
        name: shares[name] ** 2 * (count * sd**2 + added) / (count + added) ** 2 for name, count in counts.items()
    }
    item_variance = sum(variances.values())
    squares = sum(variances[name] ** 2 / (count - 1) for name, count in counts.items() if count > 1)
    item_df = item_variance**2 / squares if squares else math.inf
    by_themselves = item_variance * (1 - repeatable)
    chosen, runs = item_variance * repeatable, max(by_themselves, 2 * seed_noise_sd**2) / seeds
    if df < ENOUGH:
        chosen += by_themselves / seeds  # is not taken out of what the choice of items leaves
    freedom = freedom_of_sum((chosen, item_df), [(runs, df)], df, bounded=bounded)
    critical = quantile(freedom, 1 - ALPHA / comparisons)
    return float(scipy.special.nctdtrinc(freedom, 1 - POWER, critical)) * math.sqrt(chosen + runs)


def detectable_effects(
    items: Mapping[str, int],
    seeds: int,
    mixtures: int,
    *,
    seed_noise: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """What the plan prints: the effects by capability and for the mean when one mixture is held against all others.

    seed_noise: {capability or "mean": standard deviation between seeds}, as measured so far; where it has nothing, that
    of the demonstration. An effect is None where it is undetectable: with one seed, or above the largest difference
    of scores, 1. {"mean", "capabilities": {capability: effect}, "seeds", "mixtures", "items", "assumptions", "text"}.
    """
    measured = dict(seed_noise or {})
    noise = {MEAN: SEED_NOISE_OF_MEAN, **dict.fromkeys(items, SEED_NOISE), **measured}

    def effect(group: str, count: int | Mapping[str, int]) -> float | None:
        if seeds < 2 or mixtures < 2:
            return None
        df = mixtures * (seeds - 1)
        found = minimum_detectable_effect(count, seeds, seed_noise_sd=noise[group], df=df, comparisons=mixtures - 1)
        return found if found <= 1 else None

    mean, each = effect(MEAN, items), {name: effect(name, count) for name, count in items.items()}
    origin = "measured in this experiment" if MEAN in measured else "that of the demonstration"
    count = sum(items.values())
    head = _head(f"{count} item{'s' * (count != 1)}", seeds, mixtures)
    known = [value for value in each.values() if value is not None]
    if seeds < 2 or mixtures < 2:
        text = _no_claim(head, seeds)
    elif mean is None and not known:
        text = f"{head}, no difference between mixtures is detectable: the items are too few. Add items or seeds."
    else:
        found = [] if mean is None else [f"{mean:.3f} in the mean score"]
        found += [f"{_range(known)} in one capability"] if known else []
        lost = ["the mean score"] if mean is None else []
        lost += [name for name, value in each.items() if value is None]
        text = (
            f"{head}, differences of {' and '.join(found)} are found with probability {POWER:g} (seed noise of"
            f" {noise[MEAN]:.3f} in the mean score, {origin}).{f' None are found in {listing(lost)}.' if lost else ''}"
        )
    return {
        "kind": "capabilities",
        "mean": mean,
        "capabilities": each,
        "items": dict(items),
        "seeds": seeds,
        "mixtures": mixtures,
        "assumptions": {"item_sd": ITEM_SD, "repeatable": REPEATABLE, "seed_noise": noise, **_tests(mixtures)},
        "text": text,
    }


def _range(effects: Sequence[float]) -> str:
    """The least and the most of effects, once where they are printed alike."""
    return " to ".join(dict.fromkeys(f"{effect:.3f}" for effect in (min(effects), max(effects))))


def detectable_losses(
    sequences: Mapping[str, int],
    seeds: int,
    mixtures: int,
    *,
    weights: Mapping[str, float] | None = None,
    seed_noise: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The same of losses, in nats per token: {"mean", "sources": {source: effect}, "seeds", "mixtures", ..., "text"}.

    sequences: {source: test sequences}; weights: of the sources in the mean, by default alike; seed_noise: {source or
    "mean": standard deviation of paired runs}, as measured so far.
    """
    measured = dict(seed_noise or {})
    given = {name: (weights or {}).get(name, 0.0) if weights else 1.0 for name in sequences}
    shares = {name: weight / sum(given.values()) for name, weight in given.items()}
    alone = math.hypot(LOSS_NOISE_IN_COMMON, LOSS_NOISE_APART)
    together = math.hypot(LOSS_NOISE_IN_COMMON, LOSS_NOISE_APART * math.hypot(*shares.values()))
    noise = {MEAN: together, **dict.fromkeys(sequences, alone), **measured}
    tests = mixtures - 1

    def effect(group: str, counts: Mapping[str, int], of: Mapping[str, float]) -> float | None:
        if seeds < 2 or mixtures < 2:
            return None
        return minimum_detectable_effect(
            counts,
            seeds,
            SEQUENCE_SD,
            seed_noise_sd=noise[group],
            comparisons=tests,
            repeatable=1.0,
            df=tests * (seeds - 1),
            shares=of,
            bounded=False,
        )

    mean = effect(MEAN, sequences, shares)
    each = {name: effect(name, {name: count}, {name: 1.0}) for name, count in sequences.items()}
    origin = "measured in this experiment" if MEAN in measured else "that of the demonstration"
    head = _head(f"up to {max(sequences.values())} test sequences of each source", seeds, mixtures)
    if mean is None:
        text = _no_claim(head, seeds)
    else:
        known = [value for value in each.values() if value is not None]
        text = (
            f"{head}, differences of {mean:.3f} nats ({100 * math.expm1(mean):.1f} % of perplexity) in the mean test"
            f" loss and {_range(known)} nats on one source are found with probability {POWER:g}"
            f" (seed noise of {noise[MEAN]:.3f} nats in the mean, {origin})."
        )
    return {
        "kind": "losses",
        "mean": mean,
        "sources": each,
        "sequences": dict(sequences),
        "weights": weights and dict(weights),
        "seeds": seeds,
        "mixtures": mixtures,
        "assumptions": {"sequence_sd": SEQUENCE_SD, "seed_noise": noise, **_tests(mixtures)},
        "text": text,
    }


def _tests(mixtures: int) -> dict[str, Any]:
    return {"comparisons": max(1, mixtures - 1), "alpha": ALPHA, "power": POWER}


def _head(text: str, seeds: int, mixtures: int) -> str:
    """'With 200 items, 3 seeds and 6 mixtures'."""
    return f"With {text}, {seeds} seed{'s' * (seeds != 1)} and {mixtures} mixture{'s' * (mixtures != 1)}"


def _no_claim(head: str, seeds: int) -> str:
    """Why one seed, or one mixture, tells nothing."""
    why = "one training each allows no claim. Add seeds" if seeds < 2 else "there is nothing to compare"
    return f"{head}, no difference between mixtures is detectable: {why}."


def in_print(effect: float | None) -> str:
    """'0.031', or 'undetectable'."""
    return "undetectable" if effect is None else f"{effect:.3f}"
