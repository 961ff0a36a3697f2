"""The linear law: value_i(p) = sum_j W[i, j] p_j. On the simplex W[i, j] is the value at source j alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from emulsion.laws.exponential import basis
from emulsion.laws.table import Floats, as_rows, read_table

# On slopes, relative to the number of runs: it decides only between directions that no run distinguishes.
_RIDGE = 1e-6


@dataclass(frozen=True)
class LinearLaw:
    """W [g, m]: the value of group i where source j is all there is."""

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    W: Floats

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m]."""
        return np.asarray(as_rows(mixtures, self.sources) @ self.W.T)


def fit_linear_law(mixtures: Any, values: Any, *, weights: Floats | None = None, ridge: float = _RIDGE) -> LinearLaw:
    """Least squares of values [n, g] on mixtures [n, m], runs weighted by `weights` [n]."""
    table = read_table(mixtures, values)
    n, m = table.mixtures.shape
    w = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    q = basis(m)
    x = table.mixtures @ q
    x_mean, y_mean = np.average(x, axis=0, weights=w), np.average(table.values, axis=0, weights=w)
    dx = (x - x_mean) * w[:, None]
    normal = dx.T @ (x - x_mean) + ridge * w.sum() * np.eye(m - 1)
    slope = np.linalg.solve(normal, dx.T @ (table.values - y_mean))  # [m-1, g]
    return LinearLaw(table.sources, table.groups, (y_mean - x_mean @ slope)[:, None] + slope.T @ q.T)
