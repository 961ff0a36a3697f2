"""DoReMi: weights grow with the loss in excess of a reference model's (Xie et al., arXiv 2305.10429).

Algorithm 1:  lambda_j = excess loss of source j, 0 or more
              log alpha_j <- log alpha_j + eta lambda_j, normalised;  alpha <- (1 - c) alpha + c/m
The answer is the mean of alpha over updates (`average`), on which a final model is trained from the start.

The authors cut excess at 0 per token before it is averaged, so that noise counts as excess; DoGE and Aioli cut the
average. So does `clip: source`; `clip: token` cuts as the authors do, and needs the losses of the reference run on
every held-out token (`measure: [losses, token_losses]` of its swarm). A source whose excess was not measured keeps its
last lambda. `act_on: loss` is the published proxy: batches as at first, with the loss of each source weighed by alpha.

Defaults: eta 1 and c 1e-3, of the paper's section 2 and the authors' launch script (their code's own default of c is
1e-4); DoGE takes eta .1, Aioli .01. They update every step; rounds are 100 here, each with an evaluation. Their first
lambda is ln(vocabulary) for every source, which outweighs any excess; here a source not yet measured has the mean
lambda of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from emulsion.errors import UserError
from emulsion.fields import Form
from emulsion.laws.law import by_name
from emulsion.laws.table import Floats
from emulsion.methods.interface import Needs, Observation, Observes
from emulsion.methods.online import POSITIVE, SHARE_BELOW_1, Online, OnlineSettings, softmax


@dataclass(frozen=True, kw_only=True)
class DoReMiSettings(OnlineSettings):
    """eta        step size
    smoothing  share of the uniform mixture in every mixture
    clip       "source": excess is cut at 0 here; "token": it arrives cut, token by token
    act_on     "loss" or "sampling", see `interface.WeighingMethod`
    """

    eta: float = 1.0
    smoothing: float = 1e-3
    clip: str = "source"
    act_on: str = "loss"
    rounds: int = 100

    forms: ClassVar[Mapping[str, Form]] = {"eta": POSITIVE, "smoothing": SHARE_BELOW_1}
    choices: ClassVar[Mapping[str, Sequence[str]]] = {
        "clip": ("source", "token"),
        "act_on": ("loss", "sampling"),
    }


class DoReMi(Online):
    kind = "doremi"
    needs = Needs(reference_run=True)
    observes: Observes = "excess_losses"
    averaged_over = "recent"
    averages = True
    reads = DoReMiSettings

    def _set(self, settings: DoReMiSettings) -> None:
        self.settings, self.act_on, self.clip = settings, settings.act_on, settings.clip
        self.needs = Needs(reference_run=True, token_losses=settings.clip == "token")
        self._excess: Floats = np.full(len(self.names), np.nan)  # the last of each source, as observed

    def _decide(self, seen: Observation) -> Floats:
        excess = self.read(seen.excess_losses, "excess_losses")
        for source, value in zip(self.names, excess, strict=True):
            if self.settings.clip == "token" and value < 0:
                raise UserError(
                    f"{self.kind}.excess_losses.{source}: {value:g} is negative, though clip is 'token': the mean of "
                    "excess that is cut at 0. Set clip: source to cut the mean."
                )
        self._excess = np.where(np.isnan(excess), self._excess, excess)
        known = ~np.isnan(self._excess)
        scores = np.maximum(self._excess, 0.0)
        scores = np.where(known, scores, scores[known].mean() if known.any() else 0.0)
        alpha = softmax(self.log_weights + self.settings.eta * scores)
        # Not clipped: the diagonal A that Aioli (2411.05735, section 3) compares with the fitted one.
        self.effects = self.named(np.diag(np.where(known, self._excess, 0.0)))
        smoothed = (1 - self.settings.smoothing) * alpha + self.settings.smoothing / len(self.names)
        # Without smoothing a weight may underflow, whose logarithm would never come back.
        return np.log(np.maximum(smoothed, 1e-300))

    def _memory(self) -> dict[str, Any]:
        known = by_name(self._excess, self.names)
        return {"excess": {source: value for source, value in known.items() if not np.isnan(value)}}

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._excess = np.array([memory["excess"].get(source, np.nan) for source in self.names])


METHODS = {DoReMi.kind: DoReMi}
