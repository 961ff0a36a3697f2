"""What should be noticed of the mixtures that a method decides: collapse, sources left behind, oscillation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from emulsion.laws.table import Floats

# Of the tokens: a source with so much is nearly all of the mixture, one with so little nearly none of it.
_ALL, _NONE = 0.95, 0.005
# Weights turn round where a change of at least this, as a share of tokens, is followed by one the other way.
_SWING = 0.1
# Of the changes that are followed by another: as many turn round in an oscillation.
_TURNS = 0.75
_LEAST_CHANGES = 4


def notices(decided: Sequence[Mapping[str, float]]) -> list[str]:
    """Sentences about a trajectory, empty where nothing is out of the way.

    decided: the mixtures of the rounds, in order of time, without probes; all of the same sources
    """
    if not decided:
        return []
    sources = list(decided[0])
    rows = np.array([[mixture.get(source, 0.0) for source in sources] for mixture in decided])
    return [*_collapse(rows, sources), *_oscillation(rows, sources)]


def _collapse(rows: Floats, sources: list[str]) -> list[str]:
    """Said of the last quarter of the rounds, of which the first may still be finding its way."""
    last = rows[-max(1, len(rows) // 4) :]
    for index, source in enumerate(sources):
        if len(sources) > 1 and last[:, index].min() >= _ALL:
            return [
                f"The mixture has collapsed to '{source}' ({100 * last[-1, index]:.1f} % of the tokens): the other "
                "sources are hardly trained on. Lower the step size, or take a method that explores."
            ]
    gone = [source for index, source in enumerate(sources) if last[:, index].max() <= _NONE and rows[0, index] > _NONE]
    if not gone:
        return []
    named = ", ".join(f"'{source}'" for source in gone)
    return [
        f"Nearly nothing is left of {named} (at most {100 * _NONE:.1f} % of the tokens); what was learnt may be "
        "forgotten."
    ]


def _oscillation(rows: Floats, sources: list[str]) -> list[str]:
    changes = np.diff(rows, axis=0)
    found = []
    for index, source in enumerate(sources):
        large = changes[np.abs(changes[:, index]) >= _SWING, index]
        if len(large) < _LEAST_CHANGES:
            continue
        turns = float(np.mean(np.sign(large[1:]) != np.sign(large[:-1])))
        if turns >= _TURNS:
            found.append(
                f"The share of '{source}' swings to and fro by {100 * np.abs(large).mean():.0f} % of the tokens: the "
                "steps are too large for what is seen. Lower the step size, or observe more in each round."
            )
    # Two sources mirror one another: one sentence is enough.
    return found[:1] if len(sources) == 2 else found
