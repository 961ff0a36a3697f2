"""DoGE: weights grow with how well a source's gradient agrees with those of all sources (Fan et al., arXiv 2310.15393).

Algorithm 1, as the authors' code has it, with g_j the gradient on source j:
    W_j = lr sum_i <g_i, g_j> / (mean_j |g_j| + 1e-6), cut to [lr low, lr high];  log p_j <- log p_j + W_j / mu
The diagonal stays in the sum: the authors' code means to leave it out, and does not. A source with no gradient scores
0, as in Aioli's variant; the authors' code takes its last one, which is stale. The answer is the mean over updates
(`average`). Gradients are clipped in norm one by one (to 5 by the authors, 1 by Aioli) by whoever takes them.

Norms are the roots of the diagonal: exact where both sides are of one batch, and without the batch's noise where
they are of two.

`parameters: last_block` takes gradients of the last transformer block alone, which need less memory; the authors can
select modules too. `validation_share` is Aioli's proportion of the batch that is held-out text.

Defaults: lr 5e-4 (the peak of the authors' 82M runs), mu .01, cuts 0 and 5, no smoothing: the authors' configuration.
They update every step; rounds are 100 here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emulsion.errors import UserError
from emulsion.fields import Form
from emulsion.laws.table import Floats
from emulsion.methods.interface import Observation, Observes
from emulsion.methods.online import POSITIVE, SHARE_BELOW_1, Online, OnlineSettings, number, softmax


@dataclass(frozen=True, kw_only=True)
class DoGESettings(OnlineSettings):
    """learning_rate  lr above
    mu             what a score is divided by: the larger, the smaller the step
    low, high      cuts of a score in units of lr; low 0 ignores how much harm a source does
    smoothing      share of the uniform mixture in every mixture
    parameters, validation_share  of the gradients, see `interface.GradientMethod`
    """

    learning_rate: float = 5e-4
    mu: float = 0.01
    low: float = 0.0
    high: float = 5.0
    smoothing: float = 0.0
    parameters: str = "all"
    validation_share: float | None = None
    rounds: int = 100

    forms: ClassVar[Mapping[str, Form]] = {
        "learning_rate": POSITIVE,
        "mu": POSITIVE,
        "low": number("a number", lambda value: True),
        "high": number("a number", lambda value: True),
        "smoothing": SHARE_BELOW_1,
        "validation_share": number("a number above 0, at most 1", lambda value: 0 < value <= 1),
    }
    choices: ClassVar[Mapping[str, Sequence[str]]] = {"parameters": ("all", "last_block")}


class DoGE(Online):
    kind = "doge"
    observes: Observes = "gradients"
    averages = True
    reads = DoGESettings

    def _set(self, settings: DoGESettings) -> None:
        if settings.low >= settings.high:
            raise UserError(f"{self.kind}.low: {settings.low:g} should be below high, which is {settings.high:g}.")
        self.settings = settings
        self.parameters, self.validation_share = settings.parameters, settings.validation_share

    def _decide(self, seen: Observation) -> Floats:
        products = self.matrix(seen.gradients, "gradients")
        lr, low, high = self.settings.learning_rate, self.settings.low, self.settings.high
        present = ~np.isnan(products).all(axis=0)
        products = np.nan_to_num(products, nan=0.0)
        norms = np.sqrt(np.maximum(np.diag(products), 0.0))
        mean_norm = float(norms[present].mean()) if present.any() else 0.0
        scores = np.where(present, np.clip(lr * products.sum(axis=0) / (mean_norm + 1e-6), lr * low, lr * high), 0.0)
        self.effects = self.named(products)
        logs = self.log_weights + scores / self.settings.mu
        if self.settings.smoothing:
            logs = np.log((1 - self.settings.smoothing) * softmax(logs) + self.settings.smoothing / len(self.names))
        return np.asarray(logs)


METHODS = {DoGE.kind: DoGE}
