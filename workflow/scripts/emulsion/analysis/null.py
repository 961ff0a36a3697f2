"""Simulated results whose truth is known, to show that the comparisons find what is there and nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from emulsion.analysis.compare import ALPHA, Draws
from emulsion.analysis.decide import decide
from emulsion.analysis.noise import SeedNoise
from emulsion.analysis.scores import ItemScores
from emulsion.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class World:
    """Mixtures trained and asked under a known truth: each answer is a coin toss of its item's probability.

    items       per capability
    difficulty  standard deviation of the items' log-odds: how unlike each other they are
    seed_noise  standard deviation of a run's log-odds between seeds; shifts all items of the run together
    advantage   log-odds by which the first mixture is really better; 0: all are the same
    """

    mixtures: int = 6
    seeds: int = 1
    capabilities: int = 4
    items: int = 50
    difficulty: float = 1.5
    seed_noise: float = 0.0
    advantage: float = 0.0

    def draw(self, rng: np.random.Generator) -> dict[str, ItemScores]:
        """The item scores of one repetition of the experiment."""
        odds = rng.normal(0, self.difficulty, (self.capabilities, self.items))
        names = tuple(f"capability_{number}" for number in range(self.capabilities))
        keys = tuple(("simulated", f"{number:06d}") for number in range(self.items))
        return {
            f"mixture_{number}": self._mixture(odds + self.advantage * (number == 0), names, keys, rng)
            for number in range(self.mixtures)
        }

    def _mixture(
        self, odds: np.ndarray, names: tuple[str, ...], keys: tuple[tuple[str, str], ...], rng: np.random.Generator
    ) -> ItemScores:
        shifts = rng.normal(0, self.seed_noise, (self.seeds, 1, 1))
        chance = 1 / (1 + np.exp(-(odds + shifts)))  # [seeds, capabilities, items]
        answers = (rng.random(chance.shape) < chance).astype(float)
        return ItemScores(
            seeds=tuple(range(self.seeds)),
            items=dict.fromkeys(names, keys),
            values={name: answers[:, number] for number, name in enumerate(names)},
            chance=dict.fromkeys(names, None),
        )


def winner_rate(
    world: World,
    repetitions: int,
    noise: SeedNoise | None = None,
    alpha: float = ALPHA,
    permutations: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """How often a winner is declared: {"rate", "error", "winners", "repetitions"}; error: its standard error.

    With `advantage` 0 every winner is a false one, and the rate should be `alpha` at most. noise: as passed to
    `decide`; None lets it be estimated where there are several seeds.
    """
    rng = np.random.default_rng(derive_seed(seed, "null"))
    winners = 0
    for repetition in range(repetitions):
        draws = Draws(permutations=permutations, seed=repetition)
        result = decide(world.draw(rng), noise=noise, alpha=alpha, draws=draws, intervals=False)
        winners += result.winner is not None
    rate = winners / repetitions
    error = math.sqrt(max(rate * (1 - rate), 1 / repetitions) / repetitions)
    return {"rate": rate, "error": error, "winners": winners, "repetitions": repetitions}
