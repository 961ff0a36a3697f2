"""Runs that were trained elsewhere: what rules and checks need of an entry of `finished_runs`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from emulsion.methods.finished_runs import FinishedRuns
from emulsion.methods.registry import takes
from emulsion.study.catalogue import Config


def curve_of(config: Config, table: str) -> list[str]:
    """The file of losses before the ends of its runs, if there is one."""
    curve = config["finished_runs"][table]["curve"]
    return [curve] if curve else []


def proposals(config: Config, table: str) -> list[str]:
    """What each of its methods writes, in their order."""
    return [f"results/finished_runs/{table}/{method}.json" for method in config["finished_runs"][table]["methods"]]


def method_of(config: Config, table: str, method: str) -> dict[str, Any]:
    """Kind and settings; the objective is the mean loss where none is given, for a table has no capabilities."""
    given = config["finished_runs"][table]["methods"][method]
    aims = takes(given["kind"], "objective") and given.get("objective") is None
    return {**given, "objective": "mean_loss"} if aims else dict(given)


def finished_runs(config: Config, table: str) -> FinishedRuns:
    """The runs of an entry; they are as long as the run that is proposed for, unless both lengths are given."""
    entry = config["finished_runs"][table]
    mixtures, losses = map(Path, entry["tables"])
    return FinishedRuns(
        tables=(mixtures, losses),
        curve=next(map(Path, curve_of(config, table)), None),
        sizes=entry["sizes"],
        tokens=entry["tokens"] or entry["run_tokens"] or 0,
        run_tokens=entry["run_tokens"] or entry["tokens"] or 0,
        max_epochs=entry["max_epochs"] or math.inf,
    )


def options_of_lengths(config: Config, table: str) -> list[str]:
    """How long runs are, and how often they may repeat a source, as options of a command."""
    runs = finished_runs(config, table)
    lengths = {"tokens": runs.tokens, "run-tokens": runs.run_tokens, "max-epochs": runs.max_epochs}
    return [text for name, value in lengths.items() for text in (f"--{name}", str(value))]
