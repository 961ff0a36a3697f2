"""How far are the simulated worlds from real trainings?

    python benchmarks/worlds.py --regmix texts/regmix law_results/*/static_law.json

fits the log-linear law to real sweeps (files of `fit_static_law`, and RegMix's published table) and to the worlds of
every kind, each as its swarm of noise-free runs of a target run's length, and prints the 5th, 50th and 95th percentile
of what the ranges of `emulsion.world.ranges` are to hold: how far an even mixture ends above the law's floor (nats),
how much a source teaches itself beyond what others do (A, and times the former the slope in nats per share), what the
best mixture gains over the even one (nats), R2, and the SD between seeds of the mean loss and of single losses (nats).
Two minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import numpy as np
import pandas as pd

from emulsion.laws import fit_static_law, minimize_law
from emulsion.laws.goodness import r2
from emulsion.laws.table import Floats
from emulsion.methods.designs import points
from emulsion.methods.interface import Evidence
from emulsion.world import KINDS, worlds

WORLDS = 30
REGMIX = ("train_mixture_1m.csv", "train_pile_loss_1m.csv")
Shown = dict[str, list[float]]


def shown(mixtures: Floats, losses: Floats, sources: Sequence[str], groups: Sequence[str]) -> Shown:
    """What a sweep shows, {measure: values}."""
    law = fit_static_law(mixtures, losses, sources=sources, groups=groups, warn=False)
    even = np.full((1, len(sources)), 1 / len(sources))
    best = np.array([list(minimize_law(law).values())])
    above = law.predict(even)[0] - law.c
    pairs = [(i, list(sources).index(group)) for i, group in enumerate(groups) if group in sources]
    own = [float(law.A[i, j] - np.delete(law.A[i], j).mean()) for i, j in pairs]
    return {
        "above": above.tolist(),
        "own": own,
        "slope": [each * float(above[i]) for each, (i, _) in zip(own, pairs, strict=True)],
        "gain": [float(law.predict(even).mean() - law.predict(best).mean())],
        "R2": r2(losses, law.predict(mixtures)).tolist(),
    }


def between_seeds(points: Sequence[str], losses: Floats) -> Shown:
    """SDs of runs of one mixture about their mean; empty with one seed."""
    off = [
        (rows - rows.mean(axis=0)) * np.sqrt(len(rows) / (len(rows) - 1))
        for point in set(points)
        if len(rows := losses[[each == point for each in points]]) > 1
    ]
    if not off:
        return {}
    found = np.concatenate(off)
    mean = float(np.sqrt((found.mean(axis=1) ** 2).mean()))
    return {"SD of the mean": [mean], "SD": np.sqrt((found**2).mean(axis=0)).tolist()}


def real(file: Path) -> Shown:
    content = json.loads(file.read_text())
    rows, sources = content["points"], content["sources"]
    groups = list(rows[0]["losses"])
    mixtures = np.array([[row["weights"][source] for source in sources] for row in rows])
    losses = np.array([[row["losses"][group] for group in groups] for row in rows])
    return shown(mixtures, losses, sources, groups) | between_seeds([row["mixture"] for row in rows], losses)


def regmix(folder: Path) -> Shown:
    mixtures, losses = (pd.read_csv(folder / name, index_col=0) for name in REGMIX)
    sources = [name.removeprefix("train_the_pile_") for name in mixtures]
    groups = [name.removeprefix("metric/the_pile_").removesuffix("_val_loss") for name in losses]
    return shown(mixtures.to_numpy(), losses.to_numpy(), sources, groups)


def simulated(kind: str) -> list[Shown]:
    found = []
    for world in worlds(kind, WORLDS, seed=1):
        m = len(world.sources)
        settings = {"kind": "spread", "count": 3 * m + 3, "bounds": [0.05, 0.9], "seed": 0}
        design = points(settings, world.sources, Evidence(sizes=world.sizes))
        mixtures = np.array([world.weights(mixture) for mixture in design])
        losses = np.array([list(world.losses(mixture).values()) for mixture in design])
        sds = {"SD of the mean": [world.noise.seed * float(np.sqrt(0.7 + 0.3 / m))], "SD": [world.noise.seed]}
        found.append(shown(mixtures, losses, world.sources, world.sources) | sds)
    return found


def row(name: str, found: Sequence[Shown]) -> str:
    keys = ("above", "own", "slope", "gain", "R2", "SD of the mean", "SD")
    cells = []
    for key in keys:
        values = [value for each in found for value in each.get(key, [])]
        cells.append(" .. ".join(f"{x:.3g}" for x in np.quantile(values, (0.05, 0.5, 0.95))) if values else "")
    return f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("laws", nargs="*", type=Path, help="law_results/*/static_law.json of real trainings")
    options.add_argument("--regmix", type=Path, help="folder of RegMix's published tables")
    given = options.parse_args()
    tables = [given.regmix / name for name in REGMIX] if given.regmix else []
    if missing := [file for file in (*given.laws, *tables) if not file.is_file()]:
        options.error(f"{missing[0]}: no such file; docs/laws.md says how to make it.")
    print("| runs | above | own | slope | gain | R2 | SD of the mean | SD |\n|---|---|---|---|---|---|---|---|")
    if given.laws:
        print(row(f"{len(given.laws)} real sweeps", [real(file) for file in given.laws]))
    if given.regmix:
        print(row("RegMix", [regmix(given.regmix)]))
    for kind in KINDS:
        print(row(kind, simulated(kind)), flush=True)


if __name__ == "__main__":
    main()
