"""Capability scores of several runs as one table: checked, ordered, with intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from emulsion.analysis.decide import Decision
from emulsion.analysis.scores import MEAN
from emulsion.errors import UserError
from emulsion.figures.style import most_of

# The suites that ship with the workflow, in the order every figure shows them; others follow in file order.
ORDER = ("instruction_following", "factual_knowledge", "reasoning", "conversation", "creativity")


class Cell(NamedTuple):
    """A score in [0, 1] and its 95 % interval."""

    score: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The cells by run and column; columns are the capabilities and, last, "mean"."""

    cells: dict[str, dict[str, Cell]]
    items: dict[str, int]  # capability -> number of test items
    chance: dict[str, float | None]  # capability -> score of guessing, where that is defined

    @property
    def runs(self) -> list[str]:
        return list(self.cells)

    @property
    def capabilities(self) -> list[str]:
        return list(self.items)

    @property
    def columns(self) -> list[str]:
        return [*self.items, MEAN]

    def everything(self) -> list[Cell]:
        return [cell for row in self.cells.values() for cell in row.values()]

    def best(self, marked: Collection[str | None] = ()) -> tuple[Scores, str]:
        """The runs that a figure has room for, in their order: those marked and those of the highest means.

        And what it says where there are more.
        """
        ranked = sorted(self.runs, key=lambda run: (run not in marked, -self.cells[run][MEAN].score))
        kept, said = most_of(ranked, "those of the highest mean score")
        return replace(self, cells={run: self.cells[run] for run in self.runs if run in kept}), said


def capability_scores(results: Mapping[str, Mapping[str, Any]]) -> Scores:
    """The table of the contents of `capabilities.json` by run name; the order of runs is kept.

    Raises UserError where runs were not evaluated on the same capabilities and the same number of items.
    """
    if not results:
        raise UserError("capabilities: no runs to draw.")
    suites = {run: _mapping(result, "capabilities", run) for run, result in results.items()}
    first, suite = next(iter(suites.items()))
    for run, other in suites.items():
        _same_suite(first, suite, run, other)
    names = [name for name in ORDER if name in suite] + [name for name in suite if name not in ORDER]
    return Scores(
        cells={run: _row(result, names, run) for run, result in results.items()},
        items={name: int(suite[name]["items"]) for name in names},
        chance={name: suite[name].get("chance") for name in names},
    )


def losses_by_source(summary: Mapping[str, Mapping[str, Any]]) -> Scores:
    """Mean losses by run, of `analysis.loss_scores.summarise_losses`: sources in the place of capabilities."""
    if not summary:
        raise UserError("losses: no runs to draw.")
    sources = list(next(iter(summary.values()))["sources"])
    cells = {
        run: {
            name: Cell(float(each["loss"]), *map(float, each["interval"]))
            for name, each in {**record["sources"], MEAN: record[MEAN]}.items()
        }
        for run, record in summary.items()
    }
    return Scores(cells=cells, items=dict.fromkeys(sources, 0), chance=dict.fromkeys(sources, None))


def clear_best(scores: Scores, decisions: Mapping[str, Decision]) -> dict[str, str]:
    """Column -> the run that its decision names as winner; a column without one is left out."""
    winners = {column: decisions[column].winner for column in scores.columns if column in decisions}
    return {column: winner for column, winner in winners.items() if winner is not None}


def _mapping(record: Any, key: str, run: str) -> Mapping[str, Any]:
    value = record.get(key) if isinstance(record, Mapping) else None
    if not isinstance(value, Mapping) or not value:
        raise UserError(f"run '{run}': no '{key}' in its capabilities.json; evaluate it again.")
    return value


def _same_suite(first: str, suite: Mapping[str, Any], run: str, other: Mapping[str, Any]) -> None:
    for name in sorted(set(suite) ^ set(other)):
        has, lacks = (first, run) if name in suite else (run, first)
        raise UserError(
            f"run '{lacks}': no score for capability '{name}', which run '{has}' has;"
            " evaluate both with the same suites."
        )
    for name in other:
        there, here = (_mapping(part, name, who).get("items") for part, who in ((suite, first), (other, run)))
        if not isinstance(here, int) or there != here:
            raise UserError(
                f"run '{run}': capability '{name}' has {here} items, run '{first}' has {there};"
                " scores on different items are not compared."
            )


def _row(result: Mapping[str, Any], capabilities: list[str], run: str) -> dict[str, Cell]:
    records = {name: result["capabilities"][name] for name in capabilities}
    records[MEAN] = _mapping(result, MEAN, run)
    return {name: _cell(record, f"run '{run}', {name}") for name, record in records.items()}


def _cell(record: Mapping[str, Any], where: str) -> Cell:
    try:
        low, high = record["interval"]
        cell = Cell(float(record["score"]), float(low), float(high))
    except (KeyError, TypeError, ValueError):
        raise UserError(f"{where}: needs a 'score' and an 'interval' of two numbers: {dict(record)}.") from None
    if not (0 <= cell.score <= 1 and 0 <= cell.low <= cell.high <= 1):
        raise UserError(f"{where}: {cell.score} in [{cell.low}, {cell.high}] is not a share between 0 and 1.")
    return cell
