"""ODM: sources as the arms of a bandit whose reward is their loss (Albalak et al., arXiv 2312.02406).

With K sources, eps_t = min(1/K, sqrt(ln K / (K t))) and eps_0 = 1/K, after update t over the sources drawn in it:
    smoothed_linear  R_j <- .9 R_j + .1 exp(loss_j);    p_j = (1 - K eps_t) R_j / sum R + eps_t
    smoothed_exp     R_j as above;                      p_j = (1 - K eps_t) softmax(eps_{t-1} R)_j + eps_t
    exp3             R_j <- R_j + loss_j / (10 p_j);    p_j as in smoothed_exp (Auer et al., 2002)
smoothed_linear is what the released code runs where a batch has several sources, and is the default; its exponential
twin is there for one source a step. The loss as a reward seeks out noise as well as what can be learnt: a baseline, not
a judgement of quality.

Defaults: .9 and the divisor 10 of the released code, no warm-up. The first mixture is the prior; no later one is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emulsion.errors import UserError
from emulsion.fields import Form
from emulsion.laws.law import by_name, from_names
from emulsion.laws.table import Floats
from emulsion.methods.interface import Observation, Observes
from emulsion.methods.online import POSITIVE, SHARE_BELOW_1, Online, OnlineSettings, softmax

_LARGEST = 500.0  # of a loss in an exponent: far above any, and its exponential is still a number


@dataclass(frozen=True, kw_only=True)
class ODMSettings(OnlineSettings):
    """variant    smoothed_linear, smoothed_exp or exp3
    smoothing  share of the last reward that is kept
    scale      what exp3 divides rewards by
    warmup     share of the run in which nothing is learnt and the first mixture stays
    """

    variant: str = "smoothed_linear"
    smoothing: float = 0.9
    scale: float = 10.0
    warmup: float = 0.0
    rounds: int = 100

    forms: ClassVar[Mapping[str, Form]] = {"smoothing": SHARE_BELOW_1, "scale": POSITIVE, "warmup": SHARE_BELOW_1}
    choices: ClassVar[Mapping[str, Sequence[str]]] = {"variant": ("smoothed_linear", "smoothed_exp", "exp3")}


class ODM(Online):
    kind = "odm"
    observes: Observes = "losses"
    held_out = False
    reads = ODMSettings

    def _set(self, settings: ODMSettings) -> None:
        unread = "smoothing" if settings.variant == "exp3" else "scale"
        if getattr(settings, unread) != getattr(ODMSettings, unread):
            raise UserError(f"{self.kind}.{unread}: variant '{settings.variant}' does not read it; leave it out.")
        self.settings = settings
        self._rewards: Floats = np.zeros(len(self.names))
        self._turns = 0

    def _decide(self, seen: Observation) -> Floats:
        if seen.step < self.settings.warmup * seen.steps:
            return self.log_weights
        losses = self.read(seen.losses, "losses")
        # A source that was not drawn has earned nothing; its reward stays.
        earned = self.drawn(seen) & ~np.isnan(losses)
        losses = np.where(earned, np.minimum(losses, _LARGEST), 0.0)
        if self.settings.variant == "exp3":
            rewards = self._rewards + losses / self.settings.scale / np.maximum(self.weights, 1e-300)
        else:
            rewards = self.settings.smoothing * self._rewards + (1 - self.settings.smoothing) * np.exp(losses)
        self._rewards = np.where(earned, rewards, self._rewards)
        before = self._exploration(self._turns)
        self._turns += 1
        explore, count = self._exploration(self._turns), len(self.names)
        shares = np.full(count, 1 / count)
        if self.settings.variant != "smoothed_linear":
            shares = softmax(before * self._rewards)
        elif self._rewards.max() > 0:  # before the first reward the released code divides 0 by 0
            relative = self._rewards / self._rewards.max()
            shares = relative / relative.sum()
        return np.log((1 - count * explore) * shares + explore)

    def _exploration(self, turn: int) -> float:
        """eps_t: the least weight of every source."""
        count = len(self.names)
        return 1 / count if turn == 0 else min(1 / count, math.sqrt(math.log(count) / (count * turn)))

    def _memory(self) -> dict[str, Any]:
        return {"rewards": by_name(self._rewards, self.names), "turns": self._turns}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._rewards, self._turns = from_names(memory["rewards"], self.names), int(memory["turns"])


METHODS = {ODM.kind: ODM}
