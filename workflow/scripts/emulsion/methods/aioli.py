"""Aioli: weights grow with effects that short probes measure during the run (Chen et al., arXiv 2411.05735).

Algorithm 1:  p_j^{t+1} ∝ p_j^t exp(eta sum_i A^t[i, j]), with A^t from LearnParams (algorithm 2): train briefly on each
of m mixtures, (1 - epsilon) on one source and epsilon on all alike, and solve P A_i = beta_i, where row n of P is what
probe n was trained on and beta_i[n] how far it lowered source i's loss.
A is shifted to 0 or more where an entry is below 0, and divided by its sum, before it is used (appendix D and the
authors' code); where all effects are equal that is 0/0, and here the uniform column sums.

P has the shares that were drawn, not those that were meant: the authors' code solves with the latter, though for
7 sources in batches of 8 it draws .55 instead of .75 of the first and none of the last. Effects that no probe tells
apart, as of a source that none drew, are shared.

Moving average with decay gamma (appendix D): S^t = (1 - gamma) S^t + gamma S^{t-1} of column sums, then
    restart     p^{t+1} ∝ p^1 exp(eta S^t)    as in paper and code: no weight exceeds another by more than e^eta
    cumulative  p^{t+1} ∝ p^t exp(eta S^t)

AIOLI-STATIC is `rounds: 1`, with a larger eta; AIOLI-DIAGONAL is `diagonal: true`, where A[i, i] = beta_i / p_i of
source i's own probes.

Defaults: eta .2, 20 rounds, 4 sweeps, 12.8 % of steps in probes, no moving average: the authors' scripts for two
sources (three: eta .1 to .3, share .288; seven: 2 sweeps, share .07); epsilon .75, theirs for two and three sources.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emulsion.errors import UserError
from emulsion.fields import INTEGER, SWITCH, WHOLE, Form
from emulsion.laws.law import by_name, from_names
from emulsion.laws.table import Floats
from emulsion.methods.interface import Observation, Observes
from emulsion.methods.online import POSITIVE, SHARE_BELOW_1, Online, OnlineSettings, number
from emulsion.mixture import Mixture
from emulsion.seeds import derive_seed


@dataclass(frozen=True, kw_only=True)
class AioliSettings(OnlineSettings):
    """eta          step size
    diagonal     take only each source's effect on itself: AIOLI-DIAGONAL
    decay        gamma of the moving average; None for none
    average      "restart" or "cumulative": what the moving average is applied to
    epsilon      share of a probe that is spread over all sources alike
    sweeps       probes of every source in a round
    probe_share  share of a round's steps that its probes take together
    seed         decides the order of probes
    """

    eta: float = 0.2
    diagonal: bool = False
    decay: float | None = None
    average: str = "restart"
    epsilon: float = 0.75
    sweeps: int = 4
    probe_share: float = 0.128
    seed: int = 0

    forms: ClassVar[Mapping[str, Form]] = {
        "eta": POSITIVE,
        "diagonal": SWITCH,
        "decay": SHARE_BELOW_1,
        "epsilon": SHARE_BELOW_1,
        "sweeps": WHOLE,
        "probe_share": number("a number above 0 and below 1", lambda value: 0 < value < 1),
        "seed": INTEGER,
    }
    choices: ClassVar[Mapping[str, Sequence[str]]] = {"average": ("restart", "cumulative")}


class Aioli(Online):
    kind = "aioli"
    observes: Observes = "probes"
    averaged_over = "all"
    reads = AioliSettings

    def _set(self, settings: AioliSettings) -> None:
        if settings.decay is None and settings.average != AioliSettings.average:
            raise UserError(
                f"{self.kind}.average: there is no moving average without `decay`; say it, or leave this out."
            )
        self.settings = settings
        self.probe_count, self.probe_share = settings.sweeps * len(self.names), settings.probe_share
        self._smooth: Floats | None = None

    def probe_mixtures(self) -> list[Mixture]:
        """The mixtures of the coming round's probes. Each sweep has its own order, so that none is always last."""
        count = len(self.names)
        random = np.random.default_rng(derive_seed(self.settings.seed, "probes", self.updates))
        order = np.concatenate([random.permutation(count) for _ in range(self.settings.sweeps)])
        spread = self.settings.epsilon / count
        return [self.mixed(spread + (1 - self.settings.epsilon) * np.eye(count)[index]) for index in order]

    def _decide(self, seen: Observation) -> Floats:
        shares, before, after = self._trained(seen)
        solve = learn_diagonal if self.settings.diagonal else learn_effects
        effects = solve(shares, before - after)
        # Effects nearer than this are equal up to rounding, which dividing by their sum would stretch to a choice.
        same = 1e-9 * float(np.abs(effects).max()) + 1e-13 * float(np.abs(before).max())
        sums, start = column_sums(effects, same), self.log_weights
        if self.settings.decay is not None:
            if self._smooth is not None:
                sums = (1 - self.settings.decay) * sums + self.settings.decay * self._smooth
            self._smooth = sums
            if self.settings.average == "restart":
                start = np.log(self.prior)
        self.effects = self.named(effects)
        return start + self.settings.eta * sums

    def _trained(self, seen: Observation) -> tuple[Floats, Floats, Floats]:
        """Of n probes: what they were trained on, losses before, losses after; all [n, m].

        Rows of the first sum to 1 where probes are of one length, and else to their length over the mean one, so that
        a probe cut short is not taken for an ineffective one.
        """
        if not seen.probes:
            raise UserError(f"{self.kind}: observes probes, but was given none.")
        counts, before, after = [], [], []
        for index, probe in enumerate(seen.probes):
            given = probe if isinstance(probe, Mapping) else vars(probe)
            where = f"probes[{index}]"
            drawn = np.nan_to_num(self.read(given["counts"], f"{where}.counts"), nan=0.0)
            if (drawn < 0).any() or not drawn.any():
                raise UserError(f"{self.kind}.{where}.counts: {dict(given['counts'])}: no sequence was drawn.")
            counts.append(drawn)
            before.append(self.complete(given["before"], f"{where}.before"))
            after.append(self.complete(given["after"], f"{where}.after"))
        rows = np.array(counts)
        return rows / rows.sum(axis=1).mean(), np.array(before), np.array(after)

    def _memory(self) -> dict[str, Any]:
        return {"smooth": None if self._smooth is None else by_name(self._smooth, self.names)}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._smooth = None if memory["smooth"] is None else from_names(memory["smooth"], self.names)


def learn_effects(shares: Floats, falls: Floats) -> Floats:
    """A [m, m] with falls [n, m] = shares [n, m] @ A.T, by least squares.

    Of those that fit alike, the one whose rows differ least from a common effect: projecting what was drawn in total
    out of both sides leaves the contrasts between sources, of which the pseudo-inverse takes the least.
    """
    total = shares.sum(axis=1)
    level = total / (total @ total)
    apart = falls - np.outer(total, level @ falls)
    contrasts = np.linalg.pinv(shares - np.outer(total, level @ shares), rcond=1e-10) @ apart
    return np.asarray((level @ (falls - shares @ contrasts) + contrasts).T)


def learn_diagonal(shares: Floats, falls: Floats) -> Floats:
    """A [m, m] of each source's effect on itself: the fall of its loss per share in the probes that are its own."""
    count = shares.shape[1]
    found = np.full(count, np.nan)
    for source in range(count):
        own = shares[:, source] >= shares.max(axis=1)
        # A source that no probe drew most of is judged by those that drew the most of it.
        own = own if own.any() else shares[:, source] >= shares[:, source].max()
        if shares[own, source].any():
            found[source] = falls[own, source].sum() / shares[own, source].sum()
    # A source that was not drawn at all is taken for an average one; some source always was.
    return np.diag(np.where(np.isnan(found), np.nanmean(found), found))


def column_sums(effects: Floats, same: float) -> Floats:
    """Sums [m] of A's columns, A shifted to 0 or more and divided by its sum; uniform where they differ by `same`."""
    count = effects.shape[1]
    if np.ptp(effects.sum(axis=0)) <= count * same:
        return np.full(count, 1 / count)
    shifted = effects - min(float(effects.min()), 0.0)
    return np.asarray(shifted.sum(axis=0) / shifted.sum())


METHODS = {Aioli.kind: Aioli}
