"""Mix by plan: which sequence of which source comes at every position of a run.

Shares. Source i is due `targets_i(n)` sequences in the first n. Tijdeman's chairman assignment (The chairman
assignment problem, Discrete Mathematics 32, 1980) keeps the count of every one of m sources within
1 - 1/(2m - 2) of what is due at every n, for any weights that vary in time. It is earliest-deadline-first
scheduling: the j-th sequence of a source may come once j - 1 + slack are due, and must come before more than
j - slack are due, slack = 1/(2m - 2).

Rows. Each pass over a source (an epoch) has a fresh permutation, computed by a keyed Feistel network with
cycle walking, so a draw costs no memory and any position can be asked for directly.

A plan depends on the sizes, the schedule and the seed alone: not on batch sizes, workers or ranks. So the
state of a run's data is one integer, the number of sequences drawn.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.seeds import derive_seed

CHUNK = 4096  # sequences that are assigned at once, at most
PIECE = 256  # and at least: what comes after a change may be changed again soon
ROUNDS = 6
GOLDEN = 0x9E3779B97F4A7C15
NEVER = 2**47  # a position beyond any run; times the number of sources it still fits 64 bits


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
        self._names = list(self.sizes)
        # Ties between sources are broken by name, so that the order of `sizes` decides nothing but the indices.
        self._by_name = np.array(sorted(range(len(self._names)), key=self._names.__getitem__), dtype=np.int64)
        self._assigned = np.empty(0, dtype=np.int16)
        self._counts = np.zeros((1, len(self.sizes)), dtype=np.int64)
        self._cached = (-1, np.empty(0, dtype=np.int64))
        self._changed = 0
        self._set_schedule(Schedule.constant(schedule) if isinstance(schedule, Mixture) else schedule)

    def _set_schedule(self, schedule: Schedule) -> None:
        for stage in schedule.stages:
            for source in stage.mixture.support:
                if self.sizes.get(source, 0) < 1:
                    raise UserError(f"plan: source '{source}' has weight {stage.mixture[source]:g} but no sequences.")
        self.schedule = schedule

    def change(self, start: int, mixture: Mixture) -> None:
        """From sequence `start` on draw by another mixture: one round of an online method.

        What comes before `start` never changes. The bound on the shares stays that of the chairman
        assignment up to `start`; after it the shares owed are paid back within a few sequences per source.
        Raises UserError where `start` is already past.
        """
        if start <= self.schedule.stages[-1].start:
            raise UserError(f"plan: cannot change the mixture at {start}; a stage already starts there or later.")
        self._assign(start)
        self._assigned = self._assigned[:start]
        self._counts = self._counts[: start // CHUNK + 1]
        chunk, rows = self._cached
        self._cached = (chunk, rows[: max(0, start - chunk * CHUNK)])
        self._changed = start
        self._set_schedule(self.schedule.then(start, mixture))

    def sources(self, start: int, stop: int) -> NDArray[np.int64]:
        """[stop - start]: the index into the order of `sizes` of the source of each sequence of the run."""
        self._assign(stop)
        return self._assigned[start:stop].astype(np.int64)

    def rows(self, start: int, stop: int) -> NDArray[np.int64]:
        """[stop - start]: which sequence of its source's store each sequence of the run is."""
        self._assign(stop)
        pieces = [np.empty(0, dtype=np.int64)]
        for chunk in range(start // CHUNK, -(-stop // CHUNK)):
            first = chunk * CHUNK
            pieces.append(self._chunk_rows(chunk)[max(start - first, 0) : stop - first])
        return np.concatenate(pieces)

    def counts(self, position: int) -> NDArray[np.int64]:
        """How many sequences of each source are among the first `position`, [sources]."""
        self._assign(position)
        chunk = position // CHUNK
        rest = self._assigned[chunk * CHUNK : position]
        counts: NDArray[np.int64] = self._counts[chunk] + np.bincount(rest, minlength=len(self._names))
        return counts

    def targets(self, position: NDArray[np.int64] | int) -> NDArray[np.float64]:
        """The exact, fractional number of sequences due to each source by `position`, [..., sources]."""
        return self.schedule.targets(position, self._names)

    def _chunk_rows(self, chunk: int) -> NDArray[np.int64]:
        """The rows of a chunk as far as it is assigned; the last one asked for is kept, for a loader reads in order."""
        sources = self._assigned[chunk * CHUNK : (chunk + 1) * CHUNK]
        known = self._cached[1] if self._cached[0] == chunk else np.empty(0, dtype=np.int64)
        if len(known) < len(sources):
            drawn = self._counts[chunk] + np.bincount(sources[: len(known)], minlength=len(self._names))
            fresh = sources[len(known) :]
            rows = np.empty(len(fresh), dtype=np.int64)
            for source in np.unique(fresh):
                here = np.flatnonzero(fresh == source)
                rows[here] = self._shuffled(int(source), drawn[source] + np.arange(len(here)))
            self._cached = (chunk, np.concatenate([known, rows]))
        return self._cached[1]

    def _shuffled(self, source: int, drawn: NDArray[np.int64]) -> NDArray[np.int64]:
        name = self._names[source]
        size = self.sizes[name]
        epochs, places = np.divmod(drawn, size)
        numbers, which = np.unique(epochs, return_inverse=True)
        keys = np.array([derive_seed(self.seed, "rows", name, int(epoch)) for epoch in numbers], dtype=np.uint64)
        return permute(places, size, keys[which])

    def _assign(self, stop: int) -> None:
        """Assign until the first `stop` sequences of the run have their source, and more the longer ago a change is."""
        known = len(self._assigned)
        if known < stop:
            piece = min(CHUNK, max(PIECE, known - self._changed))
            whole = known // CHUNK
            counts = self._counts[whole] + np.bincount(self._assigned[whole * CHUNK :], minlength=len(self._names))
            self._extend(known, -(-(stop - known) // piece) * piece, counts)

    def _extend(self, start: int, sequences: int, counts: NDArray[np.int64]) -> None:
        order = self._by_name
        fresh = assign(self.schedule, [self._names[i] for i in order], counts[order], start, start + sequences)
        self._assigned = np.concatenate([self._assigned, order[fresh].astype(np.int16)])
        for chunk in range(len(self._counts) - 1, len(self._assigned) // CHUNK):
            drawn = np.bincount(self._assigned[chunk * CHUNK : (chunk + 1) * CHUNK], minlength=len(self._names))
            self._counts = np.vstack([self._counts, self._counts[-1] + drawn])


def assign(
    schedule: Schedule, sources: list[str], counts: NDArray[np.int64], start: int, stop: int
) -> NDArray[np.int16]:
    """Chairman assignment of positions [start, stop), given how many of each source came before, [sources].

    Being earliest-deadline-first, it needs no memory beyond the counts: assigning in pieces gives the
    same sequence of sources as assigning at once.
    """
    releases, deadlines, owners = _windows(schedule, sources, counts, start, stop)
    order = np.argsort(releases, kind="stable")
    release = releases[order].tolist()
    urgency = (deadlines * len(sources) + owners)[order].tolist()
    release.append(np.iinfo(np.int64).max)
    ready: list[int] = []
    chosen: list[int] = []
    waiting = 0
    for position in range(start + 1, stop + 1):
        while release[waiting] <= position:
            heapq.heappush(ready, urgency[waiting])
            waiting += 1
        if not ready:  # only after a change of mixture that nobody could foresee
            heapq.heappush(ready, urgency[waiting])
            waiting += 1
        chosen.append(heapq.heappop(ready))
    return (np.array(chosen, dtype=np.int64) % len(sources)).astype(np.int16)


def _windows(
    schedule: Schedule, sources: list[str], counts: NDArray[np.int64], start: int, stop: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Release, deadline and source of every sequence that may come in [start, stop); positions count from 1."""
    weights = schedule.weights(sources)
    slack = 1 / (2 * max(int((weights > 0).any(axis=0).sum()), 2) - 2)
    due = np.maximum(schedule.targets(stop, sources), counts)
    windows = []
    for index in np.flatnonzero(weights[-1] + due > 0):
        # One more than can be released, so that there is always a sequence left to draw.
        number = np.arange(counts[index] + 1, int(due[index]) + 3)
        first = _when_due(schedule, weights[:, index], number - 1 + slack)
        last = _when_due(schedule, weights[:, index], number - slack)
        possible = np.isfinite(first)
        windows.append((first[possible], last[possible], np.full(possible.sum(), index)))
    releases, deadlines, owners = (np.concatenate(columns) for columns in zip(*windows, strict=True))
    far = float(NEVER)
    return np.minimum(releases, far).astype(np.int64), np.minimum(deadlines, far).astype(np.int64), owners


def _when_due(schedule: Schedule, weights: NDArray[np.float64], amount: NDArray[np.float64]) -> NDArray[np.float64]:
    """The first position at which `amount` is due to a source of these weights [stages]; inf where it never is."""
    starts = np.array([stage.start for stage in schedule.stages], dtype=np.float64)
    due_before = np.concatenate([[0.0], np.cumsum(np.diff(starts) * weights[:-1])])
    # The last stage that starts before the amount is due; stages of weight zero add nothing, so are skipped.
    stage = np.searchsorted(due_before, amount, side="left") - 1
    with np.errstate(divide="ignore"):
        position = starts[stage] + np.ceil((amount - due_before[stage]) / weights[stage] - 1e-9)
    return np.asarray(position)


def permute(index: NDArray[np.int64], size: int, key: NDArray[np.uint64] | int) -> NDArray[np.int64]:
    """The image of each index [n] under the pseudo-random permutation of range(size) that its key [n] names.

    A balanced Feistel network over the next even power of two; indices that land outside are mapped
    again until they are inside (cycle walking; fewer than four times on average).
    """
    half = np.uint64(max(1, ((size - 1).bit_length() + 1) // 2))
    value, keys = index.astype(np.uint64), np.broadcast_to(np.asarray(key, dtype=np.uint64), index.shape)
    outside = np.arange(len(value))
    while len(outside):
        value[outside] = _feistel(value[outside], half, keys[outside])
        outside = outside[value[outside] >= np.uint64(size)]
    return value.astype(np.int64)


def _feistel(value: NDArray[np.uint64], half: np.uint64, key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = value >> half, value & mask
    for number in range(1, ROUNDS + 1):
        # Each round's key is the next of a Weyl sequence, as in SplitMix64.
        round_key = key + np.uint64(GOLDEN * number % 2**64)
        left, right = right, left ^ (_mix(right ^ _mix(round_key)) & mask)
    return (left << half) | right


def _mix(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def excess_epochs(plan: SequencePlan, sequences: int, context: int, limit: float) -> list[str]:
    """A sentence for each source that a run of so many sequences repeats more than `limit` times."""
    problems = []
    for (source, size), drawn in zip(plan.sizes.items(), plan.counts(sequences), strict=True):
        if drawn > limit * size:
            problems.append(
                f"source '{source}' would be read {drawn / size:.2f} times (max_epochs is {limit:g}): "
                f"{drawn * context:,} tokens wanted, {size * context:,} there."
            )
    return problems


def describe_plan(plan: SequencePlan, sequences: int, context: int, documents: Mapping[str, int]) -> dict[str, Any]:
    """What a run of so many sequences draws, keyed by source.

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

    `offsets` are the sequences that were drawn before the stage, from which a source goes on: its epochs do not start
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
