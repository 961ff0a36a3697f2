"""Which law to trust: cross-validation, and a preference for the law of the fewest assumptions broken.

The log-linear law stays where nothing is clearly better: it is convex, it extrapolates, and with three runs a source
the order of errors is mostly chance (benchmarks/optimizer.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from emulsion.laws.gaussian import GaussianLaw, calibrate, fit_gaussian_law
from emulsion.laws.static import StaticLaw, fit_static_law, leave_one_out
from emulsion.laws.table import Floats, read_table


def clearly_better(squares: Mapping[str, Floats], preferred: str) -> str:
    """The name of the least mean squared error [n]; `preferred` where it is not above that by a standard error.

    Breiman et al., Classification and Regression Trees (1984), section 3.4.3, with the error of the difference.
    """
    best = min(squares, key=lambda name: float(squares[name].mean()))
    if preferred not in squares:
        return best
    difference = squares[preferred] - squares[best]
    error = float(np.std(difference, ddof=1) / np.sqrt(len(difference)))
    return best if float(difference.mean()) > error else preferred


def fit_best_law(mixtures: Any, values: Any) -> StaticLaw | GaussianLaw:
    """The log-linear law, or the Gaussian process where that is clearly better on runs left out.

    Chosen once for all groups, by errors in units of each group's variance, and with nothing but these runs.
    """
    table = read_table(mixtures, values)
    static = fit_static_law(mixtures, values, warn=False)
    process, predicted = calibrate(fit_gaussian_law(mixtures, values))
    scale = np.maximum(table.values.var(axis=0), 1e-24)
    found = {static.kind: leave_one_out(table, static.ridge, most=10), process.kind: predicted}
    squares = {name: ((each - table.values) ** 2 / scale).mean(axis=1) for name, each in found.items()}
    return process if clearly_better(squares, static.kind) == process.kind else static
