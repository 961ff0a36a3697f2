"""A schedule: the mixture over training time, counted in sequences."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.mixture import Mixture, stages_of


@dataclass(frozen=True)
class Stage:
    """A mixture held from sequence `start` of the run until the next stage starts."""

    start: int
    mixture: Mixture


@dataclass(frozen=True)
class Schedule:
    """Stages in order of time; the last one lasts as long as the run does.

    A constant mixture is one stage. A curriculum is several, known before the run. An online
    method appends a stage at each of its rounds (`then`); what is already drawn never changes.
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        starts = [stage.start for stage in self.stages]
        if not starts or starts[0] != 0 or any(a >= b for a, b in itertools.pairwise(starts)):
            raise UserError(f"schedule: stages must start at 0 and follow one another; they start at {starts}.")

    @classmethod
    def constant(cls, mixture: Mixture) -> Schedule:
        return cls((Stage(0, mixture),))

    @classmethod
    def staged(cls, stages: Sequence[tuple[float, Mixture]], sequences: int) -> Schedule:
        """From (until, mixture) pairs, `until` being a share of the run's `sequences`, the last one 1.

        Raises UserError where the shares do not rise to 1 or a stage is shorter than one sequence.
        """
        ends = [until for until, _ in stages]
        if not ends or ends[-1] != 1 or sorted(set(ends)) != ends or ends[0] <= 0:
            raise UserError(f"schedule: stages end at {ends}; the ends must rise to 1.")
        starts = [0, *(round(end * sequences) for end in ends[:-1])]
        for number, (start, end) in enumerate(itertools.pairwise([*starts, sequences]), start=1):
            if start >= end:
                share = f"from {ends[number - 2]:g}" if number > 1 else "from 0"
                raise UserError(
                    f"schedule: stage {number} of {len(ends)}, {share} to {ends[number - 1]:g} of the run, is shorter "
                    f"than one of its {sequences:,} sequences."
                )
        return cls(tuple(Stage(start, mixture) for start, (_, mixture) in zip(starts, stages, strict=True)))

    @classmethod
    def from_json(cls, stages: Sequence[Mapping[str, Any]], sequences: int) -> Schedule:
        """From the `schedule` of a mixture file: [{"until": share of the run, "weights": {source: weight}}]."""
        return cls.staged(stages_of(stages), sequences)

    def then(self, start: int, mixture: Mixture) -> Schedule:
        """The schedule with one more stage, from sequence `start` on."""
        return Schedule((*self.stages, Stage(start, mixture)))

    def weights(self, sources: Sequence[str]) -> NDArray[np.float64]:
        """Weights [stages, sources]."""
        return np.array([list(stage.mixture.over(list(sources)).values()) for stage in self.stages])

    def targets(self, position: NDArray[np.int64] | int, sources: Sequence[str]) -> NDArray[np.float64]:
        """The exact number of sequences due to each source in the first `position` of the run, [..., sources]."""
        starts = np.array([stage.start for stage in self.stages])
        positions = np.asarray(position)[..., None]
        ends = np.append(starts[1:], np.iinfo(np.int64).max)
        spent = np.clip(positions, starts, ends) - starts
        exact: NDArray[np.float64] = spent @ self.weights(sources)
        return exact
