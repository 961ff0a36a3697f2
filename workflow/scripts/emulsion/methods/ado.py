"""ADO: weights grow with how fast a curve fitted to each source's loss still falls (Jiang et al., arXiv 2410.11820).

L_j(n) = eps_j + beta_j n^-alpha_j, n the tokens of all sources together, and at every update
    rho_j ∝ prior_j sqrt(h_j) max(alpha_j, .05) beta_j n^-alpha_j / n    how fast the loss falls, with h the history
    rho is raised to .01 or more, and normalised;  p = .9 mean(rho so far) + .1 rho;  then h <- .9 h + .1 p
as in the last commit of the authors' code. The mean is of rho, not of p, which would hardly ever leave the prior. h
begins at the prior, which is used until curves are there, and stands for rho in the mean until then.

Curves are fitted in the logarithm of the loss with Huber's loss (1e-3), alpha within [.001, .8] and ln beta at most 6.5
for n in units of 1,024 tokens: bounds, where the authors have penalties. Theirs keeps ln eps above .5 as well; code and
simulated text have lower floors, so ours does not. In place of a grid of starts of L-BFGS, eps and beta are solved for
at each of 120 alphas, and the best three refined. Losses come once a round, so they are not smoothed first. A source
whose loss was not seen gets no point; the authors' code repeats the last one, which flattens its curve.

Defaults: those above. The authors leave out 1,000 steps (500 at 1B) and fit every 1,000: shares of the run here, so
that short runs are fitted too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy

from emulsion.fields import SHARE, Form
from emulsion.laws.law import by_name, from_names
from emulsion.laws.table import Floats
from emulsion.methods.interface import Observation, Observes
from emulsion.methods.online import SHARE_BELOW_1, Online, OnlineSettings, softmax

UNIT = 1024  # tokens
_ALPHA, _LN_BETA = (1e-3, 0.8), (-14.0, 6.5)
_DELTA = 1e-3
_LEAST, _MOST = 5, 400  # points of a curve


@dataclass(frozen=True, kw_only=True)
class ADOSettings(OnlineSettings):
    """ignored        share of the run whose losses are left out of curves
    refit          share of the run from one fit to the next
    inertia        weight of the mean of rho so far
    floor          least share of a source in rho
    history_decay  of h; history_power: 0 leaves h out
    """

    ignored: float = 0.02
    refit: float = 0.02
    inertia: float = 0.9
    floor: float = 0.01
    history_decay: float = 0.9
    history_power: float = 0.5
    rounds: int = 50

    forms: ClassVar[Mapping[str, Form]] = {
        "ignored": SHARE_BELOW_1,
        "refit": SHARE_BELOW_1,
        "inertia": SHARE_BELOW_1,
        "floor": SHARE_BELOW_1,
        "history_decay": SHARE_BELOW_1,
        "history_power": SHARE,
    }


@dataclass(frozen=True)
class Curve:
    """L(n) = exp(ln_eps) + exp(ln_beta) n^-alpha, nats per token, n in units of 1,024 tokens."""

    ln_eps: float
    ln_beta: float
    alpha: float

    def log_slope(self, n: float) -> float:
        """ln(-dL/dn), with alpha at least .05 so that a curve that looks flat is still tried."""
        return math.log(max(self.alpha, 0.05)) + self.ln_beta - (self.alpha + 1) * math.log(n)


class ADO(Online):
    kind = "ado"
    observes: Observes = "losses"
    held_out = False
    reads = ADOSettings

    def _set(self, settings: ADOSettings) -> None:
        self.settings = settings
        self._points: dict[str, list[list[float]]] = {source: [] for source in self.names}
        self.curves: dict[str, Curve] = {}
        self._fitted_at: int | None = None
        self._history: Floats = self.prior.copy()
        self._mean: Floats = self.prior.copy()

    def _decide(self, seen: Observation) -> Floats:
        losses, n = self.read(seen.losses, "losses"), max(seen.tokens, 1) / UNIT
        if seen.step > self.settings.ignored * seen.steps:
            for source, loss in zip(self.names, losses.tolist(), strict=True):
                if loss > 0:  # not where it is NaN: not seen
                    self._points[source].append([n, loss])
        # Rounds are whole steps, so that some are shorter by a part of one than the share that they are of the run.
        if self._fitted_at is None or seen.step - self._fitted_at > self.settings.refit * seen.steps - 1:
            for source, points in self._points.items():
                if len(points) >= _LEAST:
                    self.curves[source] = fit_curve(*np.array(points).T)
                    self._fitted_at = seen.step
        weights = self.prior
        if self.curves:
            rho = self._preferred(n)
            weights = self.settings.inertia * self._mean + (1 - self.settings.inertia) * rho
            self._mean = self._mean + (rho - self._mean) / (self.updates + 2)
        self._history = self.settings.history_decay * self._history + (1 - self.settings.history_decay) * weights
        return np.log(weights)

    def _preferred(self, n: float) -> Floats:
        """rho [m], by the slopes of the curves at n."""
        slopes = np.array([self.curves[name].log_slope(n) if name in self.curves else np.nan for name in self.names])
        slopes = np.where(np.isnan(slopes), np.nanmean(slopes), slopes)  # no curve: an average source
        rho = softmax(slopes + np.log(self.prior) + self.settings.history_power * np.log(self._history))
        rho = np.maximum(rho, min(self.settings.floor, 1 / len(rho)))
        self.effects = self.named(np.diag(np.exp(slopes)))
        return np.asarray(rho / rho.sum())

    def _memory(self) -> dict[str, Any]:
        return {
            "points": {source: [list(point) for point in points] for source, points in self._points.items()},
            "curves": {source: [each.ln_eps, each.ln_beta, each.alpha] for source, each in self.curves.items()},
            "fitted_at": self._fitted_at,
            "history": by_name(self._history, self.names),
            "mean": by_name(self._mean, self.names),
        }

    def _recall(self, memory: Mapping[str, Any]) -> None:
        self._points = {source: [list(point) for point in memory["points"][source]] for source in self.names}
        self.curves = {source: Curve(*curve) for source, curve in memory["curves"].items()}
        self._fitted_at = memory["fitted_at"]
        self._history = from_names(memory["history"], self.names)
        self._mean = from_names(memory["mean"], self.names)


def fit_curve(n: Floats, losses: Floats) -> Curve:
    """The curve through positive losses [k] at n [k]; losses that do not fall get the flattest one."""
    if len(n) > _MOST:
        kept = np.linspace(0, len(n) - 1, _MOST).round().astype(int)
        n, losses = n[kept], losses[kept]
    x, y = np.log(n), np.log(losses)
    low = np.array([y.min() - 14.0, _LN_BETA[0], _ALPHA[0]])
    high = np.array([y.max() + 1e-6, _LN_BETA[1], _ALPHA[1]])

    def residuals(found: Floats) -> Floats:
        return np.asarray(np.logaddexp(found[0], found[1] - found[2] * x) - y)

    def slopes(found: Floats) -> Floats:
        floor = np.exp(found[0] - np.logaddexp(found[0], found[1] - found[2] * x))
        return np.column_stack([floor, 1 - floor, -(1 - floor) * x])

    # Given alpha [120, 1] the loss is linear in eps and beta; n^-alpha [120, k] is centred, as it hardly varies where
    # alpha is small.
    alpha = np.geomspace(*_ALPHA, 120)[:, None]
    power = np.exp(-alpha * x)
    spread = power - power.mean(axis=1, keepdims=True)
    slope = (spread @ losses)[:, None] / np.maximum((spread * spread).sum(axis=1, keepdims=True), 1e-300)
    beta = np.clip(slope, *np.exp(_LN_BETA))
    eps = np.maximum((losses - beta * power).mean(axis=1, keepdims=True), math.exp(low[0]))
    starts = np.clip(np.hstack([np.log(eps), np.log(beta), alpha]), low, high)
    off = np.abs(np.logaddexp(starts[:, :1], starts[:, 1:2] - starts[:, 2:] * x) - y).sum(axis=1)
    best = starts[np.argsort(off, kind="stable")[:3]]
    inside = 1e-9 * (high - low)  # a start on a bound stays there
    fits = [
        scipy.optimize.least_squares(
            residuals,
            np.clip(start, low + inside, high - inside),
            slopes,
            bounds=(low, high),
            loss="huber",
            f_scale=_DELTA,
            x_scale="jac",
            ftol=1e-11,
            xtol=1e-11,
            gtol=1e-11,
            max_nfev=60,
        )
        for start in best
    ]
    return Curve(*(float(value) for value in min(fits, key=lambda fit: float(fit.cost)).x))


METHODS = {ADO.kind: ADO}
