"""The law that sees epochs: a source helps less the more often it is read, and at last it hurts.

L_i = phi_i + exp(c_i - sum_j a[i, j] b(E_j) + sum_j g[i, j] h(E_j)), with a, g >= 0 and E_j the epochs of source j

    b(E) = 1 - exp(-(rho E)^kappa)          what reading gives, less each time
    h(E) = softplus(log(1 + E) - tau)^2     what repeating costs, late

The form is that of epoch regression (MARINER, marin-community/marin, Apache-2.0), which fits it otherwise. Here floor,
shape and ridge have the least error in nats on runs left out, and rows are weighted by exp(.): noise is alike in nats.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import scipy
from numpy.typing import NDArray

from emulsion.errors import UserError, unknown
from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.static import FewRunsWarning, interval_of_new_runs
from emulsion.laws.table import Floats, Table, as_rows, parts, read_table
from emulsion.student import LEVEL

# Of rho, over the mean of the runs' epochs: from a straight line to one that is flat after a tenth of the mean.
_RHO = (0.02, 0.1, 0.3, 1.0, 3.0, 10.0)
_KAPPA = (0.4, 0.7, 1.0)
_TAU = (1.0, 2.0, 3.0, 4.0)
# How far below the least loss the floor lies, in ranges of the losses.
_FLOOR = (0.03, 0.1, 0.3, 1.0, 3.0)
_RIDGE = (1e-5, 1e-4, 1e-3, 1e-2)
_FOLDS, _ROUNDS = 5, 2
# Beyond the greatest logarithm of a fitted run's loss above the floor, a prediction is cut off.
_BEYOND = 0.5


class Shape(NamedTuple):
    """What is chosen by cross-validation. tau: None for no harm; floor: in ranges below the least loss."""

    rho: float
    kappa: float
    tau: float | None
    floor: float
    ridge: float


@dataclass(frozen=True)
class EpochsLaw(FittedLaw):
    """The law of the module: floor [g] in nats, c [g], and `benefit` and `harm` [g, m], which are its a and g.

    highest   [g]: where the exponent is cut off
    shapes    one for each group
    rates     [m]: epochs of a source that has all of the run that is predicted for, its tokens over the source's
    left_out  {group: root mean squared error, nats} of runs left out
    """

    kind: ClassVar[str] = "epochs"

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    floor: Floats
    c: Floats
    benefit: Floats
    harm: Floats
    highest: Floats
    shapes: tuple[Shape, ...]
    rates: Floats
    runs: int = 0
    left_out: dict[str, float] = field(default_factory=dict)

    def predict(self, mixtures: Any) -> Floats:
        """Losses [k, g] of mixtures [k, m], for a run that reads each source `rates` times its share."""
        return self.predict_epochs(as_rows(mixtures, self.sources) * self.rates)

    def predict_epochs(self, epochs: Floats) -> Floats:
        """Losses [k, g] of runs that read their sources so often, [k, m]."""
        return np.asarray(self.floor + np.exp(np.minimum(self._exponents(epochs), self.highest)))

    def gradient(self, mixtures: Any) -> Floats:
        """Derivatives [k, g, m] of the losses by shares, as if they did not have to sum to one."""
        epochs = as_rows(mixtures, self.sources) * self.rates
        exponents = self._exponents(epochs)
        slopes = [
            -a * _benefit_slope(epochs, shape) + g * _harm_slope(epochs, shape)
            for a, g, shape in zip(self.benefit, self.harm, self.shapes, strict=True)
        ]
        above = np.where(exponents < self.highest, np.exp(np.minimum(exponents, self.highest)), 0.0)
        return np.asarray(above[:, :, None] * np.stack(slopes, axis=1) * self.rates)

    def for_run(self, tokens: float, sizes: Mapping[str, float]) -> EpochsLaw:
        """The same law for runs of `tokens` tokens on sources of these sizes, {source: tokens}."""
        return replace(self, rates=rates_of(self.sources, tokens, sizes))

    def interval(self, mixtures: Any, level: float = LEVEL) -> tuple[Floats, Floats]:
        """As of `StaticLaw`."""
        return interval_of_new_runs(self.predict(mixtures), self.left_out, self.groups, self.runs, level)

    def parameters(self) -> dict[str, Any]:
        return {
            "floor": by_name(self.floor, self.groups),
            "c": by_name(self.c, self.groups),
            "benefit": by_name(self.benefit, self.groups, self.sources),
            "harm": by_name(self.harm, self.groups, self.sources),
            "highest": by_name(self.highest, self.groups),
            "shapes": {group: shape._asdict() for group, shape in zip(self.groups, self.shapes, strict=True)},
            "rates": by_name(self.rates, self.sources),
            "runs": self.runs,
            "left_out": self.left_out,
        }

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        return cls(
            sources=sources,
            groups=groups,
            **{name: from_names(law[name], groups) for name in ("floor", "c", "highest")},
            **{name: from_names(law[name], groups, sources) for name in ("benefit", "harm")},
            shapes=tuple(Shape(**law["shapes"][group]) for group in groups),
            rates=from_names(law["rates"], sources),
            runs=law["runs"],
            left_out=dict(law["left_out"]),
        )

    def _exponents(self, epochs: Floats) -> Floats:
        columns = [
            c - _benefit(epochs, shape) @ a + _harm(epochs, shape) @ g
            for c, a, g, shape in zip(self.c, self.benefit, self.harm, self.shapes, strict=True)
        ]
        return np.column_stack(columns)


def fit_epochs_law(mixtures: Any, values: Any, epochs: Any = None, *, warn: bool = True) -> EpochsLaw:
    """Fit the law to values [n, g] of mixtures [n, m], whose runs read their sources `epochs` [n, m] times.

    epochs  of each source over the whole run; None where no source is smaller than a run, and epochs are shares

    warn    with FewRunsWarning where runs are fewer than parameters

    The law predicts for runs of the size of those fitted (`for_run` for others).
    Raises UserError where epochs do not fit the mixtures.
    """
    table = read_table(mixtures, values)
    read = read_epochs(epochs, table)
    n, m = table.mixtures.shape
    if warn and n < m + 2:
        warnings.warn(
            f"{n} runs for {m + 2} parameters of each group's law: the fit leans on its ridge. Add at least "
            f"{m + 2 - n} runs.",
            FewRunsWarning,
            stacklevel=2,
        )
    folds = parts(table.mixtures, table.values, _FOLDS)
    chosen = tuple(_choose(read, y, folds) for y in table.values.T)
    fits = [_fit(read, y, shape) for y, shape in zip(table.values.T, chosen, strict=True)]
    floor, c, benefit, harm, highest = (np.array(part) for part in zip(*fits, strict=True))
    rates = _rates(table.mixtures, read)
    law = EpochsLaw(table.sources, table.groups, floor, c, benefit, harm, highest, chosen, rates, n)
    errors = np.sqrt(((leave_out(table, read, law) - table.values) ** 2).mean(axis=0))
    return replace(law, left_out=by_name(errors, table.groups))


def read_epochs(epochs: Any, table: Table) -> Floats:
    """Epochs [n, m] as checked numbers; the shares themselves where none are given."""
    if epochs is None:
        return table.mixtures
    columns = getattr(epochs, "columns", None)
    if columns is not None:
        if set(map(str, columns)) != set(table.sources):
            raise UserError(f"law: epochs are of {list(columns)}, but the mixtures are of {list(table.sources)}.")
        if table.rows is not None and tuple(epochs.index) != table.rows:
            raise UserError("law: the epochs and the mixtures have different row names, or the same in another order.")
        epochs = epochs[list(table.sources)]
    found = np.asarray(epochs, dtype=np.float64)
    if found.shape != table.mixtures.shape:
        raise UserError(f"law: epochs of shape {found.shape} for mixtures of shape {table.mixtures.shape}.")
    wrong = ~(np.isfinite(found) & (found >= 0))
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise UserError(
            f"law: run {row}: '{table.sources[column]}' is read {found[row, column]} times; epochs are 0 or more."
        )
    return found


def rates_of(sources: Sequence[str], tokens: float, sizes: Mapping[str, float]) -> Floats:
    """Epochs [m] of a source that fills a run of `tokens` tokens, by the sizes of the sources, {source: tokens}."""
    if not 0 < tokens < math.inf:
        raise UserError(f"law: tokens of a run are {tokens}, not a number above 0.")
    for source in sources:
        if source not in sizes:
            raise unknown("source", source, sizes, "sizes")
        if not 0 <= sizes[source] < math.inf:
            raise UserError(f"law: the size of '{source}' is {sizes[source]} tokens, not a number of 0 or more.")
    return np.array([tokens / max(sizes[source], 1.0) for source in sources])


def repeats(epochs: Floats) -> bool:
    """Whether any run reads a source more than once: only then there is repetition to learn from."""
    return bool(epochs.max(initial=0.0) > 1)


def leave_out(table: Table, epochs: Floats, law: EpochsLaw, most: int | None = 20) -> Floats:
    """Each run's values [n, g] as predicted by laws of the same shapes that were fitted without it."""
    predicted = np.empty_like(table.values)
    for out in parts(table.mixtures, table.values, most):
        for index, (y, shape) in enumerate(zip(table.values.T, law.shapes, strict=True)):
            predicted[out, index] = _predict(_fit(epochs[~out], y[~out], shape), epochs[out], shape)
    return predicted


def _rates(mixtures: Floats, epochs: Floats) -> Floats:
    """Epochs per share [m], by least squares; 1 for a source that no run reads."""
    squares = (mixtures**2).sum(axis=0)
    return np.where(squares > 0, (mixtures * epochs).sum(axis=0) / np.where(squares > 0, squares, 1.0), 1.0)


def _choose(epochs: Floats, y: Floats, folds: Sequence[NDArray[np.bool_]]) -> Shape:
    """The shape of the least error on runs left out, one group of settings after the other."""
    unit = max(float(epochs.mean()), 1e-12)
    best = Shape(0.3 / unit, 1.0, None, 0.3, 1e-4)
    late: list[float | None] = [None, *_TAU] if repeats(epochs) else [None]
    for _ in range(_ROUNDS):
        for settings in (
            [{"rho": rho / unit, "kappa": kappa} for rho, kappa in product(_RHO, _KAPPA)],
            [{"floor": low, "ridge": ridge} for low, ridge in product(_FLOOR, _RIDGE)],
            [{"tau": tau} for tau in late],
        ):
            candidates = [best._replace(**each) for each in settings]
            best = min(candidates, key=lambda shape: _error(epochs, y, shape, folds))
    return best


def _error(epochs: Floats, y: Floats, shape: Shape, folds: Sequence[NDArray[np.bool_]]) -> float:
    """Mean squared error in nats of runs left out."""
    squares = 0.0
    for out in folds:
        predicted = _predict(_fit(epochs[~out], y[~out], shape), epochs[out], shape)
        squares += float(((predicted - y[out]) ** 2).sum())
    return squares / len(y)


_Fit = tuple[float, float, Floats, Floats, float]  # floor, c, a, g, and the highest exponent


def _fit(epochs: Floats, y: Floats, shape: Shape) -> _Fit:
    """Non-negative least squares of log(y - floor), with the ridge as further rows."""
    n, m = epochs.shape
    least, spread = float(y.min()), max(float(np.ptp(y)), 1e-9 * (1 + float(np.abs(y).max())))
    floor = least - shape.floor * spread
    if least > 0:
        floor = max(floor, 0.0)  # a loss has no irreducible part below 0
    above = y - floor
    features = -_benefit(epochs, shape)
    if shape.tau is not None:
        features = np.hstack([features, _harm(epochs, shape)])
    weight = above / np.sqrt((above**2).mean())
    target = np.log(above)
    middle = float(np.average(target, weights=weight**2))
    # The intercept is free: what is left of the means.
    centre = np.average(features, axis=0, weights=weight**2)
    rows = (features - centre) * weight[:, None]
    normal = rows.T @ rows
    normal[np.diag_indices_from(normal)] += shape.ridge * n
    right = rows.T @ ((target - middle) * weight)
    lower = np.linalg.cholesky(normal)
    effects, _ = scipy.optimize.nnls(lower.T, np.linalg.solve(lower, right), maxiter=50 * len(right))
    fitted = middle + (features - centre) @ effects
    harm = effects[m:] if shape.tau is not None else np.zeros(m)
    return floor, middle - float(centre @ effects), effects[:m], harm, float(fitted.max()) + _BEYOND


def _predict(fit: _Fit, epochs: Floats, shape: Shape) -> Floats:
    floor, c, a, g, highest = fit
    exponent = c - _benefit(epochs, shape) @ a
    if shape.tau is not None:
        exponent = exponent + _harm(epochs, shape) @ g
    return np.asarray(floor + np.exp(np.minimum(exponent, highest)))


def _benefit(epochs: Floats, shape: Shape) -> Floats:
    return np.asarray(-np.expm1(-((shape.rho * epochs) ** shape.kappa)))


def _benefit_slope(epochs: Floats, shape: Shape) -> Floats:
    read = np.maximum(shape.rho * epochs, 1e-9)  # a power below 1 is vertical at 0
    return np.asarray(shape.rho * shape.kappa * read ** (shape.kappa - 1) * np.exp(-(read**shape.kappa)))


def _harm(epochs: Floats, shape: Shape) -> Floats:
    if shape.tau is None:
        return np.zeros_like(epochs)
    return np.asarray(np.logaddexp(0.0, np.log1p(epochs) - shape.tau) ** 2)


def _harm_slope(epochs: Floats, shape: Shape) -> Floats:
    if shape.tau is None:
        return np.zeros_like(epochs)
    late = np.log1p(epochs) - shape.tau
    return np.asarray(2 * np.logaddexp(0.0, late) / (1 + np.exp(-late)) / (1 + epochs))
