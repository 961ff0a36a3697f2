"""Does an experiment say the same when it is asked again with other seeds?

    python benchmarks/asked_twice.py                         # recorded scores of the six strategies, 3 seeds against 3
    python benchmarks/asked_twice.py --seeds 5 --pairs 200
    python benchmarks/asked_twice.py --results results/mix results/again          # studies, once each

A contradiction: the winner of one is significantly worse than some mixture in the other.
"""

import argparse
import csv
import itertools
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from emulsion.analysis.decide import Decision, decide
from emulsion.analysis.recommended import central
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.files import read_json
from emulsion.mixture import Mixture
from emulsion.report.markup import table

RECORDED = Path(__file__).parent / "data" / "strategy_scores.csv"
CONFIG = Path(__file__).parents[1] / "config.yaml"
LOSS = "test_loss"

Runs = dict[str, dict[int, dict[str, float]]]
Found = dict[str, float]


def recorded(file: Path) -> Runs:
    """{mixture: {seed: {measure: value}}}"""
    runs: Runs = {}
    with file.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            values = {key: float(value) for key, value in row.items() if key not in ("mixture", "seed")}
            runs.setdefault(row["mixture"], {})[int(row["seed"])] = values
    return runs


def of_seeds(runs: Runs, measure: str, seeds: list[int]) -> dict[str, dict[int, float]]:
    return {name: {seed: each[seed][measure] for seed in seeds} for name, each in runs.items()}


def contradict(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Whether the winner of either decision is among those beaten in the other."""
    pairs = ((first, second), (second, first))
    return any(a["winner"] is not None and a["winner"] not in b["tied"] for a, b in pairs)


def asked_twice(runs: Runs, measure: str, seeds: int, pairs: int, shares: Mapping[str, Mapping[str, float]]) -> Found:
    """Over pairs of disjoint seed sets: contradictions, winners named, pairs that name the same winner.

    And of the best ("leader") and of the central mixture of those that cannot be told apart: how often both ask for
    the same one, and how much worse it is than the best, by the seeds that neither was asked with.
    """
    rng = np.random.default_rng(0)
    known, lower = sorted(next(iter(runs.values()))), measure == LOSS
    best_of: Callable[..., float] = min if lower else max
    picks: dict[str, Callable[[Decision], str]] = {
        "leader": lambda decision: decision.leader,
        "central": lambda decision: central(decision.tied, shares),
    }
    counts = ("contradictions", "winners", "the same", "tied", *picks, *(f"{pick} worse" for pick in picks))
    found: Found = dict.fromkeys(counts, 0)
    for _ in range(pairs):
        chosen = rng.permutation(known).tolist()
        halves = chosen[:seeds], chosen[seeds : 2 * seeds]
        truth = {n: float(np.mean([*v.values()])) for n, v in of_seeds(runs, measure, chosen[2 * seeds :]).items()}
        first, second = (decide(of_seeds(runs, measure, half), lower=lower) for half in halves)
        found["contradictions"] += contradict(first.to_json(), second.to_json())
        found["winners"] += (first.winner is not None) + (second.winner is not None)
        found["the same"] += first.winner is not None and first.winner == second.winner
        found["tied"] += len(first.tied) + len(second.tied)
        for name, pick in picks.items():
            found[name] += pick(first) == pick(second)
            lost = (abs(truth[pick(each)] - best_of(truth.values())) for each in (first, second))
            found[f"{name} worse"] += sum(lost) / 2
    each = {key: value / pairs for key, value in found.items() if key not in ("contradictions", "the same")}
    return {**found, **each, "winners": found["winners"] / (2 * pairs), "tied": found["tied"] / (2 * pairs)}


def table_of_recorded(runs: Runs, seeds: int, pairs: int, shares: Mapping[str, Mapping[str, float]]) -> str:
    lines = []
    for name in next(iter(next(iter(runs.values())).values())):
        each = asked_twice(runs, name, seeds, pairs, shares)
        lines.append(
            [
                name,
                f"{each['contradictions']:.0f} of {pairs}",
                f"{100 * each['winners']:.0f} %",
                f"{each['the same']:.0f} of {pairs}",
                f"{each['tied']:.1f} of {len(runs)}",
                f"{100 * each['leader']:.0f} %, {each['leader worse']:.4f}",
                f"{100 * each['central']:.0f} %, {each['central worse']:.4f}",
            ]
        )
    header = ["judged by", "contradictions", "a winner is named", "the same winner twice", "cannot be told apart"]
    return table([*header, "best of these: same twice, worse by", "central: same twice, worse by"], lines, right=6)


def promised(optimum: Mapping[str, Any]) -> tuple[str, str]:
    """What was predicted of an optimum, and what came out."""
    low, high = optimum["predicted_interval"]
    outcome = optimum["realised"] if optimum["validation"] is None else optimum["validation"]
    return f"{optimum['predicted']:.3f} ({low:.3f} to {high:.3f})", f"{outcome:.3f}"


def table_of_studies(folders: list[Path]) -> str:
    """What studies decided, recommend and had predicted, and how many pairs of them contradict each other."""
    told = {str(folder): read_json(folder / "recommendations.json") for folder in folders}
    lines = []
    for name, each in told.items():
        optimum, chosen = each["optimum"], each["recommended"]
        lines.append(
            [
                name,
                each["decision"]["winner"] or f"none of {', '.join(each['decision']['tied'])}",
                f"{chosen['mixture']}: {', '.join(f'{100 * share:.0f}' for share in chosen['ratios'].values())} %",
                f"{chosen['loss' if 'loss' in chosen else 'score']:.3f}",
                *(promised(optimum) if optimum else ("none", "")),
            ]
        )
    pairs = list(itertools.combinations((each["decision"] for each in told.values()), 2))
    count = sum(contradict(*pair) for pair in pairs)
    header = ["study", "winner", "recommended", "its loss or score", "optimum predicted", "came out"]
    return f"{table(header, lines, right=3)}\n\nContradictions: {count} of {len(pairs)} pairs."


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, default=RECORDED)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--results", type=Path, nargs="+", help="folders of results of studies, of losses or of scores")
    given = parser.parse_args()
    if given.results:
        try:
            print(table_of_studies(given.results))
        except UserError as error:
            parser.error(f"--results: {error}")
    else:
        scores, strategies = recorded(given.scores), read_yaml(CONFIG)["strategies"]
        if 2 * given.seeds >= (known := len(next(iter(scores.values())))):
            parser.error(f"--seeds: of {known} recorded seeds, two sets of {given.seeds} leave none to judge them by.")
        shares = {name: Mixture(strategies[name]["ratios"]) for name in scores}
        print(table_of_recorded(scores, given.seeds, given.pairs, shares))
