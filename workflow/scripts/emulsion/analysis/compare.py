"""Paired comparisons of mixtures: the same items and the same seeds, tested by `contrast`, corrected by Holm.

The null hypothesis is that a mixture makes no difference when it is trained again and asked other items. With one seed
and no estimate of its noise the test is one over items: valid for the trained models, silent on the mixtures; the
result says so. Winners are declared from these tests in `decide`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.contrast import difference
from emulsion.analysis.holm import holm
from emulsion.analysis.noise import SeedNoise, in_words, noise_of_differences
from emulsion.analysis.scores import MEAN, ItemScores
from emulsion.errors import UserError

ALPHA = 0.05


def compare(a: ItemScores, b: ItemScores, noise: SeedNoise | None = None) -> dict[str, Any]:
    """The difference a - b: {"mean": cell, "capabilities": {capability: cell}, "seeds", "note"}.

    A cell is {"difference", "interval", "p"}: p uncorrected, the interval of 95 %. noise: estimated from
    these two unless given; pass one pooled over more mixtures where possible.
    """
    noise = noise or noise_of_differences({"a": a, "b": b})
    cells = {group: compare_pair(a, b, group, noise) for group in a.groups}
    seeds = common_seeds(a, b)
    capabilities = {group: cell for group, cell in cells.items() if group != MEAN}
    note = in_words(noise, len(seeds))
    return {"mean": cells[MEAN], "capabilities": capabilities, "seeds": seeds, "note": note}


def compare_pair(
    a: ItemScores, b: ItemScores, group: str = MEAN, noise: SeedNoise | None = None, *, bounded: bool = True
) -> dict[str, Any]:
    """The cell of a - b on one group of items, over the seeds both have; noise None leaves seed noise out."""
    seeds = common_seeds(a, b)
    return difference(a.only(seeds), b.only(seeds), group, noise, bounded=bounded).cell()


def pairwise(
    scores: Mapping[str, ItemScores], group: str = MEAN, noise: SeedNoise | None = None, alpha: float = ALPHA
) -> list[dict[str, Any]]:
    """All pairs of mixtures: rows {"a", "b", "difference", "interval", "p", "p_holm", "verdict"}.

    The family that Holm's correction covers is all rows. verdict: "a is better", "b is better" or "no
    significant difference".
    """
    names = list(scores)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    noise = noise or noise_of_differences(scores)
    cells = [compare_pair(scores[a], scores[b], group, noise) for a, b in pairs]
    adjusted = holm([cell["p"] for cell in cells])
    return [
        {"a": a, "b": b, **cell, "p_holm": float(p), "verdict": _verdict(cell, p, alpha, scores[a].lower)}
        for (a, b), cell, p in zip(pairs, cells, adjusted, strict=True)
    ]


def common_seeds(a: ItemScores, b: ItemScores) -> list[int]:
    """The seeds both were trained with; raises UserError where there is none."""
    seeds = [seed for seed in a.seeds if seed in b.seeds]
    if not seeds:
        raise UserError(f"runs with seeds {list(a.seeds)} and {list(b.seeds)} share none; train both with one of them.")
    return seeds


def listing(names: Sequence[str]) -> str:
    """'A', 'A and B', 'A, B and C'."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _verdict(cell: Mapping[str, Any], p: float, alpha: float, lower: bool) -> str:
    if p >= alpha:
        return "no significant difference"
    return "a is better" if (cell["difference"] > 0) != lower else "b is better"
