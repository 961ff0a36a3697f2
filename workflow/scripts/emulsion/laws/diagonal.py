"""The diagonal dynamic law: each group's loss falls by what its own source's share does to it, and by nothing else.

L_i^{t+1} = L_i^t - d_i p_i, as methods with a diagonal matrix assume (Aioli, 2411.05735, section C.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from emulsion.errors import unknown
from emulsion.laws.dynamic import RIDGE, DynamicLaw, losses_before, robust_regression
from emulsion.laws.interface import by_name
from emulsion.laws.table import read_table


def fit_diagonal_law(
    mixtures: Any,
    next_losses: Any,
    losses: Any,
    *,
    robust: bool = True,
    sources: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> DynamicLaw:
    """The linear dynamic law, pinned to `losses`, with a diagonal A; arguments as of `fit_dynamic_law`.

    Raises UserError where a group is not one of the sources, so that it has no share of its own.
    """
    table = read_table(mixtures, next_losses, sources, groups)
    before = losses_before(losses, table.groups)
    for group in table.groups:
        if group not in table.sources:
            raise unknown("source", group, table.sources, "law: the diagonal law's groups")
    own = [table.sources.index(group) for group in table.groups]
    n, effects, errors = len(table.values), np.zeros((len(own), len(table.sources))), []
    penalty = np.full((1, 1), RIDGE * n)
    for i, j in enumerate(own):
        fall = before[i] - table.values[:, i]
        found, left_out = robust_regression(table.mixtures[:, [j]], fall, penalty, 1, robust)
        effects[i, j] = found[0]
        errors.append(left_out)
    left = by_name(np.sqrt((np.column_stack(errors) ** 2).mean(axis=0)), table.groups)
    return DynamicLaw(table.sources, table.groups, effects, before, "linear", "pinned", n, left)
