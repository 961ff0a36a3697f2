"""Published sweeps replayed: how well laws fitted to some runs of a table rank and predict runs of other tables."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emulsion.errors import UserError
from emulsion.laws.law import FittedLaw
from emulsion.laws.law_registry import fit_law
from emulsion.laws.table import Table, read_table
from emulsion.ranks import rho
from emulsion.seeds import derive_seed
from emulsion.student import LEVEL


@dataclass(frozen=True)
class PublishedSweep:
    """Runs of a published table."""

    name: str
    table: Table

    @classmethod
    def read(cls, mixtures: Path | str, losses: Path | str, name: str = "train") -> PublishedSweep:
        """From two CSV files with a row per run and the run's name in their first column, in any order.

        Raises UserError where a file is missing or holds no numbers, or where the two do not name the same runs.
        """
        weights, values = read_numbers(mixtures), read_numbers(losses)
        for path, rows in ((mixtures, weights), (losses, values)):
            if not rows.index.is_unique:
                raise UserError(f"{path}: run '{rows.index[rows.index.duplicated()][0]}' is named more than once.")
        alone = weights.index.symmetric_difference(values.index)
        if len(alone):
            raise UserError(f"{mixtures} and {losses}: {len(alone)} runs are in one only, such as '{alone[0]}'.")
        try:
            return cls(name, read_table(weights, values.loc[weights.index]))
        except UserError as error:
            raise UserError(f"{mixtures} and {losses}: {error}") from None


def replay(
    train: PublishedSweep,
    tests: Sequence[PublishedSweep],
    laws: Sequence[str],
    sizes: Sequence[int],
    resamples: int = 10,
    seed: int = 0,
) -> dict[str, Any]:
    """Learning curves: each law fitted to `resamples` subsets of each size, judged on each test table.

    A size as large as the table has one subset. The result is {"runs", "groups", "fits": one row per fit and test,
    "summary": means and sds over subsets}; errors are in the unit of the losses, seconds are CPU's and of the fit.
    """
    for test in tests:
        _require_same_names(train, test)
    _require_sizes(train, sizes)
    fits = []
    for size in sizes:
        for resample in range(resamples if size < len(train.table.values) else 1):
            random = np.random.default_rng(derive_seed(seed, "replay", size, resample))
            rows = random.permutation(len(train.table.values))[:size]
            for name in laws:
                try:
                    law, seconds = _fit(name, train.table, rows)
                except UserError as error:
                    raise UserError(f"replay: '{name}' and {size} runs of '{train.name}': {error}") from None
                for test in tests:
                    row = {"law": name, "fitted": law.kind, "size": size, "resample": resample, "test": test.name}
                    fits.append({**row, "seconds": seconds, **_judge(law, test.table)})
    return {
        "runs": {sweep.name: len(sweep.table.values) for sweep in (train, *tests)},
        "groups": list(train.table.groups),
        "fits": fits,
        "summary": _summary(fits),
    }


def read_numbers(path: Path | str) -> pd.DataFrame:
    """A CSV file of numbers, whose first column names runs, as they are written: 007 is no 7, and 1.10 no 1.1.

    Raises UserError where it is missing, where a column has no name, another's name or no numbers, or a run no name.
    """
    try:
        table = pd.read_csv(path, converters={0: str.strip})
        # As written: the names above are made unique, and those that are missing made up.
        header = [_name(written) for written in pd.read_csv(path, header=None, nrows=1, dtype=str).iloc[0]]
    except FileNotFoundError:
        raise UserError(f"{path}: no such file.") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a table of comma-separated values: {error}.") from None
    if len(header) == 1:
        raise UserError(f"{path}: there is one column alone; values are separated by commas, and the first names runs.")
    if None in header[1:]:
        raise UserError(f"{path}: column {header.index(None, 1) + 1} of the header has no name.")
    if repeated := [name for name, times in Counter(header).items() if times > 1]:
        raise UserError(f"{path}: column '{repeated[0]}' is there more than once.")
    if not isinstance(table.index, pd.RangeIndex):  # what the header does not name is taken for an index
        raise UserError(f"{path}: rows have more values than the {len(table.columns)} columns that the header names.")
    if table.empty:
        raise UserError(f"{path}: it names columns, and has no runs.")
    table = table.set_index(table.columns[0]).set_axis(header[1:], axis="columns")
    if (unnamed := table.index.isna()).any():
        row = int(unnamed.argmax()) + 1
        raise UserError(f"{path}: row {row} does not name its run in the first column; NA and null are no names.")
    text = [column for column in table.columns if not pd.api.types.is_numeric_dtype(table[column])]
    if text:
        raise UserError(
            f"{path}: the columns {text} do not hold numbers; the first column names runs, all others count."
        )
    return table


def _name(written: Any) -> str | None:
    """A column's name without the blanks around it; None where there is none."""
    return (written.strip() or None) if isinstance(written, str) else None


def _require_same_names(train: PublishedSweep, test: PublishedSweep) -> None:
    for what in ("sources", "groups"):
        ours, theirs = getattr(train.table, what), getattr(test.table, what)
        if ours != theirs:
            odd = sorted(set(ours) ^ set(theirs)) or list(theirs)
            raise UserError(
                f"replay: table '{test.name}' has other {what} than '{train.name}', or another order: {odd}."
            )


def _require_sizes(train: PublishedSweep, sizes: Sequence[int]) -> None:
    most = len(train.table.values)
    for size in sizes:
        if not 4 <= size <= most:
            raise UserError(f"replay: a size of {size}; it must be from 4 to the {most} runs of '{train.name}'.")


def _fit(name: str, table: Table, rows: np.ndarray) -> tuple[FittedLaw, float]:
    runs = None if table.rows is None else [table.rows[row] for row in rows]
    mixtures = pd.DataFrame(table.mixtures[rows], runs, list(table.sources))
    values = pd.DataFrame(table.values[rows], runs, list(table.groups))
    start = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # few runs are the point of a learning curve
        law = fit_law(name, mixtures, values)
    return law, time.process_time() - start


def _judge(law: FittedLaw, table: Table) -> dict[str, Any]:
    """Rank correlation and mean absolute error of each group, and the share of values within their interval."""
    predicted = law.predict(table.mixtures)
    # A law that says nothing ranks nothing.
    ranks = [rho(*pair) or 0.0 for pair in zip(predicted.T, table.values.T, strict=True)]
    errors = np.abs(predicted - table.values).mean(axis=0)
    found: dict[str, Any] = {
        "spearman": dict(zip(table.groups, ranks, strict=True)),
        "mae": dict(zip(table.groups, errors.tolist(), strict=True)),
        "coverage": None,
    }
    interval = getattr(law, "interval", None)
    if interval is not None:
        low, high = interval(table.mixtures, LEVEL)
        found["coverage"] = float(((low <= table.values) & (table.values <= high)).mean())
    return found


def _summary(fits: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per law, size and test: the mean over groups and subsets, its sd over subsets, the worst group, each group."""
    frame = pd.DataFrame(fits)
    rows = []
    for (test, size, law), part in frame.groupby(["test", "size", "law"], sort=False):
        ranks = pd.DataFrame(part["spearman"].tolist())
        means = ranks.mean(axis=1)
        covered = part["coverage"].dropna()
        rows.append(
            {
                "test": test,
                "size": size,
                "law": law,
                "subsets": len(part),
                "spearman": float(means.mean()),
                "spearman_sd": float(means.std(ddof=1)) if len(part) > 1 else None,
                "spearman_worst": float(ranks.mean().min()),
                "spearman_of": ranks.mean().to_dict(),
                "spearman_sd_of": ranks.std(ddof=1).to_dict() if len(part) > 1 else None,
                "mae": float(pd.DataFrame(part["mae"].tolist()).to_numpy().mean()),
                "coverage": float(covered.mean()) if len(covered) else None,
                "seconds": float(part["seconds"].mean()),
                "fitted": part["fitted"].value_counts().to_dict(),
            }
        )
    return rows
