"""Mixtures and losses as checked arrays with names, from arrays or data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError

Floats = NDArray[np.float64]

# Published tables round their weights: RegMix's rows sum to .996 to 1.003.
ROUNDING = 1e-2
# How many runs are left out one by one, and in how many parts more of them are.
_ONE_BY_ONE, _PARTS = 60, 10


@dataclass(frozen=True)
class Table:
    """What a law is fitted to: mixtures [n, m] on the simplex and values [n, g], with the names of both.

    rows: the names of the runs where a data frame brought them. Frames must have their runs in one order, for a silent
    misalignment would fit noise.
    """

    mixtures: Floats
    values: Floats
    sources: tuple[str, ...]
    groups: tuple[str, ...]
    rows: tuple[Any, ...] | None = None


def read_table(
    mixtures: Any, values: Any, sources: Sequence[str] | None = None, groups: Sequence[str] | None = None
) -> Table:
    """Check and name a table of runs.

    mixtures  [n, m], shares of tokens; a data frame brings the names of its columns
    values    [n, g], or [n] for one group; losses in nats per token, or scores
    Without names, sources and groups are called by their position: "0", "1", ...

    Raises UserError where a row does not sum to one, a number is not finite, or lengths or names do not match.
    """
    weights, sources = _named(mixtures, sources, "mixtures")
    table, groups = _named(values, groups, "values")
    if len(weights) != len(table):
        raise UserError(f"law: {len(weights)} mixtures but {len(table)} rows of values; one row of each per run.")
    if len(weights) < 2:
        raise UserError(f"law: {len(weights)} runs are not enough to fit a law; at least 2 are needed.")
    rows = [tuple(each.index) for each in (mixtures, values) if hasattr(each, "columns")]
    if len(set(rows)) > 1:
        raise UserError("law: the mixtures and the values have different row names, or the same in another order.")
    names = rows[0] if rows else range(len(table))
    _require_finite(table, groups, "value of", names)
    return Table(on_simplex(weights, sources, names), table, sources, groups, rows[0] if rows else None)


def on_simplex(weights: Floats, sources: Sequence[str], rows: Sequence[Any] | None = None) -> Floats:
    """The rows [k, m], renormalised where they miss one by no more than a rounding; UserError where by more.

    rows: what errors call them; their positions where left out.
    """
    rows = range(len(weights)) if rows is None else rows
    _require_finite(weights, sources, "weight of", rows)
    if weights.min(initial=0.0) < -ROUNDING / 100:
        row, column = divmod(int(weights.argmin()), weights.shape[1])
        raise UserError(
            f"law: mixture {rows[row]}: the weight of '{sources[column]}' is {weights[row, column]:g}, below 0."
        )
    weights = np.maximum(weights, 0.0)
    totals = weights.sum(axis=1)
    worst = int(np.abs(totals - 1).argmax()) if len(totals) else 0
    if len(totals) and abs(totals[worst] - 1) > ROUNDING + 1e-9:
        raise UserError(
            f"law: mixture {rows[worst]} sums to {totals[worst]:.6g}, not to 1. Weights are shares of tokens over all "
            f"sources ({', '.join(sources)}); rows that miss 1 by more than {ROUNDING:g} are not rounding."
        )
    return np.asarray(weights / totals[:, None], dtype=np.float64)


def shuffled(mixtures: Floats, values: Floats) -> NDArray[np.int64]:
    """The runs [n] in random order, as designs have an order: one that depends on no order of rows or columns."""
    ordered = np.lexsort(np.hstack([np.sort(mixtures.round(9)), np.sort(values)]).T)
    return np.asarray(ordered[np.random.default_rng(0).permutation(len(ordered))])


def parts(mixtures: Floats, values: Floats, most: int | None = None) -> list[NDArray[np.bool_]]:
    """Masks [n] of the runs to leave out together: one by one, or in `most` parts where there are more runs.

    Without `most` up to 60 runs are left out one by one, and more in ten parts, as each part may cost a whole fit.
    """
    place = np.argsort(shuffled(mixtures, values))
    if most is None:
        most = _ONE_BY_ONE if len(place) <= _ONE_BY_ONE else _PARTS
    return [place % most == part for part in range(min(len(place), most))]


def as_rows(mixtures: Any, sources: Sequence[str]) -> Floats:
    """Mixtures to predict for as rows [k, m] in the order of `sources`; frames and mappings are matched by name."""
    columns = mixtures if isinstance(mixtures, Mapping) else getattr(mixtures, "columns", None)
    if columns is not None:
        missing = [source for source in sources if source not in list(columns)]
        extra = [str(column) for column in columns if column not in list(sources)]
        if missing or extra:
            raise UserError(f"law: the mixtures lack the sources {missing} and name {extra}, which the law knows not.")
        by_source = isinstance(mixtures, Mapping)
        mixtures = [mixtures[source] for source in sources] if by_source else mixtures[list(sources)]
    rows = np.atleast_2d(np.asarray(mixtures, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != len(sources):
        raise UserError(f"law: mixtures of shape {rows.shape} for a law over {len(sources)} sources.")
    return on_simplex(rows, sources)


def _named(values: Any, names: Sequence[str] | None, what: str) -> tuple[Floats, tuple[str, ...]]:
    columns = getattr(values, "columns", None)
    array = np.asarray(values, dtype=np.float64)
    if array.ndim == 1 and what == "values":
        array = array[:, None]
    if array.ndim != 2 or array.shape[1] < 1:
        raise UserError(f"law: {what} must be a table of rows and columns; its shape is {array.shape}.")
    found = [str(column) for column in columns] if columns is not None else names
    found = [str(index) for index in range(array.shape[1])] if found is None else list(found)
    if columns is not None and names is not None and list(names) != found:
        raise UserError(f"law: {what} has the columns {found}, but the names given are {list(names)}.")
    if len(found) != array.shape[1] or len(set(found)) != len(found):
        raise UserError(f"law: {what} has {array.shape[1]} columns; its names {found} must be as many, each once.")
    return array, tuple(found)


def _require_finite(table: Floats, names: Sequence[str], what: str, rows: Sequence[Any]) -> None:
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        raise UserError(
            f"law: run {rows[row]}: the {what} '{names[column]}' is {table[row, column]}, not a finite number."
        )
