"""Dynamic laws of a sweep: `dynamic_law.json`.

For each set of branches and each trunk, the full linear law, its log-linear form and the diagonal law; over the
trunks of a set the mean A, errors, and what noise between seeds allows; and A over time (Aioli, 2411.05735, C.2.1).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.laws import fit_diagonal_law, fit_dynamic_law, similarity
from emulsion.laws.dynamic import DynamicLaw
from emulsion.laws.goodness import by_group, interaction, known_mean, mse, noise, r2
from emulsion.laws.law import by_name, from_names
from emulsion.laws.study.rows import Row, Sweep, fitted_ends, table_of
from emulsion.laws.table import Floats

Trunk = dict[str, Any]
FORMS = ("linear", "log_linear", "diagonal")


def dynamic_law(sweep: Sweep) -> dict[str, Any]:
    """The content of `dynamic_law.json`; sets of branches are in order of time.

    Warns with FewRunsWarning where a trunk has fewer branches than there are sources. Raises UserError where a trunk
    has fewer than two.
    """
    sets = {name: _branch_set(sweep, name, *size) for name, size in sweep.branch_sets.items()}
    return {
        "experiment": sweep.experiment,
        "sources": list(sweep.sources),
        "branches": sets,
        "over_time": [_over_time(*pair, sets, sweep.sources) for pair in _in_time(sets)],
    }


def _in_time(sets: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Pairs of sets that follow one another, of equally long branches: the effect of a round grows with its length."""
    lengths = dict.fromkeys(each["tokens"] for each in sets.values())
    chains = [[name for name, each in sets.items() if each["tokens"] == tokens] for tokens in lengths]
    pairs = [pair for chain in chains for pair in pairwise(chain)]
    return [(first, second) for first, second in pairs if sets[first]["after"] < sets[second]["after"]]


def _branch_set(sweep: Sweep, name: str, after: int, tokens: int) -> dict[str, Any]:
    trunks = []
    for run in sweep.trunks(name):
        try:
            trunks.append(_trunk(run, name, sweep.sources))
        except UserError as error:
            raise UserError(f"sweep of '{sweep.experiment}', branches '{name}' of '{run['run']}': {error}") from None
    matrices = np.array([from_names(t["laws"]["linear"]["A"], sweep.sources, sweep.sources) for t in trunks])
    mean = matrices.mean(axis=0)
    several = len(trunks) > 1
    diagonal = np.array([from_names(trunk["diagonal"], sweep.sources) for trunk in trunks])
    return {
        "after": after,
        "tokens": tokens,
        "trunks": trunks,
        "quality": {form: _mean_quality(trunks, form, sweep.sources) for form in FORMS},
        "noise": _noise(trunks, sweep.sources),
        "A": by_name(mean, sweep.sources, sweep.sources),
        "A_sd": by_name(matrices.std(axis=0, ddof=1), sweep.sources, sweep.sources) if several else None,
        "column_sums": by_name(mean.sum(axis=0), sweep.sources),
        "diagonal": by_name(diagonal.mean(axis=0), sweep.sources),
        "same_order": sum(trunk["same_order"] for trunk in trunks),
        "trunks_count": len(trunks),
        "between_seeds": _between_seeds(trunks),
    }


def _trunk(run: Row, name: str, sources: Sequence[str]) -> Trunk:
    branches = run["branches"][name]
    ends = fitted_ends(branches)
    # What was drawn: in a short branch a share may miss its weight by a hundredth, for sequences are whole.
    mixtures = table_of([end["realised"] for end in ends], sources)
    after = table_of([end["validation"] for end in ends], sources)
    before = {group: branches["before"][group] for group in sources}
    laws: dict[str, DynamicLaw] = {
        "linear": fit_dynamic_law(mixtures, after, before),
        "linear_free": fit_dynamic_law(mixtures, after, before, "free"),
        "log_linear": fit_dynamic_law(mixtures, after, before, "pinned", "log_linear"),
    }
    diagonal = fit_diagonal_law(mixtures, after, before)
    full, alone = laws["linear"].A.sum(axis=0), diagonal.A.sum(axis=0)
    judged = {"linear": laws["linear"], "log_linear": laws["log_linear"], "diagonal": diagonal}
    return {
        "parent": run["mixture"],
        "seed": run["seed"],
        "weights": {source: run["weights"][source] for source in sources},
        "before": before,
        "ends": [
            {
                "mixture": end["mixture"],
                "weights": {source: end["weights"][source] for source in sources},
                "realised": {source: end["realised"][source] for source in sources},
                "losses": {group: end["validation"][group] for group in sources},
                "corner": end["corner"],
            }
            for end in branches["ends"]
        ],
        "laws": {form: law.to_json() for form, law in laws.items()},
        "diagonal": by_name(alone, sources),
        "column_sums": {"full": by_name(full, sources), "diagonal": by_name(alone, sources)},
        "same_order": _order(full) == _order(alone),
        "quality": {form: _quality(law, mixtures, after.to_numpy()) for form, law in judged.items()},
    }


def _order(sums: Floats) -> list[int]:
    """Sources from the one that lowers losses most to the one that lowers them least."""
    return [int(index) for index in np.argsort(-sums, kind="stable")]


def _quality(law: DynamicLaw, mixtures: Any, values: Floats) -> dict[str, Any]:
    predicted = law.predict(mixtures)
    found: dict[str, Any] = by_group(law.groups, mse=mse(values, predicted), r2=r2(values, predicted))["groups"]
    return found


def _mean_quality(trunks: Sequence[Trunk], form: str, groups: Sequence[str]) -> dict[str, Any]:
    """Errors averaged over trunks, each about the mean of its own branches."""
    found = {}
    for measure in ("mse", "r2"):
        each = [[trunk["quality"][form][group][measure] for group in groups] for trunk in trunks]
        found[measure] = known_mean(np.array(each, dtype=np.float64), axis=0)
    return by_group(groups, **found)


def _noise(trunks: Sequence[Trunk], groups: Sequence[str]) -> dict[str, Any]:
    """Noise of branches from the seeds of one parent mixture: what is left of seed + branch, pooled over parents.

    What tells whole trunks apart is no noise of a branch. Where effects differ between seeds of one parent, that
    counts as noise, so the ceiling is rather too low than too high.
    """
    samples = [_losses([trunk], groups) for trunk in trunks]
    squares, freedom = np.zeros(len(groups)), 0
    for parent in dict.fromkeys(trunk["parent"] for trunk in trunks):
        mine = [trunk for trunk in trunks if trunk["parent"] == parent]
        ends = [(trunk["seed"], end["mixture"]) for trunk in mine for end in fitted_ends(trunk)]
        seeds, branches = zip(*ends, strict=True)
        found, free = interaction(_losses(mine, groups), seeds, branches)
        squares, freedom = squares + found, freedom + free
    return noise(groups, squares, freedom, samples)


def _losses(trunks: Sequence[Trunk], groups: Sequence[str]) -> Floats:
    ends = [end["losses"] for trunk in trunks for end in fitted_ends(trunk)]
    return np.asarray(table_of(ends, groups).to_numpy())


def _between_seeds(trunks: Sequence[Trunk]) -> dict[str, int]:
    """How often the order of column sums differs between two seeds of one parent: what luck alone changes."""
    orders = [(trunk["parent"], _order(np.array(list(trunk["column_sums"]["full"].values())))) for trunk in trunks]
    pairs = [(a, b) for (p, a), (q, b) in combinations(orders, 2) if p == q]
    return {"changed": sum(a != b for a, b in pairs), "pairs": len(pairs)}


def _over_time(
    first: str, second: str, sets: Mapping[str, Mapping[str, Any]], sources: Sequence[str]
) -> dict[str, Any]:
    """Two sets compared on the trunks in both; the mean A of all trunks where no trunk is in both."""
    by_trunk = [{(t["parent"], t["seed"]): t for t in sets[name]["trunks"]} for name in (first, second)]
    both = [key for key in by_trunk[0] if key in by_trunk[1]]
    matrices = [
        np.array([from_names(each[key]["laws"]["linear"]["A"], sources, sources) for key in both or each])
        for each in by_trunk
    ]
    orders = [[_order(matrix.sum(axis=0)) for matrix in each] for each in matrices] if both else [[], []]
    return {
        "from": first,
        "to": second,
        "changed": sum(a != b for a, b in zip(*orders, strict=True)),
        "trunks": len(both),
        "similarity": similarity(matrices[0].mean(axis=0), matrices[1].mean(axis=0)),
    }
