"""An online method's matrices A^t at states of its own runs beside those that branches from there show.

Aioli (arXiv 2411.05735, section 4.3, C.2): A^t is what the method went by at that state. DoReMi's and DoGE's are of one
batch, and so the mean of the last updates is taken; Aioli's the mean of all so far; Skill-It's is the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.law import from_names
from emulsion.laws.study.dynamic_results import dynamic_law
from emulsion.laws.study.parameters import compared, mean_of_trunks
from emulsion.laws.study.rows import Sweep
from emulsion.laws.table import Floats


def own_parameters(
    method: str, settings: Mapping[str, Any], sweep: Sweep, logs: Mapping[int, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """The content of `{method}_parameters.json`: a trunk for each state and seed, with the updates `averaged` there.

    settings  {"kind", "averaged_over", "updates"} of the method: whether its A is that of the "last" update, the mean
              of "recent" ones, as many as `updates`, or of "all" so far
    sweep     the branches of the method's runs, as `branch_method.py` writes them
    logs      {seed: the rows of the run's training_log.jsonl}

    Raises UserError where a log has no effects by then.
    """
    dynamic, trunks = dynamic_law(sweep), []
    steps = {(row["seed"], name): row["step"] for row in sweep.runs for name in row["branches"]}
    for name, each in dynamic["branches"].items():
        for trunk in each["trunks"]:
            step = steps[trunk["seed"], name]
            effects, count = effects_at(logs[trunk["seed"]], step, settings, sweep.sources)
            found = compared(trunk, effects, sweep.sources)
            where = {"branches": name, "step": step, "tokens": each["after"], "averaged": count}
            trunks.append({**where, **found, "r2": _r2(trunk), "mixture": trunk["weights"]})
    return {
        "experiment": sweep.experiment,
        "method": method,
        "kind": settings["kind"],
        "branches": "its own run",
        "branch_tokens": next(iter(dynamic["branches"].values()))["tokens"],
        "trunks": trunks,
        "mean": mean_of_trunks(trunks, sweep.sources),
    }


def effects_at(
    log: Sequence[Mapping[str, Any]], step: int, settings: Mapping[str, Any], sources: Sequence[str]
) -> tuple[Floats, int]:
    """A [g, m] by which a method decided after this step, or [1, m] of its column sums; and the updates averaged.

    Raises UserError where the log has no effects by then.
    """
    # What is decided after a step is in the row of the next one.
    seen = [row["effects"] for row in log if row.get("effects") and row["step"] - 1 <= step]
    if not seen:
        raise UserError(f"training log: no effects were logged up to step {step}; train the run again.")
    count = {"last": 1, "recent": settings["updates"], "all": len(seen)}[settings["averaged_over"]]
    matrices = [from_names(effects, _rows(effects, sources), sources) for effects in seen[-count:]]
    return np.mean(matrices, axis=0), len(matrices)


def _rows(effects: Mapping[str, Any], sources: Sequence[str]) -> Sequence[str]:
    return sources if set(effects) == set(sources) else list(effects)


def _r2(trunk: Mapping[str, Any]) -> float | None:
    """How well the linear law fits the branches of a state, the mean over groups."""
    values = [group["r2"] for group in trunk["quality"]["linear"].values() if group["r2"] is not None]
    return float(np.mean(values)) if values else None
