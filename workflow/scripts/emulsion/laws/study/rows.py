"""The runs of a sweep, read from the files of its jobs, joined and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emulsion.errors import UserError, unknown
from emulsion.fields import is_number
from emulsion.files import read_object

Row = Mapping[str, Any]
_KEYS = ("run", "mixture", "seed", "weights", "tokens", "finished", "validation", "test", "branches")
_BRANCH_KEYS = ("after", "tokens", "before", "ends")
_END_KEYS = ("mixture", "weights", "realised", "corner", "validation")


@dataclass(frozen=True)
class Sweep:
    """runs: the trunks of all files, in the files' order, with their branches; see `read_sweep`."""

    experiment: str
    sources: tuple[str, ...]
    runs: tuple[Row, ...]

    @property
    def finished(self) -> list[Row]:
        """The runs that went to their end: what static laws are fitted to."""
        return [run for run in self.runs if run["finished"]]

    @property
    def branch_sets(self) -> dict[str, tuple[int, int]]:
        """{name: (tokens before the branch, tokens of a branch)}, earliest first."""
        found = {name: (each["after"], each["tokens"]) for run in self.runs for name, each in run["branches"].items()}
        return dict(sorted(found.items(), key=lambda pair: pair[1]))

    def trunks(self, name: str) -> list[Row]:
        """The runs that branches of this set start from."""
        return [run for run in self.runs if name in run["branches"]]

    def table(self, rows: Sequence[Row], key: str) -> pd.DataFrame:
        """The weights or losses of rows, [n, m], columns in the order of the sources."""
        return table_of([row[key] for row in rows], self.sources)


def table_of(named: Sequence[Mapping[str, float]], columns: Sequence[str]) -> pd.DataFrame:
    values = [[each[column] for column in columns] for each in named]
    return pd.DataFrame(np.array(values, dtype=np.float64).reshape(-1, len(columns)), columns=list(columns))


def fitted_ends(branches: Row) -> list[Row]:
    """The ends of a trunk's branches that laws are fitted to: all but corners, which are drawn only."""
    return [end for end in branches["ends"] if not end["corner"]]


def trained_to_the_end(sweep: Sweep, name: str) -> bool:
    """Whether the branches of a set end where whole runs end, and all its trunks are points of the sweep."""
    ends = [(row["finished"], fitted_ends(row["branches"][name])) for row in sweep.trunks(name)]
    return all(finished and each and all(end.get("test") for end in each) for finished, each in ends)


def read_sweep(experiment: str, files: Sequence[Path | str]) -> Sweep:
    """The sweep of an experiment from the files of its jobs.

    Raises UserError where a file is of another experiment or other sources, a run is there twice, a name is unknown or
    missing, a number is not finite, or runs disagree on where a set of branches starts and how long it is.
    """
    contents = [(str(file), read_object(file)) for file in files]
    if not contents:
        raise UserError(f"sweep of '{experiment}': no files were given.")
    _require_keys(contents[0][1], ("experiment", "sources", "runs"), contents[0][0])
    sources: tuple[str, ...] = tuple(contents[0][1]["sources"])
    runs: list[Row] = []
    where: dict[str, str] = {}
    for file, content in contents:
        _require_same(file, content, experiment, sources, contents[0][0])
        for number, row in enumerate(content["runs"]):
            at = f"{file}: runs[{number}]"
            _require_keys(row, _KEYS, at)
            if row["run"] in where:
                raise UserError(f"{at}: run '{row['run']}' is also {where[row['run']]}; each belongs to one job.")
            where[row["run"]] = at
            _check_run(row, sources, f"{at} ('{row['run']}')")
            runs.append(row)
    _require_same_branches(runs, experiment)
    return Sweep(experiment, sources, tuple(runs))


def read_result(file: Path | str, experiment: str) -> Row:
    """The content of a file of law_results; UserError where it is of another experiment."""
    content: Row = read_object(file)
    _require_experiment(str(file), content, experiment)
    return content


def _require_experiment(file: str, content: Row, experiment: str) -> None:
    if content.get("experiment") != experiment:
        raise UserError(f"{file}: is of experiment '{content.get('experiment')}', not of '{experiment}'.")


def _require_same(file: str, content: Any, experiment: str, sources: Sequence[str], first: str) -> None:
    _require_keys(content, ("experiment", "sources", "runs"), file)
    _require_experiment(file, content, experiment)
    if tuple(content["sources"]) != tuple(sources):
        raise UserError(f"{file}: has the sources {content['sources']}, but {first} has {list(sources)}.")


def _require_keys(row: Any, keys: Sequence[str], where: str) -> None:
    missing = [key for key in keys if key not in row] if isinstance(row, Mapping) else list(keys)
    if missing:
        raise UserError(f"{where}: lacks {missing}; it must be an object with {list(keys)}.")


def _check_run(row: Row, sources: Sequence[str], where: str) -> None:
    _check_numbers(row["weights"], sources, f"{where}.weights")
    if row["finished"]:
        _check_numbers(row["validation"], sources, f"{where}.validation")
    for name, branches in row["branches"].items():
        at = f"{where}.branches.{name}"
        _require_keys(branches, _BRANCH_KEYS, at)
        _check_numbers(branches["before"], sources, f"{at}.before")
        for number, end in enumerate(branches["ends"]):
            _require_keys(end, _END_KEYS, f"{at}.ends[{number}]")
            for key in ("weights", "realised", "validation", *(["test"] if end.get("test") else [])):
                _check_numbers(end[key], sources, f"{at}.ends[{number}].{key}")


def _check_numbers(named: Any, sources: Sequence[str], where: str) -> None:
    """A finite number for every source and for nothing else."""
    if not isinstance(named, Mapping):
        raise UserError(f"{where}: {named!r}; it must hold a number for each of {list(sources)}.")
    for name, value in named.items():
        if name not in sources:
            raise unknown("source", name, sources, where)
        if not is_number(value):
            raise UserError(f"{where}.{name}: {value!r} is not a finite number; the run diverged or was cut short.")
    if len(named) < len(sources):
        raise UserError(f"{where}: lacks {[source for source in sources if source not in named]}.")


def _require_same_branches(runs: Sequence[Row], experiment: str) -> None:
    seen: dict[str, tuple[str, tuple[int, int]]] = {}
    for row in runs:
        for name, each in row["branches"].items():
            here = (each["after"], each["tokens"])
            first, there = seen.setdefault(name, (row["run"], here))
            if here != there:
                raise UserError(
                    f"sweep of '{experiment}': branches '{name}' start after {here[0]} tokens and last {here[1]} in "
                    f"run '{row['run']}', but {there[0]} and {there[1]} in '{first}'. Train one of them again."
                )
