"""How alike two matrices of effects are: a method's own and the one fitted to the truth (Aioli, 2411.05735, 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.table import Floats
from emulsion.ranks import rho


class Similarity(TypedDict):
    """degenerate: the Spearman term says little or nothing; `note` says why."""

    cosine: float
    spearman: float
    similarity: float
    degenerate: bool
    note: str


def similarity(A: Any, A_star: Any) -> Similarity:  # noqa: N803
    """Half the cosine plus half the Spearman correlation of the column sums, each scaled to unit norm.

    A, A_star  effects [g, m], row = evaluated, column = trained on; data frames, and {evaluated: {trained on: effect}}
               as online methods have it, are matched by their names
    A sum that is zero has no direction, and tied sums have no ranks: that part is then 0, and flagged.

    Raises UserError where shapes or names differ, or a number is not finite.
    """
    first, second = _sums(A, A_star)
    cosine, notes = _cosine(first, second), []
    if np.linalg.norm(first) == 0 or np.linalg.norm(second) == 0:
        notes.append("the column sums of a matrix are all 0, so that the cosine is taken as 0")
    spearman = rho(first, second)
    if spearman is None:
        notes.append("the column sums of a matrix are all the same, so that the Spearman correlation is taken as 0")
        spearman = 0.0
    if len(first) == 2:
        notes.append("with 2 sources the Spearman correlation is -1, 0 or 1: read the cosine")
    return {
        "cosine": cosine,
        "spearman": spearman,
        "similarity": 0.5 * cosine + 0.5 * spearman,
        "degenerate": bool(notes),
        "note": "; ".join(notes),
    }


def diagonal_form(A: Any) -> Floats:  # noqa: N803
    """Two sources' effects [2, 2] as the diagonal that moves losses alike: A_11 - A_12 and A_22 - A_21.

    With p_2 = 1 - p_1 only the differences within a row act, so methods with diagonal matrices compare with fits.
    """
    matrix = np.asarray(A, dtype=np.float64)
    if matrix.shape != (2, 2):
        raise UserError(f"similarity: the diagonal form is for 2 groups and 2 sources, not for {matrix.shape}.")
    return np.diag([matrix[0, 0] - matrix[0, 1], matrix[1, 1] - matrix[1, 0]])


def _sums(first: Any, second: Any) -> tuple[Floats, Floats]:
    (a, names), (b, others) = _read(first), _read(second)
    if names and others:
        if [set(each) for each in names] != [set(each) for each in others]:
            raise UserError(
                f"similarity: the matrices name different sources or groups: {names[1]} by {names[0]}, and {others[1]} "
                f"by {others[0]}."
            )
        b = b[np.ix_(*([theirs.index(name) for name in ours] for ours, theirs in zip(names, others, strict=True)))]
    if a.ndim != 2 or a.shape != b.shape or not a.size:
        raise UserError(f"similarity: matrices of shapes {a.shape} and {b.shape}; both must be groups by sources.")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise UserError("similarity: a matrix holds a number that is not finite.")
    return a.sum(axis=0), b.sum(axis=0)


def _read(matrix: Any) -> tuple[Floats, list[list[Any]]]:
    """A matrix as an array, and where it has names those of its rows and of its columns."""
    if isinstance(matrix, Mapping):
        columns = list(next(iter(matrix.values()), {}))
        if any(row.keys() != set(columns) for row in matrix.values()):
            raise UserError("similarity: the rows of a matrix name different sources.")
        values = [[row[column] for column in columns] for row in matrix.values()]
        return np.asarray(values, dtype=np.float64), [list(matrix), columns]
    named = hasattr(matrix, "columns")
    return np.asarray(matrix, dtype=np.float64), [list(matrix.index), list(matrix.columns)] if named else []


def _cosine(first: Floats, second: Floats) -> float:
    norms = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.clip(first @ second / norms, -1.0, 1.0)) if norms > 0 else 0.0
