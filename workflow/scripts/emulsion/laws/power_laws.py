"""Laws that add up a power of each share, for comparison: BiMix and AutoScale, as Olmix collapses them.

bimix      L_i(p) = c_i + sum_j F[i, j] (p_j + eps)^-alpha[i, j]      (2405.14908; eps keeps a share of 0 finite)
autoscale  L_i(p) = c_i + sum_j (N[i, j] + p_j)^-gamma[i, j]          (2407.20177; shares stand for tokens)

In AutoScale N is what all other data are worth as data of source j, in units of the run's tokens.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import scipy

from emulsion.laws.law import FittedLaw, by_name, from_names
from emulsion.laws.static import FewRunsWarning
from emulsion.laws.table import Floats, Table, as_rows, read_table

_EPS = 1e-2
_RIDGE = 1e-3  # on logarithms of parameters, towards the start: most sources say nothing about most groups
_FAR = 6.0  # that logarithms of parameters may go from the start
_STEEPEST = 3.0  # of powers: 10^6 at the least share
_STEPS = 60


@dataclass(frozen=True)
class PowerSum(FittedLaw):
    """c [g]; `level` and `power` [g, m]: the two parameters of each source's term."""

    names: ClassVar[tuple[str, str]]

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    c: Floats
    level: Floats
    power: Floats

    @staticmethod
    @abstractmethod
    def terms(rows: Floats, level: Floats, power: Floats) -> tuple[Floats, Floats, Floats]:
        """Each source's term [k, m], and its derivatives by the logarithms of level and power [m]."""

    @classmethod
    @abstractmethod
    def start(cls, spread: float, m: int) -> tuple[float, float]:
        """Level and power to start from, for values that spread so far."""

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m]."""
        rows = as_rows(mixtures, self.sources)
        pairs = zip(self.level, self.power, strict=True)
        return np.asarray(self.c + np.column_stack([self.terms(rows, *pair)[0].sum(axis=1) for pair in pairs]))

    def parameters(self) -> dict[str, Any]:
        named = zip(self.names, (self.level, self.power), strict=True)
        tables = {name: by_name(table, self.groups, self.sources) for name, table in named}
        return {"c": by_name(self.c, self.groups), **tables}

    @classmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        sources, groups = tuple(law["sources"]), tuple(law["groups"])
        tables = (from_names(law[name], groups, sources) for name in cls.names)
        return cls(sources, groups, from_names(law["c"], groups), *tables)


_Sum = TypeVar("_Sum", bound=PowerSum)


class BiMixLaw(PowerSum):
    kind = "bimix"
    names = ("F", "alpha")

    @staticmethod
    def terms(rows: Floats, level: Floats, power: Floats) -> tuple[Floats, Floats, Floats]:
        log = np.log(rows + _EPS)
        value = level * np.exp(-power * log)
        return value, value, -value * power * log

    @classmethod
    def start(cls, spread: float, m: int) -> tuple[float, float]:
        return spread / m, 0.2


class AutoScaleLaw(PowerSum):
    kind = "autoscale"
    names = ("N", "gamma")

    @staticmethod
    def terms(rows: Floats, level: Floats, power: Floats) -> tuple[Floats, Floats, Floats]:
        total = level + rows
        value = total**-power
        return value, -value * power * level / total, -value * power * np.log(total)

    @classmethod
    def start(cls, spread: float, m: int) -> tuple[float, float]:
        # A share from 0 to 1 then moves the value by about a tenth of its spread: (N^-gamma - 1) at N = .1.
        return 0.1, float(np.clip(0.1 * spread / np.log(10.0), 1e-6, 1.0))


def fit_bimix_law(mixtures: Any, values: Any) -> BiMixLaw:
    """Fit BiMix to values [n, g] of mixtures [n, m], robustly."""
    return _fit(BiMixLaw, read_table(mixtures, values))


def fit_autoscale_law(mixtures: Any, values: Any) -> AutoScaleLaw:
    """Fit AutoScale to values [n, g] of mixtures [n, m], robustly."""
    return _fit(AutoScaleLaw, read_table(mixtures, values))


def _fit(law: type[_Sum], table: Table) -> _Sum:
    """Each group by trust-region least squares with Huber's loss, analytic Jacobian and a weak ridge."""
    n, m = table.mixtures.shape
    if n < 2 * m + 1:
        warnings.warn(
            f"{n} runs for {2 * m + 1} parameters of each group's law: the fit leans on its ridge. "
            f"Add at least {2 * m + 1 - n} runs.",
            FewRunsWarning,
            stacklevel=3,
        )
    fits = [_fit_group(law, table.mixtures, column) for column in table.values.T]
    c, level, power = (np.array(part) for part in zip(*fits, strict=True))
    return law(table.sources, table.groups, c, level, power)


def _fit_group(law: type[PowerSum], rows: Floats, y: Floats) -> tuple[float, Floats, Floats]:
    m = rows.shape[1]
    spread = max(float(y.std()), 1e-9)
    begin = np.log(np.repeat(law.start(spread, m), m))
    keep = np.sqrt(_RIDGE * len(y) / (2 * m)) * spread

    def split(x: Floats) -> tuple[Floats, Floats]:
        return np.exp(x[1 : m + 1]), np.exp(x[m + 1 :])

    def residuals(x: Floats) -> Floats:
        value = x[0] + law.terms(rows, *split(x))[0].sum(axis=1)
        return np.append(value - y, keep * (x[1:] - begin))

    def jacobian(x: Floats) -> Floats:
        _, by_level, by_power = law.terms(rows, *split(x))
        runs = np.column_stack([np.ones(len(y)), by_level, by_power])
        return np.vstack([runs, np.column_stack([np.zeros(2 * m), keep * np.eye(2 * m)])])

    first = float(np.mean(y - law.terms(rows, *split(np.append(0.0, begin)))[0].sum(axis=1)))
    x = np.append(first, begin)
    lowest = x - np.append(np.inf, np.full(2 * m, _FAR))
    highest = np.append(np.append(np.inf, begin[:m] + _FAR), np.full(m, np.log(_STEEPEST)))
    found = scipy.optimize.least_squares(
        residuals, x, jacobian, bounds=(lowest, highest), loss="huber", f_scale=0.2 * spread, max_nfev=_STEPS
    ).x
    return float(found[0]), *split(found)
