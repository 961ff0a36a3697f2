"""What the constants of simulated worlds are drawn from.

Ranges hold what log-linear laws fitted to real runs show (`benchmarks/worlds.py`, docs/worlds.md): how much more
a source teaches itself than others do, how far losses lie above their floor, how much sources differ, and the noise of
seeds.
Each world draws a spread of its own for how much sources differ, so that there are worlds in which the mixture hardly
matters, as in most real runs so far, and worlds in which it decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from emulsion.laws.table import Floats
from emulsion.world.truth import (
    Drifting,
    Flipping,
    Interacting,
    Linear,
    LogLinear,
    Recent,
    Repeating,
    Saturating,
    Transfer,
    Truth,
)


@dataclass(frozen=True)
class Draw:
    """Random numbers of one world of m sources. spread: how much sources differ"""

    random: np.random.Generator
    m: int
    spread: float

    def between(self, low: float, high: float, *shape: int) -> Floats:
        return self.random.uniform(low, high, shape or (self.m,))

    def geometric(self, low: float, high: float, *shape: int) -> Floats:
        """Between the bounds, evenly in the logarithm."""
        return np.asarray(np.exp(self.between(np.log(low), np.log(high), *shape)))

    def curve(self) -> dict[str, Floats]:
        """Floor, fall, rate and power, such that an even mixture ends .3 to 2 nats above the floor."""
        floor, start, power = self.between(1.0, 2.4), self.between(6.0, 10.0), self.between(0.25, 0.8)
        above = np.minimum(self.geometric(0.3, 2.0, 1) * np.exp(self.spread * self.between(-0.7, 0.7)), 3.0)
        rate = ((start - floor) / above) ** (1 / power) - 1
        return {"floor": floor, "fall": start - floor, "rate": rate * self.m / 2, "power": power}

    def transfer(self) -> Floats:
        """X [m, m]: a source teaches itself most, others up to half of that, and columns differ."""
        effects = self.between(0.0, 1.0, self.m, self.m) * self.between(0.0, 0.5, 1)
        effects[np.diag_indices(self.m)] = 1.0
        return np.asarray(effects * np.exp(self.spread * self.between(-1.0, 1.0)))


def _linear(draw: Draw) -> Truth:
    m, spread = draw.m, draw.spread
    slopes = draw.random.normal(0, 0.1 * spread, (m, m)) + draw.random.normal(0, 0.2 * spread, m)
    slopes[np.diag_indices(m)] += draw.geometric(0.2, 1.0, 1) * (1 + spread * draw.between(-0.5, 0.5))
    return Linear(**draw.curve(), slopes=slopes)


def _log_linear(draw: Draw) -> Truth:
    m, spread = draw.m, draw.spread
    effects = draw.random.normal(0, 0.4, (m, m)) + spread * draw.random.normal(0, 0.7, m)
    effects[np.diag_indices(m)] += draw.between(1.0, 5.5, 1) * (1 + spread * draw.between(-0.5, 0.5))
    curve = draw.curve()
    # At an even mixture the loss is to be above the floor by what the curve says.
    return LogLinear(**{**curve, "fall": curve["fall"] * np.exp(effects.mean(axis=1))}, effects=effects)


def _interacting(draw: Draw) -> Truth:
    m = draw.m
    pairs = np.triu(draw.random.normal(0.2, 0.4, (m, m, m)), 1) * 2 / max(m - 1, 1)
    return Interacting(**draw.curve(), effects=draw.transfer(), together=np.maximum(pairs, -0.4 / max(m - 1, 1)))


def _saturating(draw: Draw) -> Truth:
    enough = np.where(draw.between(0, 1) < 0.6, draw.geometric(0.02, 0.4), 50.0)
    return Saturating(**draw.curve(), effects=draw.transfer(), enough=enough)


def _repetition(draw: Draw) -> Truth:
    sizes = 1 / draw.geometric(0.3, 40.0)
    sizes[draw.random.integers(draw.m)] = 1 / draw.geometric(12.0, 50.0, 1)[0]
    return Repeating(
        **draw.curve(),
        effects=draw.transfer(),
        sizes=sizes,
        worth_again=float(draw.between(4, 15, 1)[0]),
        hurts=float(draw.between(0, 0.04, 1)[0]),
    )


def _drifting(draw: Draw) -> Truth:
    return Drifting(**draw.curve(), effects=draw.transfer(), later=draw.transfer())


def _harmful(draw: Draw) -> Truth:
    effects = draw.transfer()
    harm = np.arange(draw.m) == draw.random.integers(draw.m)
    away = ~harm
    effects[np.ix_(away, harm)] = -draw.between(0.05, 0.5, int(away.sum()), 1)
    return Transfer(**draw.curve(), effects=effects)


def _rank_flip(draw: Draw) -> Truth:
    return Flipping(**draw.curve(), effects=draw.transfer(), short=draw.transfer())


def _recency(draw: Draw) -> Truth:
    return Recent(
        **draw.curve(),
        effects=draw.transfer(),
        lost=draw.geometric(0.03, 0.3),
        half=float(draw.between(0.1, 0.4, 1)[0]),
        window=float(draw.geometric(0.02, 0.1, 1)[0]),
    )


KINDS: dict[str, Callable[[Draw], Truth]] = {
    "linear": _linear,
    "log_linear": _log_linear,
    "interacting": _interacting,
    "saturating": _saturating,
    "repetition": _repetition,
    "drifting": _drifting,
    "harmful": _harmful,
    "rank_flip": _rank_flip,
    "recency": _recency,
}
