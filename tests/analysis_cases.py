"""Made-up results in the form of the workflow's files, with effects planted in them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from emulsion.analysis.scores import ItemScores, all_item_scores

CAPABILITIES = ("instruction_following", "factual_knowledge", "conversation", "reasoning")
SOURCES = ("openhermes", "cosmopedia", "magpie", "fineweb")
# What each source teaches, in log-odds per share of the mixture.
TEACHES = {"openhermes": 0, "cosmopedia": 1, "magpie": 2, "fineweb": 3}


def capabilities(scores: Mapping[str, np.ndarray], chance: float | None = 0.25) -> dict[str, Any]:
    """The content of a capabilities.json from scores [items] by capability."""
    cells = {
        name: {"score": float(values.mean()), "interval": [0.0, 1.0], "items": len(values), "chance": chance}
        for name, values in scores.items()
    }
    items = [
        {"suite": "world", "id": f"{name}-{number}", "capability": name, "score": float(score)}
        for name, values in scores.items()
        for number, score in enumerate(values)
    ]
    mean = float(np.mean([values.mean() for values in scores.values()]))
    return {"capabilities": cells, "mean": {"score": mean, "interval": [0.0, 1.0]}, "suites": {}, "items": items}


def trained(ratios: Mapping[str, float], seed: int, items: int = 200, noise: float = 0.0) -> dict[str, Any]:
    """The capabilities.json of a model trained on a mixture: each source teaches its own capability, and saturates."""
    difficulty = np.random.default_rng(0)
    luck = np.random.default_rng(zlib.crc32(repr((sorted(ratios.items()), seed)).encode()))
    shift = luck.normal(0, noise)
    scores = {}
    for name in CAPABILITIES:
        skill = sum(2.4 * np.sqrt(ratios.get(s, 0.0)) for s, c in TEACHES.items() if CAPABILITIES[c] == name)
        odds = difficulty.normal(-0.7, 1.2, items) + skill + shift
        scores[name] = (luck.random(items) < 1 / (1 + np.exp(-odds))).astype(float)
    return capabilities(scores)


def losses(ratios: Mapping[str, float], seed: int, sequences: int = 100) -> dict[str, Any]:
    """The perplexity.json of the same model: a source's loss falls with its share."""
    text = np.random.default_rng(1)
    luck = np.random.default_rng(zlib.crc32(repr((sorted(ratios.items()), seed, "loss")).encode()))
    sources = {}
    for source in SOURCES:
        level = 2.0 + 0.8 * np.exp(-4 * ratios.get(source, 0.0)) + luck.normal(0, 0.005)
        values = level + text.normal(0, 0.25, sequences) + luck.normal(0, 0.02, sequences)
        loss = float(values.mean())
        sources[source] = {"loss": loss, "perplexity": float(np.exp(loss)), "bits_per_byte": loss / np.log(2) / 3}
        sources[source]["sequence_losses"] = values.tolist()
    return {"split": "test", "sources": sources}


def without(source: str) -> dict[str, float]:
    """The equal mixture without a source."""
    return {name: 0.0 if name == source else 1 / 3 for name in SOURCES}


EQUAL = dict.fromkeys(SOURCES, 0.25)


def points_of(summary: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The scores by mixture and capability in contents of `capabilities.json`."""
    return {
        mixture: {name: float(cell["score"]) for name, cell in record["capabilities"].items()}
        for mixture, record in summary.items()
    }


def single(source: str) -> dict[str, float]:
    """The mixture of a source alone."""
    return {name: float(name == source) for name in SOURCES}


def item_scores(seeds: int = 1, **mixtures: Mapping[str, float]) -> dict[str, ItemScores]:
    """The scores of models trained on these mixtures, each with so many seeds."""
    return all_item_scores({name: {s: trained(mix, s) for s in range(seeds)} for name, mix in mixtures.items()})
