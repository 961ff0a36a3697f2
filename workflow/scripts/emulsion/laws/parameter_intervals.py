"""Intervals of a law's parameters, by refitting it to its own predictions with residuals drawn anew."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from emulsion import student
from emulsion.laws.exponential import State, basis
from emulsion.laws.law import by_name
from emulsion.laws.static import RIDGES, diverged_runs, fit_weighted, refit_values
from emulsion.laws.table import Floats, Table, read_table
from emulsion.student import LEVEL

Intervals = dict[str, Any]


def parameter_intervals(
    mixtures: Any, losses: Any, *, resamples: int = 200, level: float = LEVEL, seed: int = 0
) -> Intervals:
    """{"A": {group: {source: [low, high]}}, "b": {group: [low, high]}, "c": ...} of the log-linear law.

    A bootstrap of residuals (Efron, 1979): mixtures were chosen, so they stay. Residuals are enlarged by the freedom
    that the fit took, whole runs are drawn so that noise common to a run's groups stays common, and the spread of
    percentiles is widened as Student's t for few runs. The fit has the least ridge, as a ridge would bias it.
    A and b are those of the canonical form. Diverged runs are left out, as the law leaves them out. Every interval is
    [None, None] where the runs leave no degree of freedom, or stand at fewer mixtures than the law has parameters: what
    runs through all points says nothing of their noise.
    """
    table = read_table(mixtures, losses)
    aside = diverged_runs(table)
    table = Table(table.mixtures[~aside], table.values[~aside], table.sources, table.groups)
    n, m = table.mixtures.shape
    if n < m + 2 or len(np.unique(table.mixtures.round(9), axis=0)) < m + 1:
        nothing = np.full((len(table.groups), m, 2), None)
        unknown = by_name(nothing[:, 0], table.groups)
        return {"A": {g: by_name(nothing[0], table.sources) for g in table.groups}, "b": unknown, "c": unknown}
    near, _ = fit_weighted(table, np.ones((1, n)), RIDGES[0], robust=False)
    freedom = n - m - 1
    centred = near.residuals - near.residuals.mean(axis=1, keepdims=True)
    drawn = np.random.default_rng(seed).integers(0, n, (resamples, n))
    values = (table.values.T - near.residuals)[None] + np.sqrt(n / freedom) * centred[:, drawn].transpose(1, 0, 2)
    found = _parameters(refit_values(table, values, RIDGES[0], near), len(table.groups))
    at = _parameters(near, len(table.groups))
    wider = student.quantile(freedom, level) / student.quantile(math.inf, level)
    ends = {key: _ends(draws, at[key][0], level, wider) for key, draws in found.items()}
    a = {group: by_name(rows, table.sources) for group, rows in zip(table.groups, ends["A"], strict=True)}
    return {"A": a, "b": by_name(ends["b"], table.groups), "c": by_name(ends["c"], table.groups)}


def _parameters(state: State, groups: int) -> dict[str, Floats]:
    """A [k, g, m], b and c [k, g] of k fits of all groups."""
    m = state.u.shape[1] + 1
    a = state.u @ basis(m).T
    return {"A": a.reshape(-1, groups, m), "b": state.b.reshape(-1, groups), "c": state.c.reshape(-1, groups)}


def _ends(draws: Floats, at: Floats, level: float, wider: float) -> Floats:
    """Ends [..., 2] of intervals about the fitted parameters, from draws [k, ...]."""
    sides = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.asarray(np.moveaxis(at + wider * (sides - at), 0, -1))
