"""What the evidence cannot tell from the best mixture: a set, its ranges, vertices, and member nearest to the sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion import student
from emulsion.laws.region import Region
from emulsion.laws.table import Floats
from emulsion.methods.designs import differ, swarm
from emulsion.methods.surrogates import Surrogate
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed
from emulsion.student import LEVEL

_DRAWS = 4096  # mixtures that the set is looked for among
_WAYS = 64  # of these, to which the way from the best one is looked at too, in `_STEPS` steps
_STEPS = 33


def mixtures_around(region: Region, best: Floats, sizes: Mapping[str, float], seed: int) -> Floats:
    """Mixtures [k, m] of a region among which the set is looked for, the best [m] first; sizes: {source: tokens}."""
    drawn = swarm(region, _DRAWS, derive_seed(seed, "set"), best)
    away = np.linspace(0, 1, _STEPS)[:, None]
    ends = (*region.project(_shares(sizes, region.sources)[None, :]), *drawn[:_WAYS])
    return np.concatenate([best[None, :], *(best + away * (end - best) for end in ends), drawn])


@dataclass(frozen=True)
class TiedSet:
    """members [k, m], the best one first; nearest [m] of them to the sizes"""

    members: Floats
    nearest: Floats

    @classmethod
    def of(cls, members: Floats, sources: Sequence[str], sizes: Mapping[str, float]) -> TiedSet:
        """sources: of the columns; sizes: {source: tokens}."""
        return cls(members, np.asarray(members[differ(members, _shares(sizes, sources)).argmin()]))

    def to_json(self, named: Callable[[Floats], Mixture], sources: Sequence[str]) -> dict[str, Any]:
        """named: a row as a mixture; sources: of the columns."""
        columns = list(zip(sources, self.members.T, strict=True))
        return {
            "level": LEVEL,
            "ranges": {source: [float(shares.min()), float(shares.max())] for source, shares in columns},
            "vertices": {
                f"{side} {source}": dict(named(self.members[pick(shares)]))
                for source, shares in columns
                for side, pick in (("least", np.argmin), ("most", np.argmax))
            },
            "nearest_to_sizes": dict(named(self.nearest)),
        }


@dataclass(frozen=True)
class Comparison:
    """Which mixtures cannot be told from the first; spread [k] of the function at each, if known; how that was found"""

    tied: NDArray[np.bool_]
    spread: Floats | None
    how: str


def compare_to_first(surrogate: Surrogate, rows: Floats, resamples: int, seed: int) -> Comparison:
    """Which of the mixtures [k, m] a surrogate cannot tell from the first of them."""
    values = surrogate.predict(rows)
    draws = surrogate.draws(rows, resamples, seed)
    if draws is None:
        return Comparison(values[0] - values <= surrogate.rmse + 1e-12, None, "by less than the leave-one-out error")
    quantile = student.quantile(max(1, len(surrogate.runs.scores) - len(surrogate.runs.sources)))
    apart = quantile * (draws - draws[:, :1]).std(axis=0)
    how = f"by refits to resampled runs, at the level of {100 * LEVEL:.0f} %"
    return Comparison(values[0] - values <= apart + 1e-12, quantile * draws.std(axis=0), how)


def _shares(sizes: Mapping[str, float], names: Sequence[str]) -> Floats:
    """Shares [m] of all tokens; even where no size is known."""
    tokens = np.array([float(sizes.get(name, 0.0)) for name in names])
    return tokens / tokens.sum() if tokens.sum() > 0 else np.full(len(names), 1 / len(names))
