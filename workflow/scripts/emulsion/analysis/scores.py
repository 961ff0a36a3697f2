"""Item scores of a mixture's runs, one run per seed; `contrast` says how sure their means are.

Losses on test text have the same form (`analysis.loss_scores`): a source is a capability, a sequence an item, and less
is better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError

MEAN = "mean"  # the group of all capabilities, by default each of the same weight

Floats = NDArray[np.float64]
Key = tuple[str, str]  # the names of a suite and an item
Record = Mapping[str, Any]
Runs = Mapping[int, Record]  # seed -> contents of the run's file
Results = Mapping[str, Runs]  # mixture -> its runs


@dataclass(frozen=True, kw_only=True)
class ItemScores:
    """A mixture's scores: capability -> [seeds, items], items in the order of their sorted keys.

    clusters: capability -> the topic of each item; a capability that is not named has items of their own.
    weights: capability -> its weight in the mean; all alike where there are none.
    lower: whether less is better, as of losses.
    """

    seeds: tuple[int, ...]
    items: Mapping[str, tuple[Key, ...]]
    values: Mapping[str, Floats]
    chance: Mapping[str, float | None]
    clusters: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)
    lower: bool = False

    @property
    def groups(self) -> list[str]:
        """The capabilities and, last, their mean."""
        return [*self.values, MEAN]

    def shares(self, group: str) -> dict[str, float]:
        """{capability: its weight in a group's score}, summing to one; those without weight are left out."""
        if group != MEAN:
            return {group: 1.0}
        weights = {name: self.weights.get(name, 0.0) if self.weights else 1.0 for name in self.values}
        return {name: weight / sum(weights.values()) for name, weight in weights.items() if weight > 0}

    def numbers(self, capability: str) -> NDArray[np.int64]:
        """The cluster of each item [items], numbered from 0; of a capability with one topic each item is its own."""
        items = self.items[capability]
        topics = self.clusters.get(capability, items)
        return _numbered(topics if len(set(topics)) > 1 else items)

    def run_scores(self, group: str) -> Floats:
        """The score of each run [seeds]."""
        return np.asarray(sum(share * self.values[name].mean(axis=1) for name, share in self.shares(group).items()))

    def score(self, group: str = MEAN) -> float:
        return float(self.run_scores(group).mean())

    def only(self, seeds: Sequence[int]) -> ItemScores:
        """The same scores of some of the seeds, in the order given."""
        if tuple(seeds) == self.seeds:  # nearly always; the values of 72 sources were copied for every pair
            return self
        rows = [self.seeds.index(seed) for seed in seeds]
        values = {capability: matrix[rows] for capability, matrix in self.values.items()}
        return replace(self, seeds=tuple(seeds), values=values)


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
    topics = {
        (row["capability"], row["suite"], row["id"]): row["topic"]
        for row in next(iter(runs.values()))["items"]
        if row.get("topic") is not None
    }
    clusters = {
        name: tuple((suite, str(topics.get((name, suite, item), item))) for suite, item in keys)
        for name, keys in items.items()
    }
    return ItemScores(seeds=tuple(tables), items=items, values=values, chance=chance, clusters=clusters)


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


@lru_cache(maxsize=256)
def _numbered(names: tuple[Key, ...]) -> NDArray[np.int64]:
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)


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
