"""Made-up sweeps in the form of `law_results/{experiment}/sweep/*.json`, with laws planted in them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emulsion.world.planted import planted_law

NAMES = ("web", "code", "books", "wiki", "forum", "papers", "law", "news", "speech")
TOKENS = 900_000
# {name: (tokens before the branch, tokens of a branch)}
SETS = {"early": (360_000, 18_000), "rest": (450_000, 450_000)}


def grid(m: int, points: int) -> np.ndarray:
    """Mixtures [points, m]: evenly spaced for two sources, drawn for more."""
    if m == 2:
        shares = np.arange(1, points + 1) / (points + 1)
        return np.column_stack([shares, 1 - shares])
    return np.random.default_rng(m).dirichlet(np.ones(m), points)


def effects(m: int, seed: int = 0) -> np.ndarray:
    """What a round of training does, A [m, m] in nats per unit of share: every source helps itself most."""
    random = np.random.default_rng([seed, m])
    return random.uniform(0.0, 0.03, (m, m)) + np.diag(random.uniform(0.1, 0.2, m))


def planted_sweep(
    experiment: str = "planted",
    m: int = 2,
    points: int = 9,
    seeds: Sequence[int] = (0, 1),
    sets: Mapping[str, tuple[int, int]] = SETS,
    noise: float = 0.005,
    fall_noise: float = 0.002,
    seed_shift: float = 0.0,
    stratified: bool = False,
    matrices: Mapping[str, np.ndarray] | None = None,
    luck: int = 0,
) -> dict[str, Any]:
    """The content of a sweep's file: losses of the planted log-linear law over m sources, falls of planted A.

    noise, fall_noise  standard deviations, nats per token, of finished runs and of ends of branches
    seed_shift         standard deviation of what a seed does to all its runs alike
    stratified         the trunk of branches is the uniform mixture alone, which is not trained to its end
    matrices           {set of branches: A [m, m]}; `effects` where it is not named
    luck               seed of all that is drawn
    """
    sources, random = NAMES[:m], np.random.default_rng([luck, m, points])
    law, mixtures = planted_law(m, 0), grid(m, points)
    shifts = {seed: random.normal(0, seed_shift, m) for seed in seeds}
    rows = []
    for seed in seeds:
        for number, weights in enumerate(mixtures):
            at_end = law.predict(weights)[0] + shifts[seed] + random.normal(0, noise, m)
            name = f"sweep_{number:02d}"
            row = _row(sources, name, seed, seeds[0], weights, at_end)
            rows.append(row)
            if not stratified:
                row["branches"] = _branches(sources, sets, at_end, mixtures, matrices or {}, fall_noise, random)
    if stratified:
        for seed in seeds:
            row = _row(sources, "stratified", seed, seeds[0], np.full(m, 1 / m), None)
            at_end = law.predict(np.full(m, 1 / m))[0] + shifts[seed]
            row["branches"] = _branches(sources, sets, at_end, mixtures, matrices or {}, fall_noise, random)
            rows.append(row)
    return {"experiment": experiment, "sources": list(sources), "peak_memory_bytes": 1, "runs": rows}


def _row(
    sources: Sequence[str], mixture: str, seed: int, first: int, weights: np.ndarray, losses: np.ndarray | None
) -> dict[str, Any]:
    run = mixture if seed == first else f"{mixture}-seed{seed}"
    finished = losses is not None
    return {
        "run": run,
        "mixture": mixture,
        "seed": seed,
        "weights": _named(sources, weights),
        "realised": _named(sources, weights),
        "identity": f"{run:0>16}",
        "tokens": TOKENS if finished else 360_000,
        "finished": finished,
        "validation": _named(sources, losses) if finished else None,
        "test": _named(sources, losses + 0.01) if finished else None,
        "seconds": 1.0,
        "branches": {},
    }


def _branches(
    sources: Sequence[str],
    sets: Mapping[str, tuple[int, int]],
    at_end: np.ndarray,
    mixtures: np.ndarray,
    matrices: Mapping[str, np.ndarray],
    fall_noise: float,
    random: np.random.Generator,
) -> dict[str, Any]:
    m, found = len(sources), {}
    for name, (after, tokens) in sets.items():
        before = at_end + 0.5 * (1 - after / TOKENS)
        a = matrices.get(name, effects(m))
        corners = [(f"only_{source}", row, True) for source, row in zip(sources, np.eye(m), strict=True)]
        ends = []
        for mixture, weights, corner in [*_points(mixtures), *corners]:
            losses = before - a @ weights + random.normal(0, fall_noise, m) + 0.5 * corner
            shares = {"weights": _named(sources, weights), "realised": _named(sources, weights)}
            end = {"mixture": mixture, **shares, "corner": corner}
            test = _named(sources, losses + 0.01) if after + tokens == TOKENS else None
            ends.append({**end, "validation": _named(sources, losses), "test": test, "seconds": 0.1})
        found[name] = {"after": after, "tokens": tokens, "before": _named(sources, before), "ends": ends}
    return found


def _points(mixtures: np.ndarray) -> list[tuple[str, np.ndarray, bool]]:
    return [(f"sweep_{number:02d}", weights, False) for number, weights in enumerate(mixtures)]


def _named(sources: Sequence[str], values: np.ndarray) -> dict[str, float]:
    return dict(zip(sources, np.asarray(values).tolist(), strict=True))


def write_sweep(folder: Path, content: Mapping[str, Any], files: int = 2) -> list[Path]:
    """Write a sweep as the files of so many jobs: {folder}/0.json, ..."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(content["runs"]) // files)
    paths = []
    for number in range(files):
        part = {**content, "runs": content["runs"][number * size : (number + 1) * size]}
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(part))
    return paths
