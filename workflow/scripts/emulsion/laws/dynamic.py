"""Dynamic laws: what one round of training does to each loss, from branches of one run with different mixtures.

linear      L_i^{t+1} = L_i^t - sum_j A[i, j] p_j                (Aioli, 2411.05735, section 3)
log_linear  L_i^{t+1} = L_i^t exp(-sum_j A[i, j] p_j)            (its instruction tuning)
diagonal    L_i^{t+1} = L_i^t - A[i, i] p_i                      (what methods with a diagonal matrix assume, C.2.1)

With a free intercept, L_i^t is replaced by a fitted c_i. On the simplex that adds no freedom to predictions, as a
constant added to a row of A moves the intercept: pinned, rows of A hold each source's whole effect; free, they sum
to 0 and hold what tells sources apart, and c_i is the loss after a round of the uniform mixture.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.laws.exponential import HUBER, basis
from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.static import FewRunsWarning
from emulsion.laws.table import Floats, as_rows, read_table

FORMS = ("linear", "log_linear")
INTERCEPTS = ("pinned", "free")
RIDGE = 1e-8  # relative to the runs: it decides only between directions that no run distinguishes
_ROUNDS = 20
_FAR = 10  # times the range of the others, and their worst error


@dataclass(frozen=True)
class DynamicLaw(FittedLaw):
    """A [g, m]: the effect of one round on group i's loss per unit of source j's share; positive lowers the loss.

    intercept  [g]: the loss before the round where pinned, fitted where free; nats per token
    left_out   {group: root mean squared error of branches left out one by one}, nats per token; empty where there
               are no more branches than sources
    """

    kind: ClassVar[str] = "dynamic"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    A: Floats
    intercept: Floats
    form: str = "linear"
    mode: str = "pinned"
    runs: int = 0
    left_out: dict[str, float] = field(default_factory=dict)

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] after a round with mixtures [k, m]."""
        fall = as_rows(mixtures, self.sources) @ self.A.T
        return np.asarray(self.intercept - fall if self.form == "linear" else self.intercept * np.exp(-fall))

    def convex_terms(self) -> tuple[Floats, Floats, Floats]:
        if self.form == "linear":
            return -self.A, np.zeros(len(self.groups)), np.zeros_like(self.A)
        return np.zeros_like(self.A), self.intercept, self.A

    def parameters(self) -> dict[str, Any]:
        return {
            "form": self.form,
            "mode": self.mode,
            "A": by_name(self.A, self.groups, self.sources),
            "intercept": by_name(self.intercept, self.groups),
            "runs": self.runs,
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        a, intercept = from_names(law["A"], groups, sources), from_names(law["intercept"], groups)
        return cls(sources, groups, a, intercept, law["form"], law["mode"], law["runs"], dict(law["left_out"]))


def fit_dynamic_law(
    mixtures: Any,
    next_losses: Any,
    losses: Any,
    intercept: str = "pinned",
    form: str = "linear",
    *,
    robust: bool = True,
    ridge: float = RIDGE,
    sources: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> DynamicLaw:
    """Fit one round of training to short branches from one checkpoint.

    mixtures     [n, m], of the branches; next_losses [n, g] at their ends; data frames bring names
    losses       [g] at the checkpoint, in the order of the groups or by name
    intercept    "pinned" to `losses`, or "free"
    form         "linear" in the loss, or "log_linear" in its logarithm
    robust       Huber's loss, and one branch that diverged set aside, so that it does not bend the law

    Warns with FewRunsWarning where branches are fewer than sources, which then share what they cannot tell apart.
    """
    for value, allowed, what in ((intercept, INTERCEPTS, "intercept"), (form, FORMS, "form")):
        if value not in allowed:
            raise unknown(what, value, allowed, "law")
    table = read_table(mixtures, next_losses, sources, groups)
    before = _losses_before(losses, table.groups)
    if form == "log_linear" and (before.min() <= 0 or table.values.min() <= 0):
        raise UserError("law: the log-linear dynamic law is of positive losses; one is 0 or below.")
    n, m = table.mixtures.shape
    if n < m:
        warnings.warn(
            f"{n} branches for {m} parameters of each group's law: effects that they cannot tell apart are shared "
            f"among sources. Add at least {m - n} branches.",
            FewRunsWarning,
            stacklevel=2,
        )
    fall = before - table.values if form == "linear" else np.log(before / table.values)
    effects, errors = _regress(table.mixtures, fall, intercept == "free", robust, ridge)
    shift = effects.mean(axis=1) if intercept == "free" else np.zeros(len(effects))
    start = before - shift if form == "linear" else before * np.exp(-shift)
    errors = errors if form == "linear" else errors * table.values
    named = by_name(np.sqrt((errors**2).mean(axis=0)), table.groups) if n > m else {}
    return DynamicLaw(table.sources, table.groups, effects - shift[:, None], start, form, intercept, n, named)


def fit_diagonal_law(
    mixtures: Any,
    next_losses: Any,
    losses: Any,
    *,
    robust: bool = True,
    sources: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> DynamicLaw:
    """The linear law, pinned to `losses`, with a diagonal A; arguments as of `fit_dynamic_law`.

    Raises UserError where a group is not one of the sources, so that it has no share of its own.
    """
    table = read_table(mixtures, next_losses, sources, groups)
    before = _losses_before(losses, table.groups)
    for group in table.groups:
        if group not in table.sources:
            raise unknown("source", group, table.sources, "law: the diagonal law's groups")
    own = [table.sources.index(group) for group in table.groups]
    n, effects, errors = len(table.values), np.zeros((len(own), len(table.sources))), []
    penalty = np.full((1, 1), RIDGE * n)
    for i, j in enumerate(own):
        fall = before[i] - table.values[:, i]
        found, left_out = _robust_regression(table.mixtures[:, [j]], fall, penalty, 1, robust)
        effects[i, j] = found[0]
        errors.append(left_out)
    left = by_name(np.sqrt((np.column_stack(errors) ** 2).mean(axis=0)), table.groups)
    return DynamicLaw(table.sources, table.groups, effects, before, "linear", "pinned", n, left)


def _losses_before(losses: Any, groups: Sequence[str]) -> Floats:
    """Losses [g] at the checkpoint, matched by name where they have names."""
    if hasattr(losses, "items"):
        named = {str(key): value for key, value in losses.items()}
        if set(named) != set(groups):
            raise UserError(f"law: losses of {sorted(named)} at the checkpoint, but of {sorted(groups)} after it.")
        losses = [named[group] for group in groups]
    before = np.asarray(losses, dtype=np.float64)
    if before.shape != (len(groups),):
        raise UserError(f"law: losses at the checkpoint of shape {before.shape}; one per group {list(groups)}.")
    if not np.isfinite(before).all():
        group = groups[int((~np.isfinite(before)).argmax())]
        raise UserError(f"law: the loss of '{group}' at the checkpoint is not a finite number.")
    return before


def _regress(rows: Floats, fall: Floats, free: bool, robust: bool, ridge: float) -> tuple[Floats, Floats]:
    """Effects [g, m] with fall [n, g] = rows @ effects.T, and the errors [n, g] of runs left out.

    The level and the contrasts of effects are separate coordinates, so that the ridge shrinks effects to a common
    one: towards 0 in contrasts, and not at all in the level where the intercept is free.
    """
    m = rows.shape[1]
    design = np.column_stack([rows @ basis(m), np.ones(len(rows))])
    penalty = ridge * len(rows) * np.append(np.ones(m - 1), 0.0 if free else 1e-3)
    fits = [_robust_regression(design, column, np.diag(penalty), m, robust) for column in fall.T]
    table = np.array([np.append(found[:-1] @ basis(m).T, found[-1]) for found, _ in fits])
    return table[:, :m] + table[:, m:], np.column_stack([errors for _, errors in fits])


def _robust_regression(
    design: Floats, column: Floats, penalty: Floats, parameters: int, robust: bool
) -> tuple[Floats, Floats]:
    """Coefficients [k] of column [n] on design [n, k] with a ridge [k, k], and the errors [n] of runs left out."""
    kept = next_weights = _without_one_far_off(design, column, penalty) if robust else np.ones(len(column))
    for _ in range(_ROUNDS if robust else 1):
        weights = next_weights
        inverse, found = _weighted_fit(design, column, penalty, weights)
        residuals = column - design @ found
        freedom = max(len(column) - parameters, 0.25 * len(column))
        sigma = 1.4826 * float(np.median(np.abs(residuals))) * np.sqrt(len(column) / freedom)
        next_weights = kept * np.minimum(1.0, HUBER * max(sigma, 1e-12) / np.maximum(np.abs(residuals), 1e-300))
    leverage = np.minimum(np.einsum("nk,kl,nl->n", design, inverse, design) * weights, 1 - 1e-6)
    return found, residuals / (1 - leverage)


def _without_one_far_off(design: Floats, falls: Floats, penalty: Floats) -> Floats:
    """Weights [n], 0 for the run that diverged: far below the falls of the others, and far off the fit to them.

    Huber's loss bounds errors, not leverage: of eight runs one that diverged draws the fit to itself.
    """
    n, k = design.shape
    weights, lowest = np.ones(n), int(falls.argmin())
    others = np.delete(falls, lowest)
    if n <= k + 2 or others.min() - falls[lowest] < _FAR * np.ptp(others):
        return weights
    weights[lowest] = 0
    off = np.abs(falls - design @ _weighted_fit(design, falls, penalty, weights)[1])
    return weights if off[lowest] > _FAR * np.delete(off, lowest).max() else np.ones(n)


def _weighted_fit(design: Floats, column: Floats, penalty: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """The inverse [k, k] of the normal equations, and their solution [k]."""
    inverse = np.asarray(np.linalg.pinv((design.T * weights) @ design + penalty, hermitian=True), dtype=np.float64)
    return inverse, inverse @ (design.T * weights) @ column
