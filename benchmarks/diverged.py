"""Which runs does the log-linear law take for diverged: those that did, and no others?

    python benchmarks/diverged.py
    python benchmarks/diverged.py --repetitions 100 --first-seed 1000

In tables of several sizes: losses of planted log-linear laws, and of curves in the tokens read of each source, which
rise steeply where next to nothing was read, as in real runs. A run whose losses are put at 10 is to be set aside, so
are two at 10 and 25, and no other. Printed is in how many tables a diverged run was missed, and in how many an honest
one was set aside. A minute.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np

from emulsion.laws.static import diverged_runs
from emulsion.laws.table import Floats, read_table
from emulsion.world.planted import noisy, planted_law

SIZES = ((2, 8), (3, 12), (4, 20), (6, 24), (9, 24), (9, 40))  # sources, runs
DIVERGED = {"none": (), "one": (10.0,), "one, in a single group": (10.0,), "two": (10.0, 25.0)}
SD = 0.005  # nats, of the noise of a loss


def planted(mixtures: Floats, seed: int, random: np.random.Generator) -> Floats:
    return noisy(planted_law(mixtures.shape[1], seed).predict(mixtures), SD, random)


def curves(mixtures: Floats, seed: int, random: np.random.Generator) -> Floats:
    """Power laws of what was read; of another source's tokens a group hears a tenth at most."""
    m = mixtures.shape[1]
    heard = 0.1 * random.random((m, m)) * (1 - np.eye(m)) + np.eye(m)
    read = random.uniform(5, 60, m) * (mixtures @ heard.T)
    losses = random.uniform(0.3, 2, m) + random.uniform(2, 6, m) * (1 + read) ** -random.uniform(0.3, 1, m)
    return noisy(losses, SD, random)


KINDS: dict[str, Callable[[Floats, int, np.random.Generator], Floats]] = {"planted": planted, "curves": curves}


def trial(kind: str, sources: int, runs: int, how: str, seed: int) -> tuple[bool, bool]:
    """Whether a diverged run was missed, and whether an honest one was set aside."""
    random = np.random.default_rng(seed)
    mixtures = random.dirichlet(np.full(sources, 0.5), runs)
    losses = KINDS[kind](mixtures, seed, random)
    rows = random.permutation(runs)[: len(DIVERGED[how])]
    groups = slice(0, 1) if "single" in how else slice(None)
    for row, loss in zip(rows, DIVERGED[how], strict=True):
        losses[row, groups] = loss
    found = set(np.flatnonzero(diverged_runs(read_table(mixtures, losses))))
    return bool(set(rows) - found), bool(found - set(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=30, help="tables of each size")
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    print("| losses | diverged | tables | one missed | an honest one set aside |\n|---|---|---:|---:|---:|")
    for kind in KINDS:
        for how in DIVERGED:
            found = [
                trial(kind, *size, how, options.first_seed + seed)
                for size in SIZES
                for seed in range(options.repetitions)
            ]
            missed, honest = (sum(column) for column in zip(*found, strict=True))
            print(f"| {kind} | {how} | {len(found)} | {missed} | {honest} |", flush=True)


if __name__ == "__main__":
    main()
