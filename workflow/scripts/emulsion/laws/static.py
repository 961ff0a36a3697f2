"""The static log-linear law: L_i(p) = c_i + b_i exp(-sum_j A[i, j] p_j).

Ye et al., Data Mixing Laws (2403.16952); Chen et al., Aioli (2411.05735), section 3. `exponential.py` fits it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
import scipy
from numpy.typing import NDArray

from emulsion import student
from emulsion.errors import UserError
from emulsion.laws.exponential import Batch, State, basis, best_of_starts, huber, minimise, trimmed
from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.table import Floats, Table, as_rows, parts, read_table
from emulsion.student import LEVEL

# Candidates of the ridge on slopes, in units of (nats per token)^2 / (nats per unit of share)^2.
RIDGES = (1e-6, 1e-4, 1e-3, 1e-2, 1e-1)
# The ridge on steepness, as a share of the ridge on slopes and the variance of the group.
_STEEP = 0.1
# In the Jacobians of fits that run together: 2**22 numbers of 8 bytes are 32 MB.
_NUMBERS = 1 << 22
# How rarely chance marks a run as diverged; and the normal sd over that of the three quarters nearest to the middle.
_RARE, _TRIMMED = 1e-4, 2.0
# R2 of the others beside a run that is far off. Honest ones: .84 or more in 55 of 58 simulated tables, .92 or more on
# nine tasks. With a loss of 6 to 700 in the place of one: .72 or less in 576 planted tables; of 32 runs on RegMix's 17
# sources up to .92, so that some are missed (docs/laws.md).
_EXPLAINED = 0.8


class FewRunsWarning(UserWarning):
    """Fewer runs than parameters: the data alone do not determine the law."""


@dataclass(frozen=True)
class StaticLaw(FittedLaw):
    """A[i, j]: the effect on group i's loss of training on source j; rows sum to 0 in the canonical form.

    A [g, m] per unit of share; b [g] the reducible and c [g] the irreducible loss, nats per token. A constant
    added to a row of A is a factor of b, as shares sum to 1. With rows that sum to 0, b is the reducible loss at
    the uniform mixture. residual_sd and left_out: {group: root mean squared error} of the runs that were fitted, and
    of the same left out one by one.
    """

    kind: ClassVar[str] = "log_linear"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    A: Floats
    b: Floats
    c: Floats
    ridge: float = 0.0
    runs: int = 0
    residual_sd: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, float] = field(default_factory=dict)
    set_aside: tuple[int, ...] = ()

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m]; a data frame is matched by its column names."""
        rows = as_rows(mixtures, self.sources)
        return np.asarray(self.c + self.b * np.exp(-rows @ self.A.T))

    def interval(self, mixtures: Any, level: float = LEVEL) -> tuple[Floats, Floats]:
        """Where the values of a new run lie with probability `level`: lower and upper ends [k, g].

        From the errors of runs left out, so for mixtures like those of the runs; UserError for a law without runs.
        """
        return interval_of_new_runs(self.predict(mixtures), self.left_out, self.groups, self.runs, level)

    def convex_terms(self) -> tuple[Floats, Floats, Floats]:
        return np.zeros_like(self.A), self.b, self.A

    def canonical(self) -> StaticLaw:
        """The same law with rows of A that sum to 0."""
        shift = self.A.mean(axis=1)
        return replace(self, A=self.A - shift[:, None], b=self.b * np.exp(-shift))

    def parameters(self) -> dict[str, Any]:
        """A as {group: {source: effect}}, and the rest by group."""
        tables = {"A": by_name(self.A, self.groups, self.sources)}
        vectors = {"b": by_name(self.b, self.groups), "c": by_name(self.c, self.groups)}
        errors = {"residual_sd": self.residual_sd, "left_out": self.left_out}
        return {
            **tables,
            **vectors,
            "ridge": self.ridge,
            "runs": self.runs,
            **errors,
            "set_aside": list(self.set_aside),
        }

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        a, b, c = from_names(law["A"], groups, sources), from_names(law["b"], groups), from_names(law["c"], groups)
        errors = dict(law["residual_sd"]), dict(law["left_out"])
        return cls(sources, groups, a, b, c, law["ridge"], law["runs"], *errors, tuple(law["set_aside"]))


def interval_of_new_runs(
    middle: Floats, left_out: Mapping[str, float], groups: Sequence[str], runs: int, level: float
) -> tuple[Floats, Floats]:
    """Lower and upper ends [k, g] about what a law of `runs` runs predicts, `middle`, by its errors of runs left out.

    Raises UserError where there are none.
    """
    if not left_out:
        raise UserError("law: a law that was not fitted to runs has no interval.")
    half = student.quantile(max(1, runs - 1), level) * from_names(left_out, groups)
    return middle - half, middle + half


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
    robust            set diverged runs aside (`diverged_runs`), and fit the others with Huber's loss
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
    if isinstance(ridge, str) and ridge != "auto":
        raise UserError(f"law: ridge is {ridge!r}; it must be a number or 'auto'.")
    aside = np.flatnonzero(diverged_runs(table)).tolist() if robust else []
    table = without(table, aside)
    ridge, errors = choose_ridge(table, RIDGES if isinstance(ridge, str) else (ridge,))
    state, _ = fit_weighted(table, np.ones((1, len(table.values))), ridge, robust)
    return replace(_law(table, state, ridge, errors), set_aside=tuple(aside))


def diverged_runs(table: Table) -> NDArray[np.bool_]:
    """Mark [n] the runs that no law can mean: far off in a group, where a law of them and the others misses the others.

    A run that hardly read a source is as far off as one that diverged. But a law of it and the others explains both,
    and without it nothing would say how steep the law is.
    """
    far = _far_off(table)
    rows = np.flatnonzero(far.any(axis=1))
    marked = np.zeros(len(far), dtype=bool)
    if not len(rows):
        return marked
    others = ~far.T
    together = np.repeat(others[None], len(rows), axis=0)  # [k, g, n]: each of the rows with the others
    together[np.arange(len(rows)), :, rows] = True
    batch = _batch(table, np.ones((len(rows), len(far))), RIDGES[0])
    state = best_of_starts(batch.weighted(together.reshape(batch.w.shape).astype(np.float64)))
    missed = (state.residuals.reshape(together.shape) ** 2 * others).sum(axis=2)
    middle = np.mean(table.values.T, axis=1, where=others, keepdims=True)
    total = ((table.values.T - middle) ** 2).sum(axis=1, where=others)
    marked[rows] = (far[rows] & (missed > (1 - _EXPLAINED) * total)).any(axis=1)
    return marked


def _far_off(table: Table) -> NDArray[np.bool_]:
    """Mark [n, g] the values further off than chance has it, and by more than the others' range.

    They lie outside of that range by as much, too: where runs are few for its parameters the law is far off some that
    are as others are, and of RegMix's 512 honest runs one of 32 was marked in six of ten draws.

    Judged against the fit with the least trimmed squares (Rousseeuw and Van Driessen, 2006), to three quarters of the
    runs. Chance is Student's t for the freedom that this fit has left, so that next to nothing is marked where there
    are few more runs than parameters: nobody can tell a diverged run from a steep law then.
    """
    n, m = table.mixtures.shape
    g, kept = table.values.shape[1], n - max(1, n // 4)
    freedom, marked = kept - m - 1, np.zeros((n, g), dtype=bool)
    if freedom < 1:
        return marked
    low, high = np.quantile(table.values, [0.25, 0.75], axis=0)
    inside = (table.values <= high + 1.5 * (high - low)).all(axis=1)  # Tukey's fence
    weights = np.array([np.ones(n), inside, *(~out for out in parts(table.mixtures, table.values))], dtype=np.float64)
    state = trimmed(_batch(table, weights, float(np.median(RIDGES))), kept)
    best = state.cost.reshape(-1, g).argmin(axis=0) * g + np.arange(g)
    for group, (off, values) in enumerate(zip(np.abs(state.residuals[best]), table.values.T, strict=True)):
        sigma = _TRIMMED * np.sqrt((np.sort(off)[:kept] ** 2).sum() / freedom)
        far = off > -scipy.special.stdtrit(freedom, _RARE) * sigma
        if far.sum() <= n - kept:
            others = values[~far]
            outside = np.maximum(values - others.max(), others.min() - values)
            marked[:, group] = far & (np.minimum(off, outside) > np.ptp(others))
    return marked


def choose_ridge(table: Table, candidates: Sequence[float]) -> tuple[float, Floats]:
    """The candidate with the least leave-one-out error over groups in units of their variance, and its errors [g]."""
    scale = np.maximum(table.values.var(axis=0), 1e-24)
    squares = ((_left_out(table, candidates) - table.values) ** 2).mean(axis=1)
    best = int(np.argmin((squares / scale).sum(axis=1)))
    return float(candidates[best]), np.sqrt(squares[best])


def leave_one_out(table: Table, ridge: float, most: int | None = None) -> Floats:
    """Each run's values [n, g] as predicted by a law fitted to the other runs; see `parts` for many runs."""
    return np.asarray(_left_out(table, (ridge,), most)[0])


def without(table: Table, set_aside: Sequence[int]) -> Table:
    """The runs that a law was fitted to, of all that it was given."""
    rows = np.delete(np.arange(len(table.values)), set_aside)
    return Table(table.mixtures[rows], table.values[rows], table.sources, table.groups)


def left_out_of(law: StaticLaw, table: Table, most: int | None = None) -> Floats:
    """As leave_one_out, for the runs that a law was fitted to; it predicts those set aside, which would bend refits."""
    predicted, fitted = law.predict(table.mixtures), without(table, law.set_aside)
    kept = np.delete(np.arange(len(predicted)), law.set_aside)
    predicted[kept] = leave_one_out(fitted, law.ridge, most)
    return predicted


def _left_out(table: Table, ridges: Sequence[float], most: int | None = None) -> Floats:
    """What leave_one_out says for each ridge, [r, n, g]: all refits run side by side."""
    n, g = table.values.shape
    out = np.array(parts(table.mixtures, table.values, most))
    near, _ = fit_weighted(table, np.ones((1, n)), float(np.median(ridges)), robust=False)
    weights = np.tile((~out).astype(np.float64), (len(ridges), 1))
    state = refit_weighted(table, weights, np.repeat(ridges, len(out)), near)
    predicted = (state.c[:, None] + state.b[:, None] * state.z).reshape(len(ridges), len(out), g, n)
    return np.asarray(np.moveaxis(predicted[:, out.argmax(axis=0), :, np.arange(n)], 0, 1))


def fit_weighted(table: Table, weights: Floats, ridge: float, robust: bool) -> tuple[State, Floats]:
    """Fits for each row of weights [k, n] and each group: states of length k * g, group fastest."""
    batch = _batch(table, weights, ridge)
    state = best_of_starts(batch)
    return huber(batch, state) if robust else (state, np.ones_like(batch.w))


def refit_weighted(table: Table, weights: Floats, ridge: float | Floats, near: State) -> State:
    """As fit_weighted, started from one fit of all runs: for resamples, which do not move far. ridge: one, or [k]."""
    size = max(1, _NUMBERS // (table.values.size * len(table.sources)))
    each = np.broadcast_to(ridge, len(weights))
    states = [
        minimise(
            _batch(table, weights[first : first + size], each[first : first + size]),
            np.tile(near.u, (len(weights[first : first + size]), 1)),
            steps=30,
        )
        for first in range(0, len(weights), size)
    ]
    return State(**{name: np.concatenate([getattr(state, name) for state in states]) for name in vars(near)})


def refit_values(table: Table, values: Floats, ridge: float, near: State) -> State:
    """As refit_weighted, to other values [k, g, n] of the same runs."""
    size = max(1, _NUMBERS // (table.values.size * len(table.sources)))
    chunks = [values[first : first + size] for first in range(0, len(values), size)]
    once = np.ones((1, len(table.values)))
    states = [
        minimise(_batch(table, once, ridge, chunk), np.tile(near.u, (len(chunk), 1)), steps=30) for chunk in chunks
    ]
    return State(**{name: np.concatenate([getattr(state, name) for state in states]) for name in vars(near)})


def _batch(table: Table, weights: Floats, ridge: float | Floats, values: Floats | None = None) -> Batch:
    """Fits for each row of weights [k, n], or for each of other values [k, g, n], and each group."""
    g = table.values.shape[1]
    k = len(weights) if values is None else len(values)
    y = np.tile(table.values.T, (k, 1)) if values is None else values.reshape(k * g, -1)
    w = np.repeat(weights, g, axis=0) if values is None else np.ones_like(y)
    least, spread = y.min(axis=1), y.max(axis=1) - y.min(axis=1)
    floor = least - 10 * spread
    floor = np.where(least > 0, np.maximum(floor, 0.0), floor)  # a loss has no irreducible part below 0
    slope = np.repeat(np.broadcast_to(ridge, k), g)
    return Batch(_coordinates(table.mixtures), y, w, floor, slope, _STEEP * slope * y.var(axis=1))


def _coordinates(mixtures: Floats) -> Floats:
    """Coordinates [n, m-1] of mixtures [n, m], without the directions in which no two runs differ.

    Such as a source that none of them drew: of its effect they say nothing. Left in, a huge one would only be a factor
    of b, at next to no cost of the ridge on b u, and a source without a trace would be the best of all.
    """
    x = mixtures @ basis(mixtures.shape[1])
    centred = x - x.mean(axis=0)
    _, sizes, directions = np.linalg.svd(centred, full_matrices=False)
    seen = directions[sizes > 1e-9 * max(1.0, float(sizes.max(initial=0.0)))]
    return x if len(seen) == x.shape[1] else np.asarray(x @ seen.T @ seen)


def _law(table: Table, state: State, ridge: float, errors: Floats) -> StaticLaw:
    a = state.u @ basis(len(table.sources)).T
    sd = np.sqrt((state.residuals**2).mean(axis=1))
    named = by_name(sd, table.groups), by_name(errors, table.groups)
    return StaticLaw(table.sources, table.groups, a, state.b, state.c, ridge, len(table.values), *named)
