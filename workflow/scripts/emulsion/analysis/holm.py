"""Holm's correction (1979) of p-values that are looked at together."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from emulsion.analysis.scores import Floats


def holm(p: ArrayLike) -> Floats:
    """Adjusted p-values [n]: rejecting those below alpha makes any false rejection at most alpha likely."""
    raw = np.asarray(p, float)
    order = np.argsort(raw, kind="stable")
    scaled = raw[order] * np.arange(len(raw), 0, -1)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(scaled))
    return adjusted


def holm_by_name(p: Mapping[str, float]) -> dict[str, float]:
    """Holm's correction of p-values keyed by name."""
    return dict(zip(p, holm(list(p.values())).tolist(), strict=True))
