"""Simulated worlds whose best mixture is known: what methods are judged on without training (docs/worlds.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.laws.table import Floats
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.seeds import derive_seed
from emulsion.world.optimum_of_truth import best_mixture, best_stages
from emulsion.world.ranges import KINDS, Draw
from emulsion.world.simulated import Noise, SimulatedRun
from emulsion.world.truth import Drifting, Path, Recent, Repeating, Truth

__all__ = ["CONTEXT", "KINDS", "SEQUENCES", "Noise", "SimulatedRun", "World", "worlds"]

# A target run: 5,000 steps of 8 sequences, as of two and three groups in the Aioli paper (2411.05735).
SEQUENCES, CONTEXT, BATCH = 40_000, 2048, 8
_COUNTS = (2, 3, 4, 6)  # of sources
_STAGES = 8  # of the best schedule where the order of mixtures matters

AnySchedule = Mapping[str, float] | Schedule | Sequence[tuple[float, Mapping[str, float]]]


@dataclass(frozen=True, kw_only=True)
class World:
    """Sources, and what training on them comes to.

    kind     one of `KINDS`; number: which of its draws
    sources  names; sizes: {source: tokens to train on}
    tokens   of the target run, which is decided for
    """

    kind: str
    number: int
    sources: tuple[str, ...]
    sizes: Mapping[str, float]
    truth: Truth
    noise: Noise
    tokens: int = SEQUENCES * CONTEXT

    def losses(self, schedule: AnySchedule, tokens: float | None = None) -> dict[str, float]:
        """{source: loss in nats per token, without noise} at the end of a run.

        schedule  a mixture, a `Schedule` in sequences of 2,048 tokens, or stages [(until, mixture)]
        tokens    of the run; None for a target run
        """
        length = 1.0 if tokens is None else self._length(tokens)
        mixtures, lengths = self._stages(schedule, length)
        found = self.truth.losses(Path(mixtures[None], lengths, length))[0]
        return dict(zip(self.sources, found.tolist(), strict=True))

    def mean_loss(self, schedule: AnySchedule, tokens: float | None = None) -> float:
        """The mean of `losses`."""
        return float(np.mean(list(self.losses(schedule, tokens).values())))

    def regret(self, schedule: AnySchedule) -> float:
        """How far the mean loss of a target run ends above that of the best schedule, in nats."""
        return self.mean_loss(schedule) - self.least

    def train(self, seed: int, length: float = 1.0, *, matched: bool = False) -> SimulatedRun:
        """A run that begins. length: in target runs; matched: whether its sources are cut down to its length, so that a
        mixture repeats them as often as a target run would. The same seed gives the same noise.
        """
        if not 0 < length < np.inf:
            raise UserError(f"world: a run of length {length}; lengths are in target runs, above 0.")
        own = derive_seed(seed, "world", self.kind, self.number)
        return SimulatedRun(self.truth, self.noise, own, length, length if matched else 1.0)

    @cached_property
    def optimum(self) -> Mixture:
        """The constant mixture of the least mean loss of a target run."""
        return self._mixture(best_mixture(self.truth))

    @cached_property
    def best(self) -> list[tuple[float, Mixture]]:
        """Stages of the least mean loss: the optimum alone, except where the order of mixtures matters."""
        if not isinstance(self.truth, Drifting | Recent):
            return [(1.0, self.optimum)]
        rows = best_stages(self.truth, self.weights(self.optimum), _STAGES)
        return [((number + 1) / _STAGES, self._mixture(row)) for number, row in enumerate(rows)]

    @cached_property
    def least(self) -> float:
        """The mean loss of the best schedule."""
        return min(self.mean_loss(self.best), self.mean_loss(self.optimum))

    def weights(self, mixture: Mapping[str, float]) -> Floats:
        """Shares [m] in the order of the sources."""
        return np.array(list(Mixture(mixture).over(list(self.sources)).values()))

    def _mixture(self, row: Floats) -> Mixture:
        return Mixture(dict(zip(self.sources, row.tolist(), strict=True)))

    def _length(self, tokens: float) -> float:
        if not 0 < tokens < np.inf:
            raise UserError(f"world: {tokens} tokens; a run has more than 0.")
        return tokens / self.tokens

    def _stages(self, schedule: AnySchedule, length: float) -> tuple[Floats, Floats]:
        """Mixtures [r, m] and lengths [r] in target runs."""
        if isinstance(schedule, Mapping):
            return self.weights(schedule)[None], np.array([length])
        if isinstance(schedule, Schedule):
            starts = np.array([stage.start for stage in schedule.stages]) / SEQUENCES
            kept = starts < length
            ends = np.append(starts[kept][1:], length)
            return schedule.weights(self.sources)[kept], ends - starts[kept]
        ends = length * np.array([until for until, _ in schedule])
        rows = np.array([self.weights(mixture) for _, mixture in schedule])
        return rows, np.diff(ends, prepend=0.0)


def worlds(kind: str, count: int, seed: int = 0) -> list[World]:
    """So many worlds of a kind; the same for the same seed, and a longer list begins with the shorter one.

    kind  a key of `KINDS`; `world.truth` has the formulas. Raises UserError for an unknown kind.
    """
    if kind not in KINDS:
        raise unknown("kind of world", kind, KINDS, "worlds")
    if count < 1:
        raise UserError(f"worlds: {count} were asked for; at least 1 is needed.")
    return [_world(kind, number, seed) for number in range(count)]


def _world(kind: str, number: int, seed: int) -> World:
    random = np.random.default_rng(derive_seed(seed, "worlds", kind, number))
    m = int(random.choice(_COUNTS))
    draw = Draw(random, m, float(np.exp(random.uniform(np.log(0.1), 0.0))))
    truth = KINDS[kind](draw)
    # Where repetition is not the matter, no run repeats a source.
    sizes = truth.sizes if isinstance(truth, Repeating) else draw.geometric(1.2, 40.0)
    seed_sd = float(draw.geometric(0.002, 0.03, 1)[0])
    noise = Noise(
        seed=seed_sd,
        within=seed_sd * float(random.uniform(0.2, 0.8)),
        warm=draw.between(0.02, 0.2),
        linear=bool(random.random() < 0.5),
    )
    names = tuple(f"s{index}" for index in range(m))
    tokens = dict(zip(names, (sizes * SEQUENCES * CONTEXT).round().tolist(), strict=True))
    return World(kind=kind, number=number, sources=names, sizes=tokens, truth=truth, noise=noise)
