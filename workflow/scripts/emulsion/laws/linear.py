"""The linear law: value_i(p) = sum_j W[i, j] p_j. On the simplex W[i, j] is the value at source j alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from emulsion.laws.exponential import basis
from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.table import Floats, as_rows, read_table

# On slopes, relative to the number of runs: it decides only between directions that no run distinguishes.
_RIDGE = 1e-6
RIDGES = (1e-6, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)


@dataclass(frozen=True)
class LinearLaw(FittedLaw):
    """W [g, m]: the value of group i where source j is all there is."""

    kind: ClassVar[str] = "linear"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    W: Floats

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m]."""
        return np.asarray(as_rows(mixtures, self.sources) @ self.W.T)

    def convex_terms(self) -> tuple[Floats, Floats, Floats]:
        return self.W, np.zeros(len(self.groups)), np.zeros_like(self.W)

    def parameters(self) -> dict[str, Any]:
        return {"W": by_name(self.W, self.groups, self.sources)}

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        return cls(sources, groups, from_names(law["W"], groups, sources))


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


def fit_ridge_law(mixtures: Any, values: Any) -> LinearLaw:
    """The linear law with the ridge, one for all groups, that predicts runs left out one by one best."""
    table = read_table(mixtures, values)
    n, m = table.mixtures.shape
    x = (table.mixtures - table.mixtures.mean(axis=0)) @ basis(m)
    y = table.values - table.values.mean(axis=0)
    scale = np.maximum(y.var(axis=0), 1e-24)
    errors = []
    for ridge in RIDGES:
        hat = x @ np.linalg.solve(x.T @ x + ridge * n * np.eye(m - 1), x.T) + 1 / n
        left_out = (y - hat @ y) / np.maximum(1 - np.diag(hat), 1e-9)[:, None]
        errors.append((left_out**2 / scale).sum())
    return fit_linear_law(mixtures, values, ridge=RIDGES[int(np.argmin(errors))])
