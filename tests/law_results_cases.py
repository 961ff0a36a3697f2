"""Fits of mixing laws in the form of law_results/*.json, made from planted laws: what the figures and tables read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from emulsion.laws.dynamic import fit_dynamic_law
from emulsion.laws.law import by_name
from emulsion.laws.similarity import similarity
from emulsion.laws.static import StaticLaw, fit_static_law
from emulsion.world.planted import noisy, planted_law

NAMES = ("openhermes", "magpie", "cosmopedia", "fineweb", "stackexchange", "wiki", "books", "arxiv", "code")
SETS = {
    "early": (360_000, 18_000),
    "middle": (540_000, 18_000),
    "late": (720_000, 18_000),
    "rest": (900_000, 900_000),
}
FALLS = {
    "early": 0.1,
    "middle": 0.05,
    "late": 0.03,
    "rest": 0.3,
}  # nats that a round on the own source alone takes off, about


def static_result(m: int = 2, seeds: Sequence[int] = (0, 1), noise: float = 0.01) -> dict[str, Any]:
    """The content of static_law.json: the log-linear law refitted to a planted law with noise."""
    names, rows = NAMES[:m], _points(m)
    truth = replace(planted_law(m, m), sources=names, groups=names)
    random = np.random.default_rng(m)
    losses = {seed: noisy(truth.predict(rows), noise, random) for seed in seeds}
    law = _fitted(np.concatenate([rows] * len(seeds)), np.concatenate(list(losses.values())), names)
    alone = {seed: _fitted(rows, table, names) for seed, table in losses.items()}
    per_seed = [_quality(alone[seed].predict(rows), table, names) for seed, table in losses.items()]
    joint = _quality(np.concatenate([law.predict(rows)] * len(seeds)), np.concatenate(list(losses.values())), names)
    return {
        "experiment": f"planted{m}",
        "sources": list(names),
        "seeds": list(seeds),
        "points": [
            {"mixture": f"sweep_{k:02d}", "seed": seed, "weights": by_name(row, names), "losses": by_name(loss, names)}
            for seed, table in losses.items()
            for k, (row, loss) in enumerate(zip(rows, table, strict=True))
        ],
        "law": law.to_json(),
        "quality": {"log_linear": joint},
        "per_seed": {**mean_quality(per_seed), "noise": _noise([_centred(table) for table in losses.values()], names)},
        "noise": _noise(list(losses.values()), names),
    }


def dynamic_result(
    m: int = 2,
    seeds: Sequence[int] = (0, 1),
    sets: Sequence[str] = ("early", "late", "rest"),
    *,
    parents: int = 9,
    corners: bool = True,
) -> dict[str, Any]:
    """The content of dynamic_law.json: branches whose falls of loss bend where a source is left out."""
    names, rows = NAMES[:m], _points(m)
    random = np.random.default_rng(m)
    branches = {name: _branch_set(name, rows, names, seeds, parents, corners, random) for name in sets}
    return {
        "experiment": f"planted{m}",
        "sources": list(names),
        "branches": branches,
        "over_time": [_change(a, b, branches, names) for a, b in pairwise(name for name in sets if name != "rest")],
    }


def mean_quality(each: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Qualities of several fits averaged, group by group."""
    groups = {
        group: {key: float(np.mean([q["groups"][group][key] for q in each])) for key in ("mse", "r2")}
        for group in each[0]["groups"]
    }
    return {"groups": groups, "mean": {key: float(np.mean([q["mean"][key] for q in each])) for key in ("mse", "r2")}}


def _centred(losses: np.ndarray) -> np.ndarray:
    """Losses [n, g] without what a seed does to all points alike."""
    return losses - losses.mean(axis=0)


def _points(m: int) -> np.ndarray:
    """Mixtures [n, m]: nine shares of the first of two sources, else m + 4 of a Dirichlet distribution or 10."""
    if m == 2:
        shares = np.arange(1, 10) / 10
        return np.column_stack([shares, 1 - shares])
    return np.random.default_rng(m).dirichlet(np.ones(m), max(10, m + 4))


def _fitted(rows: np.ndarray, losses: np.ndarray, names: Sequence[str]) -> StaticLaw:
    return fit_static_law(rows, losses, ridge=1e-4, robust=False, sources=names, groups=names)


def _quality(predicted: np.ndarray, observed: np.ndarray, names: Sequence[str]) -> dict[str, Any]:
    mse = ((observed - predicted) ** 2).mean(axis=0)
    r2 = 1 - mse / observed.var(axis=0)
    groups = {name: {"mse": float(a), "r2": float(b)} for name, a, b in zip(names, mse, r2, strict=True)}
    return {"groups": groups, "mean": {"mse": float(mse.mean()), "r2": float(r2.mean())}}


def _noise(tables: Sequence[np.ndarray], names: Sequence[str]) -> dict[str, Any]:
    """Spread over seeds of losses [n, g], and the R2 that it leaves to reach; nulls with one seed."""
    if len(tables) < 2:
        return {"groups": {name: {"sd": None, "ceiling": None} for name in names}, "mean": {"ceiling": None}}
    stacked = np.array(tables)
    variance = stacked.var(axis=0, ddof=1).mean(axis=0)
    ceilings = 1 - variance / stacked.reshape(-1, len(names)).var(axis=0)
    each = {
        name: {"sd": float(np.sqrt(v)), "ceiling": float(c)}
        for name, v, c in zip(names, variance, ceilings, strict=True)
    }
    return {"groups": each, "mean": {"ceiling": float(ceilings.mean())}}


def _branch_set(
    name: str,
    rows: np.ndarray,
    names: Sequence[str],
    seeds: Sequence[int],
    parents: int,
    corners: bool,
    random: np.random.Generator,
) -> dict[str, Any]:
    after, tokens = SETS[name]
    planted = np.random.default_rng([after, len(names)])
    effects = FALLS[name] * planted.uniform(-0.05, 0.35, (len(names), len(names)))
    effects[np.diag_indices(len(names))] += FALLS[name] * planted.permutation(np.linspace(0.6, 1.0, len(names)))
    starts = planted_law(len(names), len(names)).predict(rows)
    trunks = [
        _trunk(k, seed, rows, starts[k] - after * 2e-7, effects, names, corners, random)
        for seed in seeds
        for k in range(min(parents, len(rows)))
    ]
    falls = [np.array([fall for t in trunks if t["seed"] == seed for fall in _falls(t)]) for seed in seeds]
    forms = ("linear", "log_linear", "diagonal")
    full = np.array([[[t["laws"]["linear"]["A"][g][s] for s in names] for g in names] for t in trunks])
    several = len(trunks) > 1
    return {
        "after": after,
        "tokens": tokens,
        "trunks": trunks,
        "quality": {form: mean_quality([_with_mean(t["quality"][form]) for t in trunks]) for form in forms},
        "noise": _noise(falls, names),
        "A": by_name(full.mean(axis=0), names, names),
        "A_sd": by_name(full.std(axis=0, ddof=1), names, names) if several else None,
        "column_sums": by_name(full.sum(axis=1).mean(axis=0), names),
        "diagonal": {s: float(np.mean([t["diagonal"][s] for t in trunks])) for s in names},
        "same_order": sum(t["same_order"] for t in trunks),
        "trunks_count": len(trunks),
    }


def _falls(trunk: Mapping[str, Any]) -> list[list[float]]:
    """The fall of each group's loss on each branch that is no corner."""
    ends = [end["losses"] for end in trunk["ends"] if not end["corner"]]
    return [[before - end[group] for group, before in trunk["before"].items()] for end in ends]


def _with_mean(groups: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    mean = {key: float(np.mean([quality[key] for quality in groups.values()])) for key in ("mse", "r2")}
    return {"groups": groups, "mean": mean}


def _trunk(
    k: int,
    seed: int,
    rows: np.ndarray,
    before: np.ndarray,
    effects: np.ndarray,
    names: Sequence[str],
    corners: bool,
    random: np.random.Generator,
) -> dict[str, Any]:
    """A trunk whose effects differ from the set's a little, as parents' do."""
    own = effects * np.random.default_rng(k).uniform(0.8, 1.2, effects.shape)
    ends = np.vstack([rows, np.eye(len(names))]) if corners else rows
    inside = np.arange(len(ends)) < len(rows)
    before = before + random.normal(0, 0.01, len(names))
    losses = noisy(before - ends**0.8 @ own.T, 0.03 * float(effects.max()), random)
    named: dict[str, Any] = {"robust": False, "sources": names, "groups": names}
    laws = {
        "linear": fit_dynamic_law(rows, losses[inside], before, **named),
        "linear_free": fit_dynamic_law(rows, losses[inside], before, "free", **named),
        "log_linear": fit_dynamic_law(rows, losses[inside], before, form="log_linear", **named),
    }
    fall = before - losses[inside]
    diagonal = (rows * fall).sum(axis=0) / (rows**2).sum(axis=0)
    predicted = {form: laws[form].predict(rows) for form in ("linear", "log_linear")}
    predicted["diagonal"] = before - rows * diagonal
    sums = laws["linear"].A.sum(axis=0)
    return {
        "parent": f"sweep_{k:02d}",
        "seed": seed,
        "weights": by_name(rows[k], names),
        "before": by_name(before, names),
        "ends": [
            {
                "mixture": f"sweep_{e:02d}" if within else names[e - len(rows)],
                "weights": by_name(row, names),
                "losses": by_name(loss, names),
                "corner": not within,
            }
            for e, (row, loss, within) in enumerate(zip(ends, losses, inside.tolist(), strict=True))
        ],
        "laws": {form: law.to_json() for form, law in laws.items()},
        "diagonal": by_name(diagonal, names),
        "column_sums": {"full": by_name(sums, names), "diagonal": by_name(diagonal, names)},
        "same_order": np.argsort(sums).tolist() == np.argsort(diagonal).tolist(),
        "quality": {form: _quality(table, losses[inside], names)["groups"] for form, table in predicted.items()},
    }


def _change(first: str, second: str, branches: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    def orders(name: str) -> list[list[str]]:
        return [sorted(names, key=t["column_sums"]["full"].get) for t in branches[name]["trunks"]]

    pairs = list(zip(orders(first), orders(second), strict=True))
    means = [np.array([[branches[name]["A"][g][s] for s in names] for g in names]) for name in (first, second)]
    return {
        "from": first,
        "to": second,
        "changed": sum(a != b for a, b in pairs),
        "trunks": len(pairs),
        "similarity": similarity(*means),
    }
