"""Does an experiment say the same when it is asked again with other seeds? From recorded scores of the six strategies.

    python benchmarks/asked_twice.py                       # three seeds against three others, 20 pairs of seed sets
    python benchmarks/asked_twice.py --seeds 5 --pairs 200

A contradiction: the winner of one is significantly worse than some mixture in the other.
"""

import argparse
import csv
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from emulsion.analysis.decide import Decision, decide
from emulsion.report.markup import table

RECORDED = Path(__file__).parent / "data" / "strategy_scores.csv"

Runs = dict[str, dict[int, dict[str, float]]]


def recorded(file: Path) -> Runs:
    """{mixture: {seed: {measure: value}}}; losses are turned round, so that more is better."""
    runs: Runs = {}
    with file.open(encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            values = {key: float(value) for key, value in row.items() if key not in ("mixture", "seed")}
            runs.setdefault(row["mixture"], {})[int(row["seed"])] = {**values, "test_loss": -values["test_loss"]}
    return runs


def decided(runs: Runs, measure: str, seeds: list[int]) -> Decision:
    return decide({name: [each[seed][measure] for seed in seeds] for name, each in runs.items()})


def contradict(first: Decision, second: Decision) -> bool:
    """Whether the winner of either is among those beaten in the other."""
    return any(a.winner is not None and a.winner not in b.tied for a, b in ((first, second), (second, first)))


def asked_twice(runs: Runs, measure: str, seeds: int, pairs: int) -> dict[str, float]:
    """Counts over pairs of disjoint seed sets: contradictions, winners named, and pairs that name the same winner."""
    rng = np.random.default_rng(0)
    known = sorted(next(iter(runs.values())))
    found = {"contradictions": 0, "winners": 0, "the same": 0, "tied": 0}
    for _ in range(pairs):
        chosen = rng.permutation(known)[: 2 * seeds].tolist()
        first, second = (decided(runs, measure, part) for part in (chosen[:seeds], chosen[seeds:]))
        found["contradictions"] += contradict(first, second)
        found["winners"] += (first.winner is not None) + (second.winner is not None)
        found["the same"] += first.winner is not None and first.winner == second.winner
        found["tied"] += len(first.tied) + len(second.tied)
    return {**found, "winners": found["winners"] / (2 * pairs), "tied": found["tied"] / (2 * pairs)}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, default=RECORDED)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=20)
    arguments = parser.parse_args()
    scores = recorded(arguments.scores)
    lines = []
    for name in next(iter(next(iter(scores.values())).values())):
        each = asked_twice(scores, name, arguments.seeds, arguments.pairs)
        lines.append(
            [
                name,
                f"{each['contradictions']} of {arguments.pairs}",
                f"{100 * each['winners']:.0f} %",
                f"{each['the same']} of {arguments.pairs}",
                f"{each['tied']:.1f} of {len(scores)}",
            ]
        )
    header = ["judged by", "contradictions", "a winner is named", "the same winner twice", "cannot be told apart"]
    print(table(header, lines, right=4))
