"""A Gaussian process on log(p + eps), one length scale per source: the regressor with the best ranks on RegMix's
published sweep from 24 runs on (reference/PERFORMANCE.md, section 6).

Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), chapters 2 and 5.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from emulsion.laws.table import Floats, as_rows, read_table

if TYPE_CHECKING:
    from sklearn.gaussian_process import GaussianProcessRegressor  # type: ignore[import-untyped]
    from sklearn.gaussian_process.kernels import Kernel  # type: ignore[import-untyped]

# Shares far below this are alike to the process; a source's effect is about logarithmic above it.
EPS = 0.02


@dataclass(frozen=True)
class _Scaling:
    """Subtract the mean, divide by the scale: of each column [k]."""

    mean: Floats
    scale: Floats

    @classmethod
    def of(cls, table: Floats) -> _Scaling:
        return cls(table.mean(axis=0), np.maximum(table.std(axis=0), 1e-9 * (1 + np.abs(table).max(axis=0))))

    def __call__(self, table: Floats) -> Floats:
        return np.asarray((table - self.mean) / self.scale)


@dataclass(frozen=True)
class GaussianLaw:
    """One process per group, from standardised log(p + eps) to standardised values."""

    sources: tuple[str, ...]
    groups: tuple[str, ...]
    processes: tuple[GaussianProcessRegressor, ...]
    inputs: _Scaling
    outputs: _Scaling

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m]."""
        x = self.inputs(np.log(as_rows(mixtures, self.sources) + EPS))
        columns = np.column_stack([process.predict(x) for process in self.processes])
        return np.asarray(self.outputs.mean + self.outputs.scale * columns)

    def function_sd(self, mixtures: Any) -> Floats:
        """The standard deviations [k, g] of the function; a new run has its noise on top."""
        x = self.inputs(np.log(as_rows(mixtures, self.sources) + EPS))
        total = np.column_stack([process.predict(x, return_std=True)[1] ** 2 for process in self.processes])
        noise = np.array([kernel.k2.noise_level for kernel in self.kernels])
        return np.asarray(self.outputs.scale * np.sqrt(np.maximum(total - noise, 0.0)))

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """The fitted kernel of each group, its hyperparameters in standardised units."""
        return tuple(process.kernel_ for process in self.processes)


def fit_gaussian_law(mixtures: Any, values: Any, *, start: Sequence[Kernel] | None = None) -> GaussianLaw:
    """Fit one process per group to values [n, g]; hyperparameters at the greatest marginal likelihood.

    start  kernels of a fit to nearly the same runs, from which to go on
    """
    table = read_table(mixtures, values)
    logs = np.log(table.mixtures + EPS)
    inputs, outputs = _Scaling.of(logs), _Scaling.of(table.values)
    kernels = [_kernel(logs.shape[1])] * table.values.shape[1] if start is None else list(start)
    columns = zip(outputs(table.values).T, kernels, strict=True)
    processes = tuple(_fit(inputs(logs), column, kernel) for column, kernel in columns)
    return GaussianLaw(table.sources, table.groups, processes, inputs, outputs)


def _kernel(m: int) -> Kernel:
    """Smooth, one length per source; lengths in standard deviations of log(p + eps) over the sweep."""
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel  # late, as it is slow to load

    smooth = ConstantKernel(4.0, (1e-2, 1e3)) * RBF(np.full(m, 3.0), (0.5, 1e2))
    return smooth + WhiteKernel(1e-2, (1e-4, 2.0))


def _fit(x: Floats, y: Floats, kernel: Kernel) -> GaussianProcessRegressor:
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
    from sklearn.gaussian_process import GaussianProcessRegressor

    process = GaussianProcessRegressor(kernel, alpha=1e-10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a length at its bound is a source that does not matter
        return process.fit(x, y)
