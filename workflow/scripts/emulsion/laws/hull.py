"""How far a mixture lies from those that were tried: beyond them, a law extrapolates."""

from __future__ import annotations

import numpy as np
import scipy

from emulsion.laws.table import Floats

_INSIDE = 1e-7  # the solver's own tolerance


def hull_distance(point: Floats, points: Floats) -> float:
    """The least share of tokens that must change to bring `point` [m] into the convex hull of `points` [n, m].

    Half the sum of absolute differences, minimised over averages of the points by a linear programme; 0 inside.
    """
    n, m = points.shape
    eye, ones, zeros = np.eye(m), np.ones(n), np.zeros(m)
    # Variables: n weights of the points, then m parts above and m parts below.
    equal = np.block([[points.T, eye, -eye], [ones[None, :], zeros[None, :], zeros[None, :]]])
    cost = np.concatenate([np.zeros(n), np.full(2 * m, 0.5)])
    found = scipy.optimize.linprog(cost, A_eq=equal, b_eq=np.append(point, 1.0), bounds=(0, None), method="highs")
    if found.status != 0:
        raise RuntimeError(f"hull distance: the linear programme failed: {found.message}")
    return 0.0 if found.fun < _INSIDE else float(found.fun)
