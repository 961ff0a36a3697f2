"""The mixtures that one would train on without a study: equal shares, shares by size, the best source alone.

Losses are held against these, in nats and in per cent of perplexity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.ablations import CONTRIBUTES, HURTS, judge
from emulsion.analysis.compare import ALPHA, compare_pair
from emulsion.analysis.noise import SeedNoise, noise_of_differences
from emulsion.analysis.scores import MEAN, ItemScores
from emulsion.mixture import Mixture

Ratios = Mapping[str, Mapping[str, float]]
LOWER, HIGHER, NEITHER = "lower", "higher", "no significant difference"
_VERDICTS = {CONTRIBUTES: HIGHER, HURTS: LOWER}
# Shares this far apart come to the same training to within a sequence or so.
_SAME = 1e-4
# Nats above which a ratio of perplexities is too large to be of use, or for a number.
_MOST = 20.0


def baselines(
    ratios: Ratios, sizes: Mapping[str, int], singles: Sequence[str], scores: Mapping[str, ItemScores]
) -> dict[str, str]:
    """{"equal shares" | "shares by size" | "the best single source": mixture} of those that were trained.

    ratios: {mixture: {source: weight}}; sizes: {source: training tokens}; scores: losses.
    """
    sources = list(sizes)
    wanted = {"equal shares": Mixture.uniform(sources), "shares by size": Mixture(sizes)}
    found = {}
    for label, mixture in wanted.items():
        same = [name for name, weights in ratios.items() if _apart(weights, mixture, sources) < _SAME]
        if same:
            found[label] = same[0]
    if singles:
        found["the best single source"] = min(singles, key=lambda name: scores[name].score())
    return found


def differences(
    scores: Mapping[str, ItemScores], reference: str, candidates: Sequence[str], alpha: float = ALPHA
) -> dict[str, dict[str, dict[str, Any]]]:
    """{mixture: {source, and "mean": cell}}: losses of each mixture less those of the reference, in nats per token.

    candidates: mixtures that may be recommended, which are compared with the seed noise among themselves, as they are
    decided on; single sources are noisier. A cell is {"difference", "interval", "p", "p_holm", "verdict"}: Holm's
    correction covers all cells of sources, and those of the mean. With one training each nothing is significant.
    """
    noise, among = _noises(scores, candidates)
    others = {name: each for name, each in scores.items() if name != reference}
    cells = {
        name: {
            group: compare_pair(each, scores[reference], group, among if name in candidates else noise)
            for group in each.groups
        }
        for name, each in others.items()
    }
    by_source = {name: {g: cell for g, cell in row.items() if g != MEAN} for name, row in cells.items()}
    means = judge({name: {MEAN: row[MEAN]} for name, row in cells.items()}, alpha, noise is not None)
    return {
        name: {group: _worded(cell) for group, cell in {**row, **means[name]}.items()}
        for name, row in judge(by_source, alpha, noise is not None).items()
    }


def against(
    scores: Mapping[str, ItemScores],
    mixture: str,
    found: Mapping[str, str],
    candidates: Sequence[str],
    alpha: float = ALPHA,
) -> list[dict[str, Any]]:
    """A mixture's mean loss less that of each baseline, by Holm's correction over them.

    found: of `baselines`. Rows {"baseline", "reference": its mixture, "difference", "interval", "p", "p_holm",
    "verdict", "perplexity", "perplexity_interval"}, the last two changes of perplexity as shares.
    """
    noise, among = _noises(scores, candidates)
    others = {label: name for label, name in found.items() if name != mixture}
    cells = {
        label: {MEAN: compare_pair(scores[mixture], scores[name], MEAN, among if name in candidates else noise)}
        for label, name in others.items()
    }
    judged = judge(cells, alpha, noise is not None)
    rows = []
    for label, name in others.items():
        cell = _worded(judged[label][MEAN])
        change = [math.expm1(min(end, _MOST)) for end in cell["interval"]]
        rows.append(
            {
                "baseline": label,
                "reference": name,
                **cell,
                "perplexity": math.expm1(min(cell["difference"], _MOST)),
                "perplexity_interval": change,
            }
        )
    return rows


def _noises(scores: Mapping[str, ItemScores], candidates: Sequence[str]) -> tuple[SeedNoise | None, SeedNoise | None]:
    """The seed noise over all mixtures, and that among the candidates."""
    noise = noise_of_differences(scores)
    return noise, noise_of_differences({name: scores[name] for name in candidates}) or noise


def _apart(weights: Mapping[str, float], mixture: Mapping[str, float], sources: Sequence[str]) -> float:
    return max(abs(weights.get(source, 0.0) - mixture[source]) for source in sources)


def _worded(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {**cell, "verdict": _VERDICTS.get(cell["verdict"], NEITHER)}
