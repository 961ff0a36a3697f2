"""A fitted surrogate as a surface over mixtures: what to draw of it, and what it cannot tell from its best."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from emulsion.laws.table import Floats
from emulsion.methods.surrogates import Surrogate
from emulsion.methods.tied import compare_to_first
from emulsion.mixture import Mixture

# Steps of the share along a curve, and along each side of the triangle of three sources.
_CURVE, _SIDE = 100, 50


def surface(
    surrogate: Surrogate,
    best: Mapping[str, float],
    sources: Sequence[str],
    *,
    lower: bool,
    resamples: int,
    seed: int,
    caps: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """The JSON of surface.json.

    best: the mixture found; sources: those of the surrogate, in the order they are shown in; caps: largest share of a
    source that may be chosen, by the epochs it is read; lower: whether the scores are losses with their sign turned,
    and are given as losses.

    sources  in order
    lower    whether less is better
    best     {"weights": [m], "value"}
    parts    two sources: one curve; three: one triangle; more: a curve for each source, along which its share changes
             and the others keep their proportions in `best`. Each {"source" (null of a triangle), "points"}, a point
             {"weights": [m], "value", "tied"}, on curves with the "interval" of the function; beyond a source's cap
             nothing is tied: no run may be there
    runs     {"weights": [m], "value"} that the surrogate was fitted to
    tied_by  how it was found which points cannot be told from the best
    """
    sign, fitted = -1.0 if lower else 1.0, surrogate.runs
    row = np.array(list(Mixture(best).over(list(sources)).values()))
    parts = _parts(sources, row)
    rows = np.concatenate([row[None, :], *(points for _, points in parts)])
    by_name = rows[:, [sources.index(name) for name in fitted.sources]]
    values, apart = surrogate.predict(by_name), compare_to_first(surrogate, by_name, resamples, seed)
    spread = apart.spread
    shown = fitted.mixtures[:, [fitted.sources.index(source) for source in sources]]
    most = np.array([(caps or {}).get(source, 1.0) for source in sources]) + 1e-9
    made, start = [], 1
    for source, points in parts:
        # Along one of many curves the other shares grow together, which is no choice of theirs.
        capped = slice(None) if len(sources) < 4 else sources.index(source or sources[0])
        cells = []
        for place in range(start, start + len(points)):
            cell: dict[str, Any] = {"weights": rows[place].tolist(), "value": sign * float(values[place])}
            if source is not None and spread is not None:
                cell["interval"] = sorted(sign * float(values[place] + end * spread[place]) for end in (-1, 1))
            allowed = bool(np.all((rows[place] <= most)[capped]))
            cells.append({**cell, "tied": bool(apart.tied[place]) and allowed})
        made.append({"source": source, "points": cells})
        start += len(points)
    return {
        "sources": list(sources),
        "lower": lower,
        "surrogate": surrogate.name,
        "best": {"weights": row.tolist(), "value": sign * float(values[0])},
        "parts": made,
        "runs": [
            {"weights": weights, "value": sign * score}
            for weights, score in zip(shown.tolist(), fitted.scores.tolist(), strict=True)
        ],
        "tied_by": apart.how,
    }


def _parts(sources: Sequence[str], best: Floats) -> list[tuple[str | None, Floats]]:
    """(source, mixtures [k, m]) of each part."""
    if len(sources) == 3:
        steps = [(a, b, _SIDE - a - b) for a, b in itertools.product(range(_SIDE + 1), repeat=2) if a + b <= _SIDE]
        return [(None, np.array(steps, dtype=np.float64) / _SIDE)]
    drawn = sources[:1] if len(sources) == 2 else sources
    return [(source, _along(best, list(sources).index(source))) for source in drawn]


def _along(best: Floats, place: int) -> Floats:
    """Mixtures in which one source's share goes from 0 to 1 and the others keep their proportions."""
    shares = np.linspace(0, 1, _CURVE + 1)
    rest = np.delete(best, place)
    rest = rest / rest.sum() if rest.sum() > 0 else np.full(len(rest), 1 / len(rest))
    rows = np.insert((1 - shares)[:, None] * rest[None, :], place, shares, axis=1)
    return np.asarray(rows)
