"""Runs that were trained elsewhere, as evidence: tables of what they were trained on and what they came to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from emulsion.errors import UserError, unknown
from emulsion.laws.published_sweep import PublishedSweep, read_numbers
from emulsion.laws.table import Floats, Table
from emulsion.methods.interface import Evidence, Losses
from emulsion.mixture import Mixture

TOKENS = "tokens"
# More than any loss or perplexity, and far from where fits overflow.
_MOST = 1e30


@dataclass(frozen=True, kw_only=True)
class FinishedRuns:
    """tables      CSV files of mixtures and of losses, as `PublishedSweep` reads them
    curve       CSV file of losses before the ends of runs: the run, the tokens that it had read, and the losses
    sizes       {source: its tokens}
    tokens      of the run that is proposed for, and run_tokens of each of the finished ones; 0 where unknown
    max_epochs  how often that run may repeat a source
    """

    tables: tuple[Path, Path]
    curve: Path | None = None
    sizes: Mapping[str, float]
    tokens: int = 0
    run_tokens: int = 0
    max_epochs: float = math.inf

    def read(self) -> tuple[list[str], Evidence]:
        """The sources, in the order of their columns, and the evidence.

        Raises UserError where the tables do not fit together, or the sizes not to them, and where nothing can be learnt
        from them.
        """
        table = PublishedSweep.read(*self.tables).table
        for file, values in zip(self.tables, (table.mixtures, table.values), strict=True):
            if len(values) > 1 and not np.ptp(values, axis=0).any():
                raise UserError(f"{file}: all runs are alike, so nothing shows what another mixture would do.")
            if (largest := float(np.abs(values).max())) > _MOST:
                raise UserError(f"{file}: {largest:g} is too large a number; up to {_MOST:g} are read.")
        sources, runs = list(table.sources), [str(row) for row in table.rows or ()]
        self._require_sizes(sources)
        mixtures = {run: Mixture(dict(zip(sources, row, strict=True))) for run, row in _rows(runs, table.mixtures)}
        evidence = Evidence(
            sizes=self.sizes,
            mixtures=mixtures,
            losses={run: dict(zip(table.groups, row, strict=True)) for run, row in _rows(runs, table.values)},
            epochs=self._epochs(mixtures),
            curves=self._curves(runs, table),
            run_tokens=dict.fromkeys(runs, float(self.run_tokens)) if self.run_tokens else {},
            tokens=self.tokens,
            max_epochs=self.max_epochs,
        )
        return sources, evidence

    def excess_epochs(self, mixture: Mapping[str, float]) -> list[str]:
        """A sentence for each source that the run would repeat too often, as of a method that knows no limit."""
        return [
            f"Source '{source}' would be read {share * self.tokens / self.sizes[source]:.2f} times; "
            f"max_epochs is {self.max_epochs:g}."
            for source, share in mixture.items()
            if share * self.tokens > self.max_epochs * self.sizes[source] * (1 + 1e-6)
        ]

    def _require_sizes(self, sources: Sequence[str]) -> None:
        for source in self.sizes:
            if source not in sources:
                raise unknown("source", source, sources, "sizes")
        if missing := [source for source in sources if source not in self.sizes]:
            raise UserError(f"sizes: those of {', '.join(missing)} are missing; say how many tokens each source has.")

    def _epochs(self, mixtures: Mapping[str, Mixture]) -> dict[str, dict[str, float]]:
        if not self.run_tokens:
            return {}
        return {
            run: {source: share * self.run_tokens / self.sizes[source] for source, share in mixture.items()}
            for run, mixture in mixtures.items()
        }

    def _curves(self, runs: Sequence[str], table: Table) -> dict[str, list[tuple[float, Losses]]]:
        if self.curve is None:
            return {}
        rows = read_numbers(self.curve)
        if missing := [name for name in (TOKENS, *table.groups) if name not in rows]:
            raise UserError(f"{self.curve}: the columns {missing} are missing; its columns are {list(rows)}.")
        found: dict[str, list[tuple[float, Losses]]] = {}
        twice = rows.index[pd.MultiIndex.from_arrays([rows.index, rows[TOKENS]]).duplicated()]
        if len(twice):
            raise UserError(f"{self.curve}: run '{twice[0]}' has two rows after the same tokens.")
        for run, row in zip(map(str, rows.index), rows.to_dict("records"), strict=True):
            if run not in runs:
                raise unknown("run", run, runs, str(self.curve))
            found.setdefault(run, []).append(self._evaluation(run, row, table.groups))
        return {run: sorted(seen, key=lambda each: each[0]) for run, seen in found.items()}

    def _evaluation(self, run: str, row: Mapping[str, float], groups: Sequence[str]) -> tuple[float, Losses]:
        """What a row says; UserError where it is not before the end of the run, or no number stands in it."""
        where = f"{self.curve}: run '{run}'"
        if not 0 <= row[TOKENS] < self.run_tokens:
            raise UserError(
                f"{where}: a loss after {row[TOKENS]:g} tokens of a run of {self.run_tokens:,} (run_tokens); "
                "here stand those before its end, and in the table of losses the one at its end."
            )
        for group in groups:
            if pd.isna(row[group]) or math.isinf(row[group]):
                raise UserError(f"{where}: the loss '{group}' after {row[TOKENS]:g} tokens is no finite number.")
        return float(row[TOKENS]), {group: float(row[group]) for group in groups}


def _rows(runs: Sequence[str], values: Floats) -> list[tuple[str, list[float]]]:
    return list(zip(runs, values.tolist(), strict=True))
