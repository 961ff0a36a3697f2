"""Which law to trust: cross-validation, and a preference for the law of the fewest assumptions broken.

The log-linear law stays where nothing is clearly better: it is convex, it extrapolates, and with three runs a source
the order of errors is mostly chance (benchmarks/optimizer.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from emulsion.laws.epochs import EpochsLaw, fit_epochs_law, leave_out, read_epochs, repeats
from emulsion.laws.gaussian import LEAST_RUNS, calibrate, fit_gaussian_law
from emulsion.laws.law import FittedLaw
from emulsion.laws.static import fit_static_law, left_out_of
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


def fit_best_law(mixtures: Any, values: Any, epochs: Any = None) -> FittedLaw:
    """The log-linear law, or the law that is clearly better than it on runs left out.

    That is the Gaussian process or, where `epochs` [n, m] say that runs repeat sources, the law that sees epochs.
    Chosen once for all groups, by errors in units of each group's variance, and with nothing but these runs. Where they
    are too few to leave some out, nothing can be clearly better.
    """
    table = read_table(mixtures, values)
    static = fit_static_law(mixtures, values, warn=False)
    if len(table.values) < LEAST_RUNS:
        return static
    process, predicted = calibrate(fit_gaussian_law(mixtures, values))
    laws: dict[str, FittedLaw] = {static.kind: static, process.kind: process}
    found = {static.kind: left_out_of(static, table, most=10), process.kind: predicted}
    if epochs is not None and repeats(read := read_epochs(epochs, table)):
        seeing = fit_epochs_law(mixtures, values, read, warn=False)
        laws[EpochsLaw.kind], found[EpochsLaw.kind] = seeing, leave_out(table, read, seeing)
    scale = np.maximum(table.values.var(axis=0), 1e-24)
    squares = {name: ((each - table.values) ** 2 / scale).mean(axis=1) for name, each in found.items()}
    return laws[clearly_better(squares, static.kind)]
