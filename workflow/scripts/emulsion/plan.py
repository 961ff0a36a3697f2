"""Mix by plan: which sequence of which source comes at every position of a run.

Shares. Sources come by the chairman assignment (`emulsion.assignment`): at every n, the first n sequences have of each
source what is due to it, within less than one sequence.

Rows. Each pass over a source (an epoch) has a fresh permutation, computed by a keyed Feistel network with
cycle walking, so a draw costs no memory and any position can be asked for directly.

A plan depends on the sizes, the schedule and the seed alone: not on batch sizes, workers or ranks. So the
state of a run's data is one integer, the number of sequences drawn. Neither the memory of a plan nor the time to go to
a position grows with the position; `benchmarks/plan.py` measures both.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.assignment import CHUNK, Shares, assign, count, counts_at
from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.permutation import permute
from emulsion.schedule import Schedule
from emulsion.seeds import derive_seed

PIECE = 256  # sequences that are assigned at once after a change, at least: they may be changed again soon
KEPT = 4  # chunks that are kept, for a loader reads in order
ANSWERS = 64  # positions whose counts are kept


@dataclass(frozen=True)
class _Segment:
    """What is drawn from sequence `start` on by the first `stages` of the schedule, after counts [sources]."""

    start: int
    counts: NDArray[np.int64]
    stages: int


@dataclass
class _Chunk:
    """Sequences from `start` on: sources by the order of names, and how many of each came before."""

    start: int
    counts: NDArray[np.int64]
    sources: NDArray[np.int64]
    rows: NDArray[np.int64] | None = None

    @property
    def stop(self) -> int:
        return self.start + len(self.sources)

    def cut(self, stop: int) -> None:
        """Forget what comes from sequence `stop` on."""
        kept = stop - self.start
        self.sources = self.sources[:kept]
        self.rows = self.rows[:kept] if self.rows is not None else None


class SequencePlan:
    """The deterministic plan of a run.

    sizes     {source: sequences in its store}
    schedule  a Mixture (constant) or a Schedule, over sources of `sizes`
    seed      decides the permutation of every source and epoch, by source name

    Raises UserError where a source is to be drawn that has no sequences or is not in `sizes`.
    """

    def __init__(self, sizes: Mapping[str, int], schedule: Mixture | Schedule, seed: int = 0) -> None:
        self.sizes = dict(sizes)
        self.seed = seed
        self.schedule = Schedule.constant(schedule) if isinstance(schedule, Mixture) else schedule
        for stage in self.schedule.stages:
            self._check(stage.mixture)
        # Ties between sources are broken by name, so that the order of `sizes` decides nothing but the indices.
        self._names = sorted(self.sizes)
        places = {name: place for place, name in enumerate(self.sizes)}
        self._place = np.array([places[name] for name in self._names], dtype=np.int64)
        self._size = np.array([self.sizes[name] for name in self._names], dtype=np.int64)
        self._shares = Shares.of(self.schedule, self._names)
        # Where a mixture was changed; before the first change all stages are known from the start.
        self._segments = [_Segment(0, np.zeros(len(self._names), dtype=np.int64), len(self.schedule.stages))]
        self._answers: dict[int, NDArray[np.int64]] = {}
        self._chunks: list[_Chunk] = []

    def _check(self, mixture: Mixture) -> None:
        for source in mixture.support:
            if self.sizes.get(source, 0) < 1:
                raise UserError(f"plan: source '{source}' has weight {mixture[source]:g} but no sequences.")

    def change(self, start: int, mixture: Mixture, drawn: NDArray[np.int64] | None = None) -> None:
        """From sequence `start` on draw by another mixture: one round of an online method.

        drawn: how many sequences of each source come before, [sources], where a checkpoint has that.
        What comes before `start` never changes. The bound on the shares stays that of the chairman
        assignment up to `start`; after it the shares owed are paid back within a few sequences per source.
        Raises UserError where `start` is already past.
        """
        if start <= self.schedule.stages[-1].start:
            raise UserError(f"plan: cannot change the mixture at {start}; a stage already starts there or later.")
        self._check(mixture)
        counts = self._counts(start) if drawn is None else drawn[self._place]
        self.schedule = self.schedule.then(start, mixture)
        self._shares = self._shares.then(start, mixture, self._names)
        self._segments.append(_Segment(start, counts, len(self.schedule.stages)))
        self._answers = {position: counts for position, counts in self._answers.items() if position <= start}
        # One that starts later has counts of before the change.
        self._chunks = [chunk for chunk in self._chunks if chunk.start < start]
        for chunk in self._chunks:
            chunk.cut(start)

    def go_to(self, position: int, drawn: NDArray[np.int64]) -> None:
        """Take up how many sequences of each source a checkpoint has among the first `position`, [sources]."""
        self._remember(position, drawn[self._place])

    def sources(self, start: int, stop: int) -> NDArray[np.int64]:
        """[stop - start]: the index into the order of `sizes` of the source of each sequence of the run."""
        pieces = [chunk.sources[first:last] for chunk, first, last in self._stretch(start, stop)]
        return np.asarray(self._place[np.concatenate([np.empty(0, dtype=np.int64), *pieces])])

    def rows(self, start: int, stop: int) -> NDArray[np.int64]:
        """[stop - start]: which sequence of its source's store each sequence of the run is."""
        pieces = [self._chunk_rows(chunk)[first:last] for chunk, first, last in self._stretch(start, stop)]
        return np.concatenate([np.empty(0, dtype=np.int64), *pieces])

    def counts(self, position: int) -> NDArray[np.int64]:
        """How many sequences of each source are among the first `position`, [sources]."""
        counts = np.empty(len(self._names), dtype=np.int64)
        counts[self._place] = self._counts(position)
        return counts

    def targets(self, position: NDArray[np.int64] | int) -> NDArray[np.float64]:
        """The exact, fractional number of sequences due to each source by `position`, [..., sources]."""
        return self.schedule.targets(position, list(self.sizes))

    def _stretch(self, start: int, stop: int) -> list[tuple[_Chunk, int, int]]:
        """(chunk, first, last) of the chunks that sequences [start, stop) lie in, in order, with their places there."""
        if start < 0:
            raise UserError(f"plan: there is no sequence {start}; the first is 0.")
        found = []
        while start < stop:
            chunk = self._chunk(start)
            last = min(stop, chunk.stop)
            found.append((chunk, start - chunk.start, last - chunk.start))
            start = last
        return found

    def _chunk(self, position: int) -> _Chunk:
        """The chunk that a sequence lies in; made if need be, from that sequence on."""
        for chunk in reversed(self._chunks):
            if chunk.start <= position < chunk.stop:
                return chunk
        segment, end = self._segment(position)
        counts = self._counts(position)
        stop = min(position + min(CHUNK, max(PIECE, position - segment.start)), end)
        sources = assign(self._shares.first(segment.stages), counts, position, stop)
        self._chunks = [*self._chunks[1 - KEPT :], _Chunk(position, counts, sources)]
        return self._chunks[-1]

    def _segment(self, position: int) -> tuple[_Segment, int]:
        """The last change before a sequence, or the start, and where the next change is."""
        number = bisect.bisect_right(self._segments, position, key=lambda segment: segment.start)
        after = self._segments[number].start if number < len(self._segments) else np.iinfo(np.int64).max
        return self._segments[number - 1], int(after)

    def _counts(self, position: int) -> NDArray[np.int64]:
        """How many sequences of each source, by the order of names, are among the first `position`."""
        if (answer := self._answers.get(position)) is not None:
            return answer
        for chunk in self._chunks:
            if chunk.start <= position <= chunk.stop:
                drawn = chunk.sources[: position - chunk.start]
                return np.asarray(chunk.counts + np.bincount(drawn, minlength=len(self._names)))
        segment, _ = self._segment(position)
        shares = self._shares.first(segment.stages)
        known = max((each for each in self._answers if segment.start <= each <= position), default=segment.start)
        drawn = self._answers.get(known, segment.counts)
        if segment is self._segments[0]:
            counts = counts_at(shares, position, known, drawn)
        else:
            counts = count(shares, drawn, known, position)
        self._remember(position, counts)
        return counts

    def _remember(self, position: int, counts: NDArray[np.int64]) -> None:
        while len(self._answers) >= ANSWERS:
            self._answers.pop(next(iter(self._answers)))
        self._answers[position] = counts

    def _chunk_rows(self, chunk: _Chunk) -> NDArray[np.int64]:
        if chunk.rows is None:
            sources = chunk.sources
            order = np.argsort(sources, kind="stable")
            ordered = sources[order]
            rank = np.empty(len(sources), dtype=np.int64)
            rank[order] = np.arange(len(sources)) - np.searchsorted(ordered, ordered)
            sizes = self._size[sources]
            epochs, places = np.divmod(chunk.counts[sources] + rank, sizes)
            # A permutation of its own for each source and epoch.
            passes, which = np.unique(np.stack([sources, epochs]), axis=1, return_inverse=True)
            keys = [derive_seed(self.seed, "rows", self._names[source], epoch) for source, epoch in passes.T.tolist()]
            chunk.rows = permute(places, sizes, np.array(keys, dtype=np.uint64)[which.ravel()])
        return chunk.rows


def excess_epochs(plan: SequencePlan, sequences: int, context: int, limit: float) -> list[str]:
    """A sentence for each source that a run of `sequences` sequences repeats more than `limit` times.

    The rest of a source that fills no sequence counts as one: methods keep to the limit by tokens, of which it is part.
    """
    problems = []
    for (source, size), drawn in zip(plan.sizes.items(), plan.counts(sequences), strict=True):
        if drawn > limit * (size + 1):
            problems.append(
                f"source '{source}' would be read {drawn / size:.2f} times (max_epochs is {limit:g}): "
                f"{drawn * context:,} tokens wanted, {size * context:,} there."
            )
    return problems


def describe_plan(plan: SequencePlan, sequences: int, context: int, documents: Mapping[str, int]) -> dict[str, Any]:
    """What a run of `sequences` sequences draws, keyed by source.

    documents: {source: documents in its train split}, from which the samples are estimated as the same share.
    """
    counts = dict(zip(plan.sizes, plan.counts(sequences).tolist(), strict=True))
    targets = plan.targets(sequences)
    ratios = dict(zip(plan.sizes, (targets / sequences).tolist(), strict=True))
    epochs = {source: counts[source] / size if size else 0.0 for source, size in plan.sizes.items()}
    samples = {source: round(documents[source] * epochs[source]) for source in plan.sizes}
    deviations = np.abs(np.array(list(counts.values())) - targets)
    return {
        "mixing_ratios": ratios,
        "realised_shares": {source: count / sequences for source, count in counts.items()},
        "largest_deviation_sequences": float(deviations.max()),
        "tokens": sequences * context,
        "sequences": sequences,
        "context": context,
        "sequences_per_source": counts,
        "tokens_per_source": {source: count * context for source, count in counts.items()},
        "epochs_per_source": epochs,
        "total_samples": sum(samples.values()),
        "samples_per_source": samples,
        "stages": describe_stages(plan, sequences),
    }


def describe_stages(plan: SequencePlan, sequences: int) -> list[dict[str, Any]]:
    """What each stage of such a run draws, in order; all but its first sequence and its length is keyed by source.

    `offsets` are the sequences that were drawn before the stage, from which a source continues: its epochs do not start
    again with a stage. `not_drawn` are the sequences due to sources that have a weight and get none: fractions of one.
    The deviation is that of all counts from the start of the run to the end of the stage.
    """
    stages = plan.schedule.stages
    described = []
    for stage, (start, end) in zip(
        stages, itertools.pairwise([*(each.start for each in stages), sequences]), strict=True
    ):
        offsets, drawn = plan.counts(start), plan.counts(end) - plan.counts(start)
        due = plan.targets(end) - plan.targets(start)
        absent = np.flatnonzero((due > 0) & (drawn == 0))
        names = list(plan.sizes)
        described.append(
            {
                "first_sequence": start,
                "sequences": end - start,
                "shares": dict(stage.mixture.over(names)),
                "sequences_per_source": dict(zip(names, drawn.tolist(), strict=True)),
                "offsets": dict(zip(names, offsets.tolist(), strict=True)),
                "largest_deviation_sequences": float(np.abs(plan.counts(end) - plan.targets(end)).max()),
                "not_drawn": {names[index]: float(due[index]) for index in absent},
            }
        )
    return described
