"""Greedy against optimal mixtures of two rounds: `greedy.json` (Aioli, 2411.05735, section C.3 and Table 10).

A set of branches qualifies where its trunks are points of the sweep and its branches end where whole runs end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.laws.study.rows import Row, Sweep, fitted_ends, trained_to_the_end


def compare_greedy(sweep: Sweep) -> dict[str, Any]:
    """The content of `greedy.json`; `rounds` is empty where no set of branches qualifies."""
    rounds = {name: _rounds(sweep, name) for name in sweep.branch_sets if trained_to_the_end(sweep, name)}
    return {"experiment": sweep.experiment, "rounds": rounds}


def _rounds(sweep: Sweep, name: str) -> dict[str, Any]:
    trunks = sweep.trunks(name)
    seeds = [
        _compare([run for run in trunks if run["seed"] == seed], name, seed, sweep.sources)
        for seed in dict.fromkeys(run["seed"] for run in trunks)
    ]
    return {"seeds": seeds, "same": sum(each["same"] for each in seeds), "of": len(seeds)}


def _compare(trunks: Sequence[Row], name: str, seed: int, sources: Sequence[str]) -> dict[str, Any]:
    """Ties go to the first in file order."""
    best = min(trunks, key=lambda run: _mean(run["branches"][name]["before"]))
    greedy = min(_choices([best], name, sources), key=_loss)
    optimal = min(_choices(trunks, name, sources), key=_loss)
    return {"seed": seed, "greedy": greedy, "optimal": optimal, "same": greedy["mixtures"] == optimal["mixtures"]}


def _choices(trunks: Sequence[Row], name: str, sources: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "mixtures": [run["mixture"], end["mixture"]],
            "weights": [{source: each["weights"][source] for source in sources} for each in (run, end)],
            "validation": _mean(end["validation"]),
            "test_perplexity": _mean({group: math.exp(loss) for group, loss in end["test"].items()}),
        }
        for run in trunks
        for end in fitted_ends(run["branches"][name])
    ]


def _loss(choice: Mapping[str, Any]) -> float:
    return float(choice["validation"])


def _mean(losses: Mapping[str, float]) -> float:
    return math.fsum(losses.values()) / len(losses)
