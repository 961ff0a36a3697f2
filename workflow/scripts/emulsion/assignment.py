"""Chairman assignment: which source comes at every position of a run.

Tijdeman's chairman assignment (The chairman assignment problem, Discrete Mathematics 32, 1980) keeps the count of every
one of m sources within 1 - 1/(2m - 2) of what is due at every n, for any weights that vary in time. It is
earliest-deadline-first scheduling: the j-th sequence of a source may come once j - 1 + slack are due, and must come
before more than j - slack are due, slack = 1/(2m - 2).

Positions far into a run (`counts_at`). The sequences that are released and not yet drawn are the whole state there, and
their number is known: those released less those drawn. Which ones they are is bounded by the least state, the most
urgent of those that can be left, and the greatest, the least urgent. Drawing the most urgent one and releasing another
keep that order (by the i-th most urgent of both), so the true state stays between the two, and once they are equal it
is known: monotone coupling from the past (Propp and Wilson, Random Structures & Algorithms 9, 1996).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emulsion.mixture import Mixture
from emulsion.schedule import Schedule

CHUNK = 4096  # sequences that are assigned at once, at most
NEVER = 2**47  # a position beyond any run; times the number of sources it still fits 64 bits
MARGIN = 4  # positions by which rounding may move a deadline, many times over


@dataclass(frozen=True)
class Shares:
    """What a schedule owes each source, as arrays.

    starts      first sequence of each stage, [stages]
    weights     [stages, sources]; ties go to the source that comes first
    due_before  sequences due to each source where a stage starts, [stages, sources]
    """

    starts: NDArray[np.int64]
    weights: NDArray[np.float64]
    due_before: NDArray[np.float64]

    @classmethod
    def of(cls, schedule: Schedule, sources: Sequence[str]) -> Shares:
        starts = np.array([stage.start for stage in schedule.stages], dtype=np.int64)
        weights = schedule.weights(sources)
        spent = np.diff(starts).astype(np.float64)[:, None] * weights[:-1]
        return cls(starts, weights, np.concatenate([np.zeros((1, len(sources))), np.cumsum(spent, axis=0)]))

    def then(self, start: int, mixture: Mixture, sources: list[str]) -> Shares:
        """The shares with one more stage, from sequence `start` on."""
        row = np.array([list(mixture.over(sources).values())])
        due = self.due_before[-1:] + (start - self.starts[-1]) * self.weights[-1:]
        return Shares(np.append(self.starts, start), np.vstack([self.weights, row]), np.vstack([self.due_before, due]))

    def first(self, stages: int) -> Shares:
        """The shares of the first stages alone: views, which take no memory."""
        return Shares(self.starts[:stages], self.weights[:stages], self.due_before[:stages])

    @cached_property
    def slack(self) -> float:
        return 1 / (2 * max(int((self.weights > 0).any(axis=0).sum()), 2) - 2)

    def due(self, position: int) -> NDArray[np.float64]:
        """The exact, fractional number of sequences due to each source by `position`, [sources]."""
        ends = np.append(self.starts[1:], np.iinfo(np.int64).max)
        spent = np.clip(position, self.starts, ends) - self.starts
        due: NDArray[np.float64] = spent @ self.weights
        return due

    def when_due(self, owners: NDArray[np.int64], amount: NDArray[np.float64]) -> NDArray[np.float64]:
        """The first positions at which amounts [n] are due to sources [n]; inf where they never are."""
        # By halving, the last stage that starts before the amount is due; stages of weight zero add nothing, so are
        # skipped.
        last = len(self.starts) - 1
        stage = np.zeros(len(owners), dtype=np.int64)
        for power in reversed(range(last.bit_length())):
            ahead = np.minimum(stage + 2**power, last)
            stage = np.where(self.due_before[ahead, owners] < amount, ahead, stage)
        with np.errstate(divide="ignore", over="ignore"):
            wait = (amount - self.due_before[stage, owners]) / self.weights[stage, owners]
            position = self.starts[stage].astype(np.float64) + np.ceil(wait - 1e-9)
        return np.asarray(position)

    def windows(self, owners: NDArray[np.int64], numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        """Release and deadline of the numbers-th sequences of their owners, [n]; positions count from 1."""
        number = numbers.astype(np.float64)
        release, deadline = self.when_due(owners, number - 1 + self.slack), self.when_due(owners, number - self.slack)
        return np.minimum(release, NEVER).astype(np.int64), np.minimum(deadline, NEVER).astype(np.int64)


def assign(shares: Shares, counts: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    """Sources of positions [start, stop), given how many sequences of each source came before, [sources].

    Being earliest-deadline-first, it needs no memory beyond the counts: assigning in pieces gives the
    same sequence of sources as assigning at once.
    """
    chosen, _ = _serve([], *_coming(shares, counts, stop), start, stop)
    return np.array(chosen, dtype=np.int64) % len(counts)


def count(shares: Shares, counts: NDArray[np.int64], start: int, stop: int) -> NDArray[np.int64]:
    """How many sequences of each source are among the first `stop`, given the counts before `start`, [sources]."""
    for first in range(start, stop, 16 * CHUNK):
        drawn = assign(shares, counts, first, min(first + 16 * CHUNK, stop))
        counts = counts + np.bincount(drawn, minlength=len(counts))
    return counts


def counts_at(
    shares: Shares, position: int, known: int = 0, counts: NDArray[np.int64] | None = None
) -> NDArray[np.int64]:
    """How many sequences of each source are among the first `position`, [sources], of shares known from the start.

    known, counts: a position that is not behind, and the counts there; the start of the run by default. Takes time in
    proportion to the windows of the rarest sources, a few over their weight, and at most about twice that of assigning
    from `known`.
    """
    if counts is None:
        counts = np.zeros(shares.weights.shape[1], dtype=np.int64)
    reach = 4 * CHUNK
    while 3 * reach < position - known:
        if (met := _coupled(shares, position - reach, position)) is not None:
            return count(shares, met[1], met[0], position)
        reach *= 4
    return count(shares, counts, known, position)


def _coupled(shares: Shares, origin: int, position: int) -> tuple[int, NDArray[np.int64]] | None:
    """(a position between origin and `position`, the counts there) where both bounds on the state have met by then."""
    number = shares.weights.shape[1]
    due = shares.due(origin)
    owners = np.repeat(np.arange(number), 5)
    numbers = np.maximum(np.floor(due).astype(np.int64), 1)[owners] + np.tile(np.arange(-1, 4), number)
    releases, deadlines = shares.windows(owners, np.maximum(numbers, 1))
    left = (numbers > 0) & (releases <= origin) & (deadlines > origin - MARGIN)
    released = np.floor(due).astype(np.int64)
    np.maximum.at(released, owners, np.where((numbers > 0) & (releases <= origin), numbers, 0))
    waiting = int(released.sum()) - origin
    urgencies = np.sort((deadlines * number + owners)[left])
    if not 0 <= waiting <= len(urgencies):
        return None
    least, greatest = urgencies[:waiting].tolist(), urgencies[len(urgencies) - waiting :].tolist()
    for first in range(origin, position, CHUNK):
        stop = min(first + CHUNK, position)
        coming = _coming(shares, released, stop)
        _, seen = _serve(least, *coming, first, stop)
        _serve(greatest, *coming, first, stop)
        order = np.argsort(coming[0], kind="stable")[:seen]
        released = released + np.bincount(coming[1][order] % number, minlength=number)
        if sorted(least) == sorted(greatest):
            return stop, released - np.bincount(np.array(least, dtype=np.int64) % number, minlength=number)
    return None


def _serve(
    ready: list[int], releases: NDArray[np.int64], urgencies: NDArray[np.int64], start: int, stop: int
) -> tuple[list[int], int]:
    """Draw at positions [start, stop) the most urgent of what is ready, a heap that is changed.

    releases, urgencies: of what comes. Returns the urgencies drawn, and how many of what comes have become ready.
    """
    order = np.argsort(releases, kind="stable")
    release = [*releases[order].tolist(), np.iinfo(np.int64).max]
    urgency = urgencies[order].tolist()
    drawn: list[int] = []
    seen = 0
    for position in range(start + 1, stop + 1):
        while release[seen] <= position:
            heapq.heappush(ready, urgency[seen])
            seen += 1
        if not ready:  # only where what is due is rounded, far into a run, so that releases come late
            heapq.heappush(ready, urgency[seen])
            seen += 1
        drawn.append(heapq.heappop(ready))
    return drawn, seen


def _coming(shares: Shares, counts: NDArray[np.int64], stop: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Releases and urgencies of what comes before `stop` after the counts, by source; an urgency names its owner."""
    due = np.maximum(shares.due(stop), counts)
    # One more than can be released, so that there is always a sequence left to draw.
    ahead = np.where(shares.weights[-1] + due > 0, due.astype(np.int64) + 2 - counts, 0)
    owners = np.repeat(np.arange(len(counts)), ahead)
    numbers = np.arange(1, len(owners) + 1) - np.repeat(np.cumsum(ahead) - ahead, ahead) + counts[owners]
    releases, deadlines = shares.windows(owners, numbers)
    possible = releases < NEVER
    return releases[possible], (deadlines * len(counts) + owners)[possible]
