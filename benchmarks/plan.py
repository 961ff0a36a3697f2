"""A plan at any size: time and memory of going to a position, and the bound on the shares, checked by sampling.

    python benchmarks/plan.py --sequences 1000000000 --sources 1000

Each sample goes to a random position with a plan that has seen nothing, as a rank that starts does, and reads 256
sequences there. At each of them every count must be within one sequence of what is due; permutations are checked by
drawing no row twice within an epoch. Prints one line of JSON for each kind of mixture.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "workflow" / "scripts"))

from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan

READ = 256


def mixtures(sources: int) -> dict[str, Mixture]:
    """Weights in proportion to 1, to 1/rank, and drawn from a Dirichlet distribution of concentration 1."""
    names = [f"source{number:04}" for number in range(sources)]
    drawn = {
        "equal": np.ones(sources),
        "zipf": 1 / np.arange(1, sources + 1),
        "dirichlet": np.random.default_rng(0).dirichlet(np.ones(sources)),
    }
    return {kind: Mixture(dict(zip(names, values.tolist(), strict=True))) for kind, values in drawn.items()}


def sample(plan: SequencePlan, start: int) -> float:
    """The largest deviation from what is due, in sequences, at the positions from `start` on."""
    sources, rows = plan.sources(start, start + READ), plan.rows(start, start + READ)
    assert len(set(zip(sources.tolist(), rows.tolist(), strict=True))) == READ
    counts = plan.counts(start) + np.cumsum(np.eye(len(plan.sizes), dtype=np.int64)[sources], axis=0)
    return float(np.abs(counts - plan.targets(np.arange(start + 1, start + READ + 1))).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sequences", type=int, default=1_000_000_000)
    parser.add_argument("--sources", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=20)
    arguments = parser.parse_args()
    positions = np.random.default_rng(1).integers(0, arguments.sequences, arguments.samples).tolist()
    for kind, mixture in mixtures(arguments.sources).items():
        sizes = dict.fromkeys(mixture, 100_000)
        seconds, deviations = [], []
        for position in positions:
            began = time.process_time()
            plan = SequencePlan(sizes, mixture)
            deviations.append(sample(plan, position))
            seconds.append(time.process_time() - began)
        began = time.process_time()
        for start in range(positions[-1], positions[-1] + 1_000_000, 4096):
            plan.rows(start, start + 4096)
        onwards = time.process_time() - began
        found = {
            "mixture": kind,
            "rarest_weight": min(mixture.values()),
            "cpu_seconds_to_a_position": {"median": float(np.median(seconds)), "most": max(seconds)},
            "cpu_seconds_for_the_next_million": onwards,
            "largest_deviation_sequences": max(deviations),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
