"""Simulated results whose truth is known, to show that the comparisons find what is there and nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulsion.analysis.compare import ALPHA
from emulsion.analysis.decide import decide
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.scores import Floats, ItemScores
from emulsion.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class World:
    """Mixtures trained and asked under a known truth: each answer is a coin toss of its item's probability.

    Standard deviations are of log-odds. With the defaults a run's mean score has one of about .035 between seeds and a
    capability's one of .08, as measured on the demonstration (docs/statistics.md).

    topics, items   per capability, and per topic; items may be the number of each topic [topics]
    difficulty      of topics: how unlike each other they are, for all mixtures alike
    taste           of topics, for each mixture by itself, whatever its seed
    seed_noise      of a run in each capability: shifts all its items together
    topic_noise     of a run in each topic
    advantage       log-odds by which the first mixture is really better; 0: all are the same
    uneven          factor by which noise grows from the first mixture to the last; 1: it is the same for all
    """

    mixtures: int = 6
    seeds: int = 3
    capabilities: int = 5
    topics: int = 30
    items: int | Sequence[int] = 7
    difficulty: float = 1.5
    taste: float = 0.3
    seed_noise: float = 0.4
    topic_noise: float = 0.8
    advantage: float = 0.0
    uneven: float = 1.0

    def draw(self, rng: np.random.Generator) -> dict[str, ItemScores]:
        """The item scores of one repetition of the experiment."""
        odds = rng.normal(0, self.difficulty, (self.capabilities, self.topics))
        names = tuple(f"capability_{number}" for number in range(self.capabilities))
        topic_of = np.repeat(np.arange(self.topics), self.items)
        clusters = tuple(("simulated", f"{topic:05d}") for topic in topic_of)
        keys = tuple(("simulated", f"{number:06d}") for number in range(len(topic_of)))
        found = {}
        for number in range(self.mixtures):
            answers = self._answers(odds + self.advantage * (number == 0), number, rng)
            found[f"mixture_{number}"] = ItemScores(
                seeds=tuple(range(self.seeds)),
                items=dict.fromkeys(names, keys),
                values={name: answers[:, place] for place, name in enumerate(names)},
                chance=dict.fromkeys(names, None),
                clusters=dict.fromkeys(names, clusters),
            )
        return found

    def truth(self, mixture: int = 0) -> float:
        """The expected score of a mixture, of any capability: over seeds and topics."""
        nodes, weights = np.polynomial.hermite_e.hermegauss(60)
        spread = math.sqrt(
            self.difficulty**2 + self.taste**2 + self._noise(mixture) ** 2 * (self.seed_noise**2 + self.topic_noise**2)
        )
        values = 1 / (1 + np.exp(-(self.advantage * (mixture == 0) + spread * nodes)))
        return float((weights * values).sum() / weights.sum())

    def _noise(self, mixture: int) -> float:
        """The factor of a mixture's noise."""
        return float(self.uneven ** (mixture / max(self.mixtures - 1, 1)))

    def _answers(self, odds: Floats, mixture: int, rng: np.random.Generator) -> Floats:
        """[seeds, capabilities, items]"""
        shape = (self.seeds, self.capabilities, self.topics)
        noise = self._noise(mixture)
        each = odds + rng.normal(0, self.taste, shape[1:])
        each = (
            each
            + noise * rng.normal(0, self.seed_noise, (*shape[:2], 1))
            + noise * rng.normal(0, self.topic_noise, shape)
        )
        chance = np.repeat(1 / (1 + np.exp(-each)), self.items, axis=2)
        return (rng.random(chance.shape) < chance).astype(float)


def winner_rate(
    world: World, repetitions: int, noise: SeedNoise | None = None, alpha: float = ALPHA, seed: int = 0
) -> dict[str, Any]:
    """How often a winner is declared: {"rate", "error", "winners", "repetitions"}; error: its standard error.

    With `advantage` 0 every winner is a false one, and the rate should be `alpha` at most. noise: as passed to
    `decide`; None lets it be estimated where there are several seeds.
    """
    rng = np.random.default_rng(derive_seed(seed, "null"))
    winners = sum(decide(world.draw(rng), noise=noise, alpha=alpha).winner is not None for _ in range(repetitions))
    rate = winners / repetitions
    error = math.sqrt(max(rate * (1 - rate), 1 / repetitions) / repetitions)
    return {"rate": rate, "error": error, "winners": winners, "repetitions": repetitions}
