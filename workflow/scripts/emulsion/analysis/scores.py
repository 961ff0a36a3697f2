"""Item scores of a mixture's runs, one run per seed; their mean over items and seeds, and how sure it is.

Two things vary: which items were asked, and which seed a model was trained with. Items are resampled
(bootstrap, within each capability). Two or three seeds are too few to resample: the bootstrap would understate
their spread by a factor of (seeds - 1) / seeds in variance and know nothing of how uncertain that spread is.
Their part is therefore drawn from Student's t, with the spread of `noise.estimate_seed_noise`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.evaluation.bootstrap import resampled_means
from emulsion.seeds import derive_seed

MEAN = "mean"  # the group of all capabilities, each of the same weight
LEVEL = 0.95
RESAMPLES = 2000

Floats = NDArray[np.float64]
Key = tuple[str, str]  # the names of a suite and an item
Record = Mapping[str, Any]
Runs = Mapping[int, Record]  # seed -> contents of the run's file
Results = Mapping[str, Runs]  # mixture -> its runs


@dataclass(frozen=True, kw_only=True)
class ItemScores:
    """A mixture's scores: capability -> [seeds, items], items in the order of their sorted keys."""

    seeds: tuple[int, ...]
    items: Mapping[str, tuple[Key, ...]]
    values: Mapping[str, Floats]
    chance: Mapping[str, float | None]

    @property
    def groups(self) -> list[str]:
        """The capabilities and, last, their mean."""
        return [*self.values, MEAN]

    def parts(self, group: str) -> list[Floats]:
        """The matrices [seeds, items] that a group's score averages, each of the same weight."""
        return list(self.values.values()) if group == MEAN else [self.values[group]]

    def run_scores(self, group: str) -> Floats:
        """The score of each run [seeds]."""
        scores: Floats = np.mean([part.mean(axis=1) for part in self.parts(group)], axis=0)
        return scores

    def score(self, group: str = MEAN) -> float:
        return float(self.run_scores(group).mean())

    def only(self, seeds: Sequence[int]) -> ItemScores:
        """The same scores of some of the seeds, in the order given."""
        rows = [self.seeds.index(seed) for seed in seeds]
        values = {capability: matrix[rows] for capability, matrix in self.values.items()}
        return ItemScores(seeds=tuple(seeds), items=self.items, values=values, chance=self.chance)


def item_scores(runs: Runs, where: str = "mixture") -> ItemScores:
    """The scores in the contents of `capabilities.json` by seed.

    Raises UserError where there is no run, an item is scored twice, or two runs were not asked the same items.
    """
    if not runs:
        raise UserError(f"{where}: no runs to analyse.")
    tables = {seed: _by_capability(record, f"{where}, seed {seed}") for seed, record in sorted(runs.items())}
    first = next(iter(tables.values()))
    items = {capability: tuple(sorted(scores)) for capability, scores in first.items()}
    for seed, table in tables.items():
        _require_same(items, {name: tuple(sorted(scores)) for name, scores in table.items()}, f"{where}, seed {seed}")
    values = {
        name: np.array([[table[name][key] for key in keys] for table in tables.values()], float)
        for name, keys in items.items()
    }
    known = next(iter(runs.values())).get("capabilities", {})
    chance = {name: known.get(name, {}).get("chance") for name in items}
    return ItemScores(seeds=tuple(tables), items=items, values=values, chance=chance)


def all_item_scores(results: Results) -> dict[str, ItemScores]:
    """The scores of several mixtures; raises UserError where they were not asked the same items."""
    scores = {mixture: item_scores(runs, f"mixture '{mixture}'") for mixture, runs in results.items()}
    if not scores:
        raise UserError("results: no mixtures to analyse.")
    first = next(iter(scores.values()))
    for mixture, each in scores.items():
        _require_same(first.items, each.items, f"mixture '{mixture}'")
    return scores


def by_number(results: Mapping[str, Sequence[Record]]) -> dict[str, ItemScores]:
    """The scores of mixtures whose runs come without their seeds, in one order for all: numbers stand for them."""
    return all_item_scores({mixture: dict(enumerate(records)) for mixture, records in results.items()})


def resample_items(parts: Sequence[Floats], resamples: int, rng: np.random.Generator) -> Floats:
    """Bootstrap draws [resamples, k] of the mean of the parts' means; each part [items, k], its k columns paired."""
    draws: Floats = np.mean([resampled_means(part, resamples, rng) for part in parts], axis=0)
    return draws


def interval_of(draws: Floats, level: float = LEVEL) -> Floats:
    """The percentile interval [2, ...] of draws [n, ...]."""
    bounds: Floats = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return bounds


def stream(seed: int, *names: str) -> np.random.Generator:
    """A random stream of its own for each use."""
    return np.random.default_rng(derive_seed(seed, "analysis", *names))


def _by_capability(record: Record, where: str) -> dict[str, dict[Key, float]]:
    table: dict[str, dict[Key, float]] = {}
    rows = record.get("items")
    if not rows:
        raise UserError(f"{where}: no 'items' in its capabilities.json; evaluate it again.")
    for row in rows:
        scores, key = table.setdefault(row["capability"], {}), (row["suite"], row["id"])
        if key in scores:
            raise UserError(f"{where}: item {key[1]!r} of suite {key[0]!r} is scored twice.")
        scores[key] = float(row["score"])
    if MEAN in table:
        raise UserError(f"{where}: a capability cannot be called '{MEAN}', the name of their average.")
    return table


def _require_same(items: Mapping[str, tuple[Key, ...]], other: Mapping[str, tuple[Key, ...]], where: str) -> None:
    for name in sorted(set(items) | set(other)):
        if items.get(name) != other.get(name):
            raise UserError(
                f"{where}: capability '{name}' was not asked on the same items as in the other runs; only scores on"
                " the same items can be compared. Evaluate all runs with the same suites."
            )
