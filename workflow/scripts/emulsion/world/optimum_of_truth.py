"""The best mixture, and the best stages, of a simulated world: found on its noise-free losses, many starts at once."""

from __future__ import annotations

import numpy as np
import scipy

from emulsion.laws.table import Floats
from emulsion.world.truth import Path, Truth

_TRIED = 400  # random mixtures that starts are taken from
_STARTS = 4
_STEP = 1e-5  # of a derivative


def best_mixture(truth: Truth) -> Floats:
    """The constant mixture [m] of the least mean loss of a target run."""
    m = len(truth.floor)
    random = np.random.default_rng(0)
    drawn = np.concatenate([random.dirichlet(np.ones(m), _TRIED // 2), random.dirichlet(np.full(m, 0.3), _TRIED // 2)])
    tried = np.concatenate([np.eye(m), np.full((1, m), 1 / m), drawn])
    values = _values(truth, tried[:, None, :])
    starts = tried[np.argsort(values, kind="stable")[:_STARTS]]
    ends = [_descend(truth, start[None, :])[0] for start in starts]
    candidates = np.concatenate([np.array(ends), starts])
    return np.asarray(candidates[_values(truth, candidates[:, None, :]).argmin()])


def best_stages(truth: Truth, mixture: Floats, stages: int) -> Floats:
    """Mixtures [stages, m] of equal length with the least mean loss at the end, from a constant one on."""
    return _descend(truth, np.repeat(mixture[None, :], stages, axis=0))


def _values(truth: Truth, mixtures: Floats) -> Floats:
    """Mean losses [b] of target runs on stages [b, r, m] of equal length."""
    stages = mixtures.shape[1]
    return np.asarray(truth.losses(Path(mixtures, np.full(stages, 1 / stages))).mean(axis=1))


def _descend(truth: Truth, start: Floats) -> Floats:
    """The end [r, m] of a descent from stages [r, m]; what was best on the way."""
    stages, m = start.shape
    steps = _STEP * np.eye(stages * m).reshape(-1, stages, m)

    def value(flat: Floats) -> tuple[float, Floats]:
        here = np.maximum(flat.reshape(stages, m), 0.0)
        found = _values(truth, np.concatenate([here[None], here[None] + steps]))
        return float(found[0]), np.asarray((found[1:] - found[0]) / _STEP)

    sums = np.kron(np.eye(stages), np.ones(m))
    found = scipy.optimize.minimize(
        value,
        (0.98 * start + 0.02 / m).ravel(),
        jac=True,
        method="SLSQP",
        bounds=[(0.0, 1.0)] * (stages * m),
        constraints={"type": "eq", "fun": lambda flat: sums @ flat - 1, "jac": lambda flat: sums},
        options={"ftol": 1e-9, "maxiter": 200},
    )
    rows = np.maximum(found.x.reshape(stages, m), 0.0)
    rows = rows / rows.sum(axis=1, keepdims=True)
    both = np.stack([rows, start])
    return np.asarray(both[_values(truth, both).argmin()])
