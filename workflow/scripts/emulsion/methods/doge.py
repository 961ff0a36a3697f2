"""DoGE: weights grow with how well a source's gradient agrees with those of all sources (Fan et al., arXiv 2310.15393).

Algorithm 1, as the authors' code has it, with g_j the gradient on source j:
    W_j = lr sum_i <g_i, g_j> / (mean_j |g_j| + 1e-6), cut to [lr low, lr high];  log p_j <- log p_j + W_j / mu
The diagonal stays in the sum: the authors' code means to leave it out, and does not. A source with no gradient scores
0, as in Aioli's variant; the authors' code takes its last one, which is stale. The answer is the mean over updates
(`average`). The authors clip gradients in norm one by one (to 5; Aioli to 1); here they are taken as they are.

Only the sums over i are needed, and so the held-out gradients of all sources are added up before products are taken:
the memory is that of the parameters, whatever the number of sources. Norms are of the training gradients; where a
whole matrix of products is given without them, they are the roots of its diagonal.

`act_on: loss` is the published proxy: batches as at first, with the loss of each source weighed by its weight.

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
from emulsion.laws.law import TOTAL, by_name
from emulsion.laws.table import Floats
from emulsion.methods.interface import Observation, Observes
from emulsion.methods.online import NUMBER, POSITIVE, SHARE_BELOW_1, Online, OnlineSettings, number, softmax


@dataclass(frozen=True, kw_only=True)
class DoGESettings(OnlineSettings):
    """learning_rate  lr above
    mu             what a score is divided by: the larger, the smaller the step
    low, high      cuts of a score in units of lr; low 0 ignores how much harm a source does
    smoothing      share of the uniform mixture in every mixture
    parameters, validation_share  of the gradients, see `interface.GradientMethod`
    act_on         "loss" or "sampling", see `interface.WeighingMethod`
    """

    learning_rate: float = 5e-4
    mu: float = 0.01
    low: float = 0.0
    high: float = 5.0
    smoothing: float = 0.0
    parameters: str = "all"
    validation_share: float | None = None
    act_on: str = "loss"
    rounds: int = 100

    forms: ClassVar[Mapping[str, Form]] = {
        "learning_rate": POSITIVE,
        "mu": POSITIVE,
        "low": NUMBER,
        "high": NUMBER,
        "smoothing": SHARE_BELOW_1,
        "validation_share": number("a number above 0, at most 1", lambda value: 0 < value <= 1),
    }
    choices: ClassVar[Mapping[str, Sequence[str]]] = {
        "parameters": ("all", "last_block"),
        "act_on": ("loss", "sampling"),
    }


class DoGE(Online):
    kind = "doge"
    observes: Observes = "gradients"
    averaged_over = "recent"
    averages = True
    reads = DoGESettings

    def _set(self, settings: DoGESettings) -> None:
        if settings.low >= settings.high:
            raise UserError(f"{self.kind}.low: {settings.low:g} should be below high, which is {settings.high:g}.")
        self.settings = settings
        self.parameters, self.validation_share = settings.parameters, settings.validation_share
        self.act_on = settings.act_on

    def _decide(self, seen: Observation) -> Floats:
        sums, norms = self._sums(seen)
        lr, low, high = self.settings.learning_rate, self.settings.low, self.settings.high
        present = ~np.isnan(sums)
        mean_norm = float(norms[present].mean()) if present.any() else 0.0
        scores = np.where(present, np.clip(lr * sums / (mean_norm + 1e-6), lr * low, lr * high), 0.0)
        logs = self.log_weights + scores / self.settings.mu
        if self.settings.smoothing:
            logs = np.log((1 - self.settings.smoothing) * softmax(logs) + self.settings.smoothing / len(self.names))
        return np.asarray(logs)

    def _sums(self, seen: Observation) -> tuple[Floats, Floats]:
        """Of each trained source the products' sum over evaluated ones, NaN where it has none, and the norm [m]."""
        if seen.gradients is not None and set(seen.gradients) == {TOTAL}:
            sums, norms = self.read(seen.gradients[TOTAL], f"gradients.{TOTAL}"), self.read(seen.norms, "norms")
            self.effects = {TOTAL: by_name(np.nan_to_num(sums, nan=0.0), self.names)}
            return sums, norms
        products = self.matrix(seen.gradients, "gradients")
        absent = np.isnan(products).all(axis=0)
        products = np.nan_to_num(products, nan=0.0)
        norms = np.sqrt(np.maximum(np.diag(products), 0.0)) if seen.norms is None else self.read(seen.norms, "norms")
        self.effects = self.named(products)
        return np.where(absent, np.nan, products.sum(axis=0)), norms


METHODS = {DoGE.kind: DoGE}
