"""Which mixture is best, and whether that can be said: the one place where winners and ties are declared.

A winner is a mixture, not a run. The unit of the claim is therefore the run: the mean score of each mixture over its
seeds, the variance between seeds pooled over mixtures where that is sound (`noise`), and t-tests of the best mixture
against each other one, with Holm's correction. Where scores of items are known, the choice of items counts too
(`contrast`). Of losses the least is the best, and runs are paired by seed. One training of each mixture gives scores
and their order, and no claim.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emulsion.analysis.compare import ALPHA, compare_pair, holm_by_name, listing
from emulsion.analysis.noise import SeedNoise, in_words, noise_of_differences, paired_noise, pooled
from emulsion.analysis.scores import MEAN, Floats, ItemScores
from emulsion.errors import UserError
from emulsion.student import Estimate

# What one training of each mixture allows to say of mixtures.
NO_CLAIM = "one training each: no claim about mixtures"

# A mixture's scores: of items by run, or one number of each run, by seed or in any order.
MixtureScores = ItemScores | Mapping[int, float] | Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What can be said of the best of some mixtures.

    winner       the mixture that is significantly better than every other one; None where there is none
    tied         those that cannot be told apart from the best, best first; the winner alone if one is named
    seeds        trainings per mixture, of the mixture with fewest
    alpha        how often, at most, a winner is declared where the best are truly equal
    text         the same in words, without a full stop
    claims       whether the noise between seeds is known: without it there is an order and no claim
    comparisons  {other mixture: {"difference", "interval", "p", "p_holm"}} of the best less the other
    note         what the intervals and p-values account for
    """

    winner: str | None
    tied: list[str]
    seeds: int
    alpha: float
    text: str
    claims: bool = True
    comparisons: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    note: str = ""

    @property
    def leader(self) -> str:
        """The mixture with the best score or loss, whether or not that means anything."""
        return self.tied[0]

    @property
    def alone(self) -> bool:
        """Whether there is no other mixture to compare it with."""
        return not self.comparisons

    def to_json(self) -> dict[str, Any]:
        """{"winner", "tied", "seeds", "alpha", "text"}: the decision without its evidence."""
        return {
            "winner": self.winner,
            "tied": self.tied,
            "seeds": self.seeds,
            "alpha": self.alpha,
            "text": self.text,
        }

    def evidence(self) -> dict[str, Any]:
        """The decision with the comparisons it rests on: `to_json` and what else there is to know."""
        return {
            **self.to_json(),
            "leader": self.leader,
            "comparisons": {name: dict(cell) for name, cell in self.comparisons.items()},
            "seed_noise_included": self.claims,
            "note": self.note,
        }


def decide(
    scores: Mapping[str, MixtureScores],
    group: str = MEAN,
    noise: SeedNoise | None = None,
    alpha: float = ALPHA,
    *,
    lower: bool = False,
) -> Decision:
    """The mixture that beats every other one after Holm's correction, or those that cannot be told apart.

    scores: {mixture: its scores}, either scores of items, of which `group` is compared, or one number per run, by seed
    or as a sequence. lower: whether less is better, as of losses; scores of items know that themselves. Losses by seed
    are compared at equal seeds. noise: what is known of the noise between seeds from elsewhere; else it is estimated
    from the mixtures with several seeds, and without any, nobody wins.

    Choosing the best by its score does no harm: to win it must also beat the one it is truly equal to, which happens
    with probability alpha at most.

    Raises UserError where there is no mixture, a mixture has no run, kinds of scores are mixed, or one is not finite.
    """
    if not scores:
        raise UserError("decide: no mixtures to choose from.")
    items = {name: each for name, each in scores.items() if isinstance(each, ItemScores)}
    if len(items) == len(scores):
        lower = next(iter(items.values())).lower
        means = {name: each.score(group) for name, each in items.items()}
        counts = {name: len(each.seeds) for name, each in items.items()}
        noise = noise or noise_of_differences(items)
        leader, others = _order(means, lower)
        cells = {name: compare_pair(items[leader], items[name], group, noise) for name in others}
    elif items:
        raise UserError(f"decide: scores of items for {listing(list(items))} only; give one kind for all mixtures.")
    else:
        runs = {name: _numbers(name, each) for name, each in scores.items() if not isinstance(each, ItemScores)}
        means = {name: float(each.mean()) for name, each in runs.items()}
        counts = {name: len(each) for name, each in runs.items()}
        noise = noise or (lower and _paired_noise_of_runs(scores, runs, group)) or _noise_of_runs(runs, group)
        leader, others = _order(means, lower)
        cells = {name: _run_cell(runs[leader], runs[name], noise, group) for name in others}
    note = in_words(noise, counts[leader], "test text" if lower else "items")
    return _decision(leader, others, cells, noise is not None, min(counts.values()), alpha, note, lower)


def decide_all(scores: Mapping[str, ItemScores], noise: SeedNoise | None = None) -> dict[str, Decision]:
    """The decisions on each capability and, last, on their mean, by name; arguments as of `decide`."""
    if not scores:
        raise UserError("decide: no mixtures to choose from.")
    groups, noise = next(iter(scores.values())).groups, noise or noise_of_differences(scores)
    return {group: decide(scores, group, noise) for group in groups}


def _order(means: Mapping[str, float], lower: bool) -> tuple[str, list[str]]:
    """The best and the others, best first; equal ones keep their order."""
    leader, *others = sorted(means, key=lambda name: means[name] if lower else -means[name])
    return leader, others


def _decision(
    leader: str,
    others: Sequence[str],
    cells: Mapping[str, Mapping[str, Any]],
    claims: bool,
    seeds: int,
    alpha: float,
    note: str,
    lower: bool,
) -> Decision:
    """The decision that the tests of the best against the others [by name, best first] lead to."""
    adjusted = holm_by_name({name: cell["p"] for name, cell in cells.items()})
    # Over the seeds that both have, the leader over all of its own may be the worse one.
    beaten = {
        name for name, cell in cells.items() if claims and adjusted[name] < alpha and (cell["difference"] < 0) is lower
    }
    tied = [leader, *(name for name in others if name not in beaten)]
    winner = leader if others and len(tied) == 1 else None
    if not others:
        text = f"{leader} is the only mixture; there is nothing to compare it with"
    elif not claims:
        text = NO_CLAIM
    elif winner:
        text = f"{winner} is significantly better than every other mixture"
    else:
        text = f"no significant difference between {listing(tied)}"
    return Decision(
        winner=winner,
        tied=tied,
        seeds=seeds,
        alpha=alpha,
        text=text,
        claims=claims,
        comparisons={name: {**cell, "p_holm": adjusted[name]} for name, cell in cells.items()},
        note=note,
    )


def _numbers(mixture: str, runs: Mapping[int, float] | Sequence[float]) -> Floats:
    """The scores of a mixture's runs [seeds]."""
    values = np.asarray([runs[seed] for seed in sorted(runs)] if isinstance(runs, Mapping) else runs, np.float64)
    if values.ndim != 1 or not len(values):
        raise UserError(f"decide: mixture '{mixture}' needs one score per run, of one run or more.")
    if not np.isfinite(values).all():
        raise UserError(f"decide: a score of mixture '{mixture}' is not a finite number.")
    return values


def _noise_of_runs(runs: Mapping[str, Floats], group: str) -> SeedNoise | None:
    """The spread between seeds of the mixtures with several; None where none has."""
    if all(len(each) < 2 for each in runs.values()):
        return None
    spread, df, sound = pooled(list(runs.values()))
    return SeedNoise(run_sd={group: spread}, df=df, apart=() if sound else (group,))


def _paired_noise_of_runs(
    scores: Mapping[str, MixtureScores], runs: Mapping[str, Floats], group: str
) -> SeedNoise | None:
    """The same of differences at equal seeds; None unless all mixtures have numbers of the same seeds."""
    seeds = [tuple(sorted(each)) for each in scores.values() if isinstance(each, Mapping)]
    if len(seeds) != len(runs) or len(set(seeds)) != 1 or min(len(seeds), len(seeds[0])) < 2:
        return None
    return paired_noise({group: np.stack(list(runs.values()))})


def _run_cell(best: Floats, other: Floats, noise: SeedNoise | None, group: str) -> dict[str, Any]:
    """{"difference", "interval", "p"} of the t-test whose unit is the run; p is 1 where no noise is known."""
    difference = float(best.mean() - other.mean())
    if noise is None:
        return {"difference": difference, "interval": None, "p": 1.0}
    if noise.paired and group in noise.apart:
        variance, freedom = noise.of_differences(best - other, group, 2.0)
        return Estimate(difference, math.sqrt(variance), freedom).cell()
    parts = [noise.variance(runs, group) for runs in (best, other)]
    variance = sum(each for each, _ in parts)
    squares = sum(each**2 / df for each, df in parts)
    freedom = variance**2 / squares if group in noise.apart and squares else noise.freedom(group)
    return Estimate(difference, math.sqrt(variance), freedom).cell()
