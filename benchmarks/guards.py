"""In how many kinds of simulated world is `emulsion` ahead, by its guard and on half a run?

    python benchmarks/guards.py --worlds 100 --seeds 0 7 19

prints, over so many worlds of each kind and seed, median and 90th percentile of regret (thousandths of a nat), the
share of worlds more than .01 nats worse than even shares, and the kinds in which both median and 90th percentile are
below those of Aioli, epoch regression, DML and even shares: for each guard, over all seeds together and for each alone.
With 100 worlds and one seed some 20 minutes of one core, a third of them epoch regression.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np

from emulsion.analysis.proving_ground import ENTRANTS, Entrant, trial
from emulsion.laws.static import FewRunsWarning
from emulsion.world import KINDS, worlds

OTHERS = ("aioli", "epochs", "dml", "stratified")
World = tuple[str, int, int]  # kind, seed, number


def regrets(entrant: Entrant, count: int, seeds: Sequence[int]) -> dict[World, float]:
    """{world: regret, thousandths of a nat}"""
    return {
        (kind, seed, world.number): 1e3 * trial(world, entrant, seed)["regret"]
        for seed in seeds
        for kind in KINDS
        for world in worlds(kind, count, seed)
    }


def ahead(found: Mapping[World, float], others: Mapping[str, Mapping[World, float]], seeds: Sequence[int]) -> list[str]:
    """The kinds in which median and 90th percentile are below those of every other method."""

    def place(each: Mapping[World, float], kind: str) -> tuple[float, float]:
        values = [regret for world, regret in each.items() if world[0] == kind and world[1] in seeds]
        return float(np.median(values)), float(np.quantile(values, 0.9))

    def is_ahead(kind: str) -> bool:
        own = place(found, kind)
        return all(
            mine < theirs for each in others.values() for mine, theirs in zip(own, place(each, kind), strict=True)
        )

    return [kind for kind in KINDS if is_ahead(kind)]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--worlds", type=int, default=100, help="of each kind and seed")
    options.add_argument("--seeds", type=int, nargs="+", default=[0])
    options.add_argument("--guards", type=float, nargs="+", default=[1.0, 0.7, 0.5])
    given = options.parse_args()
    warnings.simplefilter("ignore", FewRunsWarning)
    others = {name: regrets(ENTRANTS[name], given.worlds, given.seeds) for name in OTHERS}
    even = others["stratified"]
    print("| guard | median | 90th percentile | worse | ahead in | by seed |\n|---|---:|---:|---:|---|---|")
    for guard in given.guards:
        found = regrets(replace(ENTRANTS["emulsion"], settings={"guard": guard}), given.worlds, given.seeds)
        values = list(found.values())
        worse = np.mean([regret - even[world] > 10 for world, regret in found.items()])
        kinds = ahead(found, others, given.seeds)
        each = ", ".join(str(len(ahead(found, others, [seed]))) for seed in given.seeds)
        cells = f"{np.median(values):.1f} | {np.quantile(values, 0.9):.1f} | {worse:.1%}"
        print(f"| {guard:g} | {cells} | {len(kinds)}: {', '.join(kinds)} | {each} |", flush=True)


if __name__ == "__main__":
    main()
