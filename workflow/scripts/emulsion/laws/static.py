"""The static log-linear law: L_i(p) = c_i + b_i exp(-sum_j A[i, j] p_j).

Ye et al., Data Mixing Laws (2403.16952); Chen et al., Aioli (2411.05735), section 3. `exponential.py` fits it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emulsion.errors import UserError
from emulsion.laws.exponential import Batch, State, basis, best_of_starts, huber, minimise
from emulsion.laws.table import Floats, Table, as_rows, parts, read_table

# Candidates of the ridge on slopes, in units of (nats per token)^2 / (nats per unit of share)^2.
RIDGES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
# The ridge on steepness, as a share of the ridge on slopes and the variance of the group.
_STEEP = 0.1
# In the Jacobians of fits that run together: 2**22 numbers of 8 bytes are 32 MB.
_NUMBERS = 1 << 22


class FewRunsWarning(UserWarning):
    """Fewer runs than parameters: the data alone do not determine the law."""


@dataclass(frozen=True)
class StaticLaw:
    """A[i, j]: the effect on group i's loss of training on source j; rows sum to 0 in the canonical form.

    A [g, m] per unit of share; b [g] the reducible and c [g] the irreducible loss, nats per token. A constant
    added to a row of A is a factor of b, as shares sum to 1. With rows that sum to 0, b is the reducible loss at
    the uniform mixture.
    """

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    A: Floats
    b: Floats
    c: Floats
    ridge: float = 0.0
    runs: int = 0
    residual_sd: dict[str, float] = field(default_factory=dict)

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m]; a data frame is matched by its column names."""
        rows = as_rows(mixtures, self.sources)
        return np.asarray(self.c + self.b * np.exp(-rows @ self.A.T))

    def canonical(self) -> StaticLaw:
        """The same law with rows of A that sum to 0."""
        shift = self.A.mean(axis=1)
        b = self.b * np.exp(-shift)
        names = (self.sources, self.groups)
        return StaticLaw(*names, self.A - shift[:, None], b, self.c, self.ridge, self.runs, self.residual_sd)

    def to_json(self) -> dict[str, Any]:
        """Everything by name: A as {group: {source: effect}}."""
        rows = {
            group: dict(zip(self.sources, row, strict=True))
            for group, row in zip(self.groups, self.A.tolist(), strict=True)
        }
        b, c = (dict(zip(self.groups, values.tolist(), strict=True)) for values in (self.b, self.c))
        law = {
            "law": "log-linear",
            "sources": list(self.sources),
            "groups": list(self.groups),
            "A": rows,
            "b": b,
            "c": c,
        }
        return law | {"ridge": self.ridge, "runs": self.runs, "residual_sd": self.residual_sd}

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> StaticLaw:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        a = np.array([[law["A"][group][source] for source in sources] for group in groups], dtype=np.float64)
        b, c = (np.array([law[key][group] for group in groups], dtype=np.float64) for key in ("b", "c"))
        return cls(sources, groups, a, b, c, law["ridge"], law["runs"], dict(law["residual_sd"]))


def fit_static_law(
    mixtures: Any,
    losses: Any,
    *,
    ridge: float | str = "auto",
    robust: bool = True,
    sources: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    warn: bool = True,
) -> StaticLaw:
    """Fit a law to finished runs.

    mixtures, losses  arrays [n, m] and [n, g], or data frames, whose column names then name sources and groups
    ridge             on the slopes; "auto" takes the one of `RIDGES` with the least leave-one-out error
    robust            Huber's loss, so that one diverged run does not bend the law
    warn              with FewRunsWarning where runs are fewer than parameters
    """
    table = read_table(mixtures, losses, sources, groups)
    n, m = table.mixtures.shape
    if warn and n < m + 1:
        warnings.warn(
            f"{n} runs for {m + 1} parameters of each group's law (one c and {m} effects): the fit leans on its "
            f"ridge. Add at least {m + 1 - n} runs, better {2 * (m + 1) - n}.",
            FewRunsWarning,
            stacklevel=2,
        )
    if isinstance(ridge, str):
        if ridge != "auto":
            raise UserError(f"law: ridge is {ridge!r}; it must be a number or 'auto'.")
        ridge = choose_ridge(table)
    state, _ = fit_weighted(table, np.ones((1, n)), ridge, robust)
    return _law(table, state, ridge)


def choose_ridge(table: Table, candidates: Sequence[float] = RIDGES) -> float:
    """The candidate with the least leave-one-out error, summed over groups in units of their variance."""
    scale = np.maximum(table.values.var(axis=0), 1e-24)
    most = 60 if len(table.values) <= 60 else 10
    errors = [((leave_one_out(table, ridge, most) - table.values) ** 2 / scale).sum() for ridge in candidates]
    return float(candidates[int(np.argmin(errors))])


def leave_one_out(table: Table, ridge: float, most: int = 60) -> Floats:
    """Each run's values [n, g] as predicted by a law fitted to the other runs; see `parts` for many runs."""
    n, g = table.values.shape
    out = np.array(parts(n, most))
    full, _ = fit_weighted(table, np.ones((1, n)), ridge, robust=False)
    state = refit_weighted(table, (~out).astype(np.float64), ridge, full)
    predicted = (state.c[:, None] + state.b[:, None] * state.z).reshape(len(out), g, n)
    return np.asarray(predicted[out.argmax(axis=0), :, np.arange(n)])


def fit_weighted(table: Table, weights: Floats, ridge: float, robust: bool) -> tuple[State, Floats]:
    """Fits for each row of weights [k, n] and each group: states of length k * g, group fastest."""
    batch = _batch(table, weights, ridge)
    state = best_of_starts(batch)
    return huber(batch, state) if robust else (state, np.ones_like(batch.w))


def refit_weighted(table: Table, weights: Floats, ridge: float, near: State) -> State:
    """As fit_weighted, started from one fit of all runs: for resamples, which do not move far."""
    size = max(1, _NUMBERS // (table.values.size * len(table.sources)))
    chunks = [weights[first : first + size] for first in range(0, len(weights), size)]
    states = [minimise(_batch(table, chunk, ridge), np.tile(near.u, (len(chunk), 1)), steps=30) for chunk in chunks]
    return State(**{name: np.concatenate([getattr(state, name) for state in states]) for name in vars(near)})


def _batch(table: Table, weights: Floats, ridge: float) -> Batch:
    m = table.mixtures.shape[1]
    k, g = len(weights), table.values.shape[1]
    y, w = np.tile(table.values.T, (k, 1)), np.repeat(weights, g, axis=0)
    least, spread = y.min(axis=1), y.max(axis=1) - y.min(axis=1)
    floor = least - 10 * spread
    floor = np.where(least > 0, np.maximum(floor, 0.0), floor)  # a loss has no irreducible part below 0
    slope = np.full(k * g, ridge)
    return Batch(table.mixtures @ basis(m), y, w, floor, slope, _STEEP * ridge * y.var(axis=1))


def _law(table: Table, state: State, ridge: float) -> StaticLaw:
    a = state.u @ basis(len(table.sources)).T
    sd = np.sqrt((state.residuals**2).mean(axis=1))
    named = dict(zip(table.groups, sd.tolist(), strict=True))
    return StaticLaw(table.sources, table.groups, a, state.b, state.c, ridge, len(table.values), named)
