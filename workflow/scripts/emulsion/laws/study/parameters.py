"""A method's matrix A beside the fitted A*, per trunk: `{method}_parameters.json` and `similarity.json`.

Aioli (2411.05735), sections 4.3 and C.2. One scale b fits b A p to the falls of all groups; the method's step size
takes up any scale, but not a sign, so similarities are those of A itself, which no b above 0 changes.

What is compared with what:
  given        the matrix as it is with the pinned A*. A diagonal matrix of 2 sources is compared with the diagonal
               form of A*, as the paper does (`laws.diagonal_form`).
  diagonal     the diagonal law of the same branches, likewise.
  static_law   the slopes -dL_i/dp_j of the static law at the trunk's mixture. Finished runs tell them only up to a
               constant per group, so A* is the law with a free intercept, and rows of both sum to 0; with 2 sources,
               whose column sums would then be opposite numbers, both are in diagonal form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.laws import StaticLaw, diagonal_form, similarity
from emulsion.laws.goodness import known_mean
from emulsion.laws.law import TOTAL, by_name, from_names
from emulsion.laws.study.rows import fitted_ends, table_of
from emulsion.laws.table import Floats

KINDS = ("given", "static_law", "diagonal")
Found = Mapping[str, Any]
_MEASURES = ("b", "cosine", "spearman", "similarity")


def method_parameters(
    method: str, settings: Found, static: Found, dynamic: Found, matrix: Found | None = None
) -> dict[str, Any]:
    """The content of `{method}_parameters.json`.

    settings  {"kind", "branches"} of the method
    static    the content of static_law.json; dynamic, of dynamic_law.json
    matrix    {group: {source: effect}} of a method of kind `given`

    Raises UserError where the kind or the set of branches is unknown, or the matrix does not fit the sources.
    """
    kind, name, sources = settings["kind"], settings["branches"], dynamic["sources"]
    where = f"methods.{method}"
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS, where)
    if name not in dynamic["branches"]:
        raise unknown("branches", name, dynamic["branches"], where)
    given = _given(matrix, sources, where) if kind == "given" else None
    law = StaticLaw.from_json(static["law"])
    free = kind == "static_law"
    trunks = [
        compared(trunk, _effects(kind, given, law, trunk), sources, free=free)
        for trunk in dynamic["branches"][name]["trunks"]
    ]
    return {
        "experiment": dynamic["experiment"],
        "method": method,
        "kind": kind,
        "branches": name,
        "trunks": trunks,
        "mean": mean_of_trunks(trunks, sources),
    }


def similarities(experiment: str, parameters: Sequence[Found], board: Found | None = None) -> dict[str, Any]:
    """The content of `similarity.json` from those of the methods' parameter files.

    board: the content of methods.json, from which methods that were trained have their "improvement": by how much their
    mean test perplexity is below that of stratified sampling, with its interval and verdict; null where it has none.
    """
    keys = (*_MEASURES, "degenerate", "note")
    improvements = {name: _improvement(row) for row in (board or {"methods": []})["methods"] for name in row["names"]}
    methods = {
        each["method"]: {
            "kind": each["kind"],
            "branches": each["branches"],
            "trunks": len(each["trunks"]),
            "each": [trunk["similarity"]["similarity"] for trunk in each["trunks"]],
            **{key: each["mean"][key] for key in keys},
            "improvement": improvements.get(each["method"]),
        }
        for each in parameters
    }
    return {"experiment": experiment, "methods": methods, "correlation": _correlation(list(methods.values()))}


def _improvement(row: Found) -> dict[str, Any] | None:
    if row["difference_to_stratified"] is None:
        return None
    interval = row["interval"] and [-row["interval"][1], -row["interval"][0]]
    return {"difference": -row["difference_to_stratified"], "interval": interval, "verdict": row["verdict"]}


def _correlation(methods: Sequence[Found]) -> dict[str, Any] | None:
    """Pearson's r of similarity and improvement over methods; None for fewer than three, or all alike."""
    pairs = [(each["similarity"], each["improvement"]["difference"]) for each in methods if each["improvement"]]
    if len(pairs) < 3 or min(np.ptp(pairs, axis=0)) == 0:
        return None
    r = float(np.corrcoef(np.array(pairs).T)[0, 1])
    return {"r": r, "r2": r * r, "methods": len(pairs)}


def _given(matrix: Found | None, sources: Sequence[str], where: str) -> Floats:
    if not isinstance(matrix, Mapping) or not all(isinstance(row, Mapping) for row in matrix.values()):
        raise UserError(f"{where}.matrix: a method of kind 'given' needs a file with {{group: {{source: effect}}}}.")
    for group, row in [("", matrix), *matrix.items()]:
        at = f"{where}.matrix.{group}".rstrip(".")
        for name in row:
            if name not in sources:
                raise unknown("source" if group else "group", name, sources, at)
        if missing := [source for source in sources if source not in row]:
            raise UserError(f"{at}: lacks {missing}; it must hold each of {list(sources)}.")
    try:
        effects = from_names(matrix, sources, sources)
    except (TypeError, ValueError):
        effects = np.array([np.nan])
    if not np.isfinite(effects).all():
        raise UserError(f"{where}.matrix: every effect must be a finite number.")
    return effects


def _effects(kind: str, given: Floats | None, law: StaticLaw, trunk: Found) -> Floats:
    """The method's matrix at a trunk, [g, m]."""
    if given is not None:
        return given
    if kind == "diagonal":
        return np.diag(from_names(trunk["diagonal"], law.sources))
    at = from_names(trunk["weights"], law.sources)
    return np.asarray((law.b * np.exp(-law.A @ at))[:, None] * law.A)


def compared(trunk: Found, effects: Floats, sources: Sequence[str], *, free: bool = False) -> dict[str, Any]:
    """A method's matrix [g, m] beside the fitted one at a trunk of dynamic_law.json.

    free: whether the matrix tells effects only up to a constant per group. A matrix of one row has the sums of its
    columns alone, and so has A* then.
    """
    star = from_names(trunk["laws"]["linear_free" if free else "linear"]["A"], sources, sources)
    rows = sources
    if len(effects) == 1:
        star, rows = star.sum(axis=0, keepdims=True), (TOTAL,)
    scale = _scale(trunk, effects, sources, free)
    diagonal = len(effects) == 2 and not (effects - np.diag(np.diag(effects))).any()
    if len(sources) == 2 and (free or diagonal):
        effects, star = diagonal_form(effects), diagonal_form(star)
    alike = similarity(effects, star)
    notes = [alike["note"]] if alike["note"] else []
    if scale <= 0:
        notes.append("the scale b is not above 0: losses rose where the method expects them to fall")
    return {
        "parent": trunk["parent"],
        "seed": trunk["seed"],
        "A": by_name(effects, rows, sources),
        "A_star": by_name(star, rows, sources),
        "b": scale,
        "A_scaled": by_name(scale * effects, rows, sources),
        "similarity": {**alike, "note": "; ".join(notes)},
    }


def _scale(trunk: Found, effects: Floats, sources: Sequence[str], free: bool) -> float:
    """The b of least squares for falls = b A p over all groups and branches; levels of falls are free if `free`.

    0 where the method expects no fall at all.
    """
    ends = fitted_ends(trunk)
    mixtures = table_of([end["realised"] for end in ends], sources).to_numpy()
    losses = table_of([end["losses"] for end in ends], sources).to_numpy()
    falls, expected = from_names(trunk["before"], sources) - losses, mixtures @ effects.T
    if len(effects) == 1:
        falls = falls.sum(axis=1, keepdims=True)
    if free:
        falls, expected = falls - falls.mean(axis=0), expected - expected.mean(axis=0)
    size = float((expected**2).sum())
    return float((falls * expected).sum() / size) if size > 0 else 0.0


def mean_of_trunks(trunks: Sequence[Found], sources: Sequence[str]) -> dict[str, Any]:
    """Averages over trunks of what was measured at each."""
    rows = list(trunks[0]["A"])
    matrices = {
        key: by_name(np.mean([from_names(t[key], rows, sources) for t in trunks], axis=0), rows, sources)
        for key in ("A", "A_star")
    }
    each = [{"b": trunk["b"], **trunk["similarity"]} for trunk in trunks]
    measures = {key: float(known_mean(np.array([one[key] for one in each]))) for key in _MEASURES}
    notes = list(dict.fromkeys(one["note"] for one in each if one["note"]))
    return {**matrices, **measures, "degenerate": any(one["degenerate"] for one in each), "note": "; ".join(notes)}
