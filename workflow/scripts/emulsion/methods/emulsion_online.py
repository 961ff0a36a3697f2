"""Emulsion during a run: the law of trajectories keeps learning from the run that it decides.

The run begins at the mixture of `emulsion`, the offline method, and is evaluated after every round. Each evaluation is
a row of the same law, whose prior is what short runs said; so a run in which sources are worth something else than in
short ones is soon known for one. Shares are dithered, up for a fifth of the run and down for the next: a mixture that
never changes shows what it is worth as a whole, not what its sources are worth. docs/method.md has the derivation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from emulsion.errors import UserError
from emulsion.fields import SHARE, Form
from emulsion.laws.law import by_name, from_names
from emulsion.laws.minimize import law_optimum
from emulsion.laws.region import Region
from emulsion.laws.table import Floats
from emulsion.laws.trajectory import TrajectoryLaw
from emulsion.laws.trajectory_fit import Points, follow_run
from emulsion.methods.designs import epoch_caps
from emulsion.methods.emulsion import Emulsion
from emulsion.methods.interface import Evidence, Needs, Observation, Observes
from emulsion.methods.online import MAPPING, Online, OnlineSettings, number

_MEMORY = 0.02  # of a run, after which what was read is no longer recent
_STEPS = np.linspace(0.0, 1.0, 9)  # of the way from the even mixture to the best one
_MOVED = 0.5  # of the way to what was decided; half as far each time, what is noise cancels out
_HELD = 0.2  # of a run, for which shares stay up or down: what changes sooner teaches nothing that lasts
_LEAST = 1e-6  # of a share: the logarithm of 0 is none


@dataclass(frozen=True, kw_only=True)
class EmulsionOnlineSettings(OnlineSettings):
    """weights  {source: weight} of sources in the mean loss; all alike where left out
    guard    how many SDs of the gain over the even mixture are taken off it
    dither   by how much, in the logarithm, shares go up and down in the first half of the run; half as much until three
             quarters, and not at all after them
    recency  SD, nats, of what a share of 1 just read takes off a source's own loss, which the law then does not take
             for what the source is worth; 0: it is not seen
    """

    weights: Mapping[str, float] | None = None
    guard: float = 1.0
    dither: float = 0.4
    recency: float = 0.5

    forms: ClassVar[Mapping[str, Form]] = {
        "weights": MAPPING,
        "guard": number("a number, 0 or more", lambda value: value >= 0),
        "dither": SHARE,
        "recency": number("a number from 0 to 10", lambda value: 0 <= value <= 10),
    }


class EmulsionOnline(Online):
    kind = "emulsion_online"
    needs = Needs(sizes=True, swarm=True, curves=True)
    observes: Observes = "losses"
    reads = EmulsionOnlineSettings
    takes_over = False

    def _set(self, settings: EmulsionOnlineSettings) -> None:
        if settings.prior is not None:
            raise UserError(f"{self.kind}.prior: is not used; short runs say where to begin. Leave it out.")
        self.settings = settings
        given = {"weights": settings.weights} if settings.weights else {}
        self._before = Emulsion(self._listed, guard=settings.guard, **given)
        self.needs = self._before.needs
        self._weights = self._before.weights
        self._law: TrajectoryLaw | None = None
        self._caps: dict[str, float] = {}
        self._plan: Floats = self.prior.copy()
        self._read: Floats = np.zeros((0, len(self.names)))
        self._losses: Floats = np.zeros((0, len(self.names)))
        self._contrasts = _contrasts(len(self.names))

    def prepare(self, evidence: Evidence) -> None:
        self._law = self._before.fit(evidence)
        self._caps = epoch_caps(evidence, self.names, None)
        [(_, mixture)] = self._before.propose(evidence)
        self._plan = np.array([mixture[name] for name in self.names])
        self.log_weights = self._dithered(0, 0.0)

    def _decide(self, seen: Observation) -> Floats:
        if self._law is None:
            raise UserError(f"{self.kind}: has no short runs to begin from.")
        losses, now = self.complete(seen.losses, "losses"), seen.step / seen.steps
        before = self._read[-1] if len(self._read) else np.zeros(len(self.names))
        drawn = np.array([float(seen.counts.get(name, 0)) for name in self.names])
        drawn *= (now - before.sum()) / max(drawn.sum(), 1.0)
        self._read, self._losses = np.vstack([self._read, before + drawn]), np.vstack([self._losses, losses])
        law = follow_run(self._law, self._points(self._law), _recent(self._read), self.settings.recency)
        self._plan += _MOVED * (self._best(law) - self._plan)
        return self._dithered(self.updates + 1, now)

    def _points(self, law: TrajectoryLaw) -> Points:
        whole = np.ones(len(self._read))
        run = np.zeros(len(self._read), dtype=int)
        return Points(self._read, self._read * law.rates, self._losses, self._read.sum(axis=1), whole, run)

    def _best(self, law: TrajectoryLaw) -> Floats:
        """The mixture [m] for the rest of the run, as far from the even one as its gain is sure."""
        caps = self._caps_of_the_rest(law)
        found = law_optimum(law, None, self._weights.tolist(), caps).mixture
        even = Region.of(self.names, None, caps).even()
        rows = even + _STEPS[:, None] * (np.array([found[name] for name in self.names]) - even)
        above, sd = law.compare(rows, even, self._weights)
        return np.asarray(rows[int((above + self.settings.guard * sd).argmin())])

    def _caps_of_the_rest(self, law: TrajectoryLaw) -> dict[str, float] | None:
        """What each source has left of the epochs that it may be read; None where that does not fill the run."""
        if not self._caps or law.left <= 0:
            return None
        read = dict(zip(self.names, self._read[-1].tolist(), strict=True))
        caps = {name: min(max((cap - read[name]) / law.left, 0.0), 1.0) for name, cap in self._caps.items()}
        return caps if sum(caps.values()) > 1 else None

    def _dithered(self, turn: int, now: float) -> Floats:
        """Logarithms of the weights [m] of a round."""
        size = self.settings.dither * (1.0 if now < 0.5 else 0.5 if now < 0.75 else 0.0)
        held = turn // max(1, round(_HELD * self.rounds))
        sign = self._contrasts[held // 2 % len(self._contrasts)] * (-1) ** held
        return np.asarray(np.log(np.maximum(self._plan, _LEAST)) + size * sign)

    def _memory(self) -> dict[str, Any]:
        return {
            "plan": by_name(self._plan, self.names),
            "read": [by_name(row, self.names) for row in self._read],
            "losses": [by_name(row, self.names) for row in self._losses],
        }

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._plan = from_names(memory["plan"], self.names)
        empty = np.zeros((0, len(self.names)))
        self._read = np.vstack([empty, *(from_names(row, self.names) for row in memory["read"])])
        self._losses = np.vstack([empty, *(from_names(row, self.names) for row in memory["losses"])])


def _contrasts(m: int) -> Floats:
    """Rows [k, m] of 1 and -1 that tell m sources apart: those of a Hadamard matrix, without the constant one."""
    rows = scipy.linalg.hadamard(2 ** int(np.ceil(np.log2(m))))[1:, :m]
    return np.asarray(rows, dtype=np.float64)


def _recent(read: Floats) -> Floats:
    """By how much the share lately read of every source is above its share of the run so far, [n, m].

    read  [n, m]: tokens of every source until each evaluation, in runs
    """
    stretches = np.diff(read, axis=0, prepend=0.0)
    lengths, time = stretches.sum(axis=1), read.sum(axis=1)
    shares, so_far = stretches / lengths[:, None], read / time[:, None]
    lately, above = shares[0], np.zeros_like(read)
    for row, kept in enumerate(np.exp(-lengths / _MEMORY)):
        lately = kept * lately + (1 - kept) * shares[row]
        above[row] = lately - so_far[row]
    return above


METHODS = {EmulsionOnline.kind: EmulsionOnline}
