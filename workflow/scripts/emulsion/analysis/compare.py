"""Paired comparisons of mixtures: the same items and the same seeds, tested by `contrast`, corrected by Holm.

The null hypothesis is that a mixture makes no difference when it is trained again and asked other items. With one seed
and no estimate of its noise the test is one over items: valid for the trained models, silent on the mixtures; the
result says so. Winners are declared from these tests in `decide`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from emulsion.analysis.contrast import difference
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.scores import Floats, ItemScores
from emulsion.errors import UserError

ALPHA = 0.05


def compare_pair(a: ItemScores, b: ItemScores, group: str, noise: SeedNoise | None) -> dict[str, Any]:
    """The cell of a - b on one group of items, over the seeds both have: {"difference", "interval", "p"}.

    p is uncorrected, the interval one of 95 %; noise None leaves seed noise out.
    """
    seeds = common_seeds(a, b)
    return difference(a.only(seeds), b.only(seeds), group, noise).cell()


def common_seeds(a: ItemScores, b: ItemScores) -> list[int]:
    """The seeds both were trained with; raises UserError where there is none."""
    seeds = [seed for seed in a.seeds if seed in b.seeds]
    if not seeds:
        raise UserError(f"runs with seeds {list(a.seeds)} and {list(b.seeds)} share none; train both with one of them.")
    return seeds


def holm(p: ArrayLike) -> Floats:
    """Holm's correction (1979) of p-values [n].

    Rejecting those below alpha makes any false rejection at most alpha likely.
    """
    raw = np.asarray(p, float)
    order = np.argsort(raw, kind="stable")
    scaled = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def holm_by_name(p: Mapping[str, float | None]) -> dict[str, float]:
    """Holm's correction of p-values keyed by name; a comparison without one is none."""
    known = {name: value for name, value in p.items() if value is not None}
    return dict(zip(known, holm(list(known.values())).tolist(), strict=True))


def listing(names: Sequence[str], most: int = 12) -> str:
    """'A', 'A and B', 'A, B and C'; of more names than `most` the first ones and how many others there are."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1:,} others"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
