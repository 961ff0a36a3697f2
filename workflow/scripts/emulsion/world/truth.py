"""What simulated trainings come to without noise: the loss of every source after a path of mixtures.

Tokens are counted in target runs, so that 1 is the run that is decided for. With U_j the tokens read of source j, S_i
what they are worth to source i and t the tokens of the run so far:

    linear         L_i = c_i + K_i (1 + g_i t / m)^-alpha_i - sum_j B[i, j] (U_j - t/m)
    log_linear     L_i = c_i + K_i (1 + g_i t)^-alpha_i exp(-sum_j A[i, j] U_j / t)
    others         L_i = c_i + K_i (1 + g_i S_i)^-alpha_i, with S_i = sum_j X[i, j] U_j, except
    interacting    + sum_jk W[i, j, k] sqrt(U_j U_k): two sources are worth more together, or less
    saturating     U_j / (1 + U_j / s_j) in place of U_j: of some sources a little is enough
    repetition     what repeated tokens are worth in place of U_j, and late harm to a source read too often
    drifting       the integral of X(t) p(t), with X between one matrix at the start of a target run and one at its end
    harmful        X[i, j] below 0 for one source j: it raises the losses of others
    rank_flip      another X for short runs, as of small models
    recency        + r_i h / (h + e_i), with e_i the recent share of source i

The constants stand in `ranges.py`. Each function is vectorised over paths: mixtures [b, r, m] of r stages.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from emulsion.laws.table import Floats

_FLIP, _WIDTH = 0.4, 0.25  # the planned length at which ranks are half turned, and how fast they turn, in its logarithm


@dataclass(frozen=True)
class Path:
    """What was trained on.

    mixtures   [b, r, m], of r stages; lengths [r] of the stages, in target runs
    planned    length of the whole run, in target runs; documents  share of every source that it may draw from
    """

    mixtures: Floats
    lengths: Floats
    planned: float = 1.0
    documents: float = 1.0

    @property
    def read(self) -> Floats:
        """Tokens of every source, [b, m]."""
        return np.asarray(np.einsum("brm,r->bm", self.mixtures, self.lengths))

    @property
    def end(self) -> float:
        return float(self.lengths.sum())


@dataclass(frozen=True, kw_only=True)
class Truth(ABC):
    """floor, fall, rate, power [m]: c, K, g and alpha of the module"""

    floor: Floats
    fall: Floats
    rate: Floats
    power: Floats

    @abstractmethod
    def losses(self, path: Path) -> Floats:
        """Losses [b, m] at the path's end, nats per token."""

    def curve(self, worth: Floats) -> Floats:
        """The loss [b, m] after tokens worth so much to every source, [b, m]; harm takes no more than was learnt."""
        return np.asarray(self.floor + self.fall * np.maximum(1 + self.rate * worth, 1.0) ** -self.power)


@dataclass(frozen=True, kw_only=True)
class Linear(Truth):
    """slopes [m, m]: B"""

    slopes: Floats

    def losses(self, path: Path) -> Floats:
        even = path.end / len(self.floor)
        return self.curve(np.full_like(path.read, even)) - (path.read - even) @ self.slopes.T


@dataclass(frozen=True, kw_only=True)
class LogLinear(Truth):
    """effects [m, m]: A"""

    effects: Floats

    def losses(self, path: Path) -> Floats:
        above = self.curve(np.full_like(path.read, path.end)) - self.floor
        return np.asarray(self.floor + above * np.exp(-(path.read / max(path.end, 1e-12)) @ self.effects.T))


@dataclass(frozen=True, kw_only=True)
class Transfer(Truth):
    """effects [m, m]: X"""

    effects: Floats

    def losses(self, path: Path) -> Floats:
        return self.curve(self.worth(path))

    def worth(self, path: Path) -> Floats:
        """S [b, m]."""
        return np.asarray(path.read @ self.effects.T)


@dataclass(frozen=True, kw_only=True)
class Interacting(Transfer):
    """together [m, m, m]: W, of each pair once"""

    together: Floats

    def worth(self, path: Path) -> Floats:
        root = np.sqrt(path.read)
        return np.asarray(super().worth(path) + np.einsum("ijk,bj,bk->bi", self.together, root, root))


@dataclass(frozen=True, kw_only=True)
class Saturating(Transfer):
    """enough [m]: s, the most that a source can be worth"""

    enough: Floats

    def worth(self, path: Path) -> Floats:
        return np.asarray((path.read / (1 + path.read / self.enough)) @ self.effects.T)


@dataclass(frozen=True, kw_only=True)
class Repeating(Transfer):
    """sizes [m], in target runs; worth_again: epochs that all repetitions together are worth at most (2305.16264);
    hurts: what a source's own loss gains when its epochs double beyond that, nats
    """

    sizes: Floats
    worth_again: float
    hurts: float

    def losses(self, path: Path) -> Floats:
        epochs = path.read / (self.sizes * path.documents)
        return super().losses(path) + self.hurts * np.log2(np.maximum(epochs / self.worth_again, 1))

    def worth(self, path: Path) -> Floats:
        sizes = self.sizes * path.documents
        epochs = path.read / sizes
        again = -self.worth_again * np.expm1(-np.maximum(epochs - 1, 0) / self.worth_again)
        return np.asarray((sizes * (np.minimum(epochs, 1) + again)) @ self.effects.T)


@dataclass(frozen=True, kw_only=True)
class Drifting(Transfer):
    """later [m, m]: X at the end of a target run; `effects` are those at its start"""

    later: Floats

    def worth(self, path: Path) -> Floats:
        ends = np.minimum(np.cumsum(path.lengths), 1.0)
        starts = np.concatenate([[0.0], ends[:-1]])
        late = np.einsum("brm,r->bm", path.mixtures, (ends**2 - starts**2) / 2 + path.lengths - (ends - starts))
        return np.asarray(super().worth(path) + np.asarray(late @ (self.later - self.effects).T))


@dataclass(frozen=True, kw_only=True)
class Flipping(Transfer):
    """short [m, m]: X of short runs"""

    short: Floats

    def worth(self, path: Path) -> Floats:
        turned = 1 / (1 + (path.planned / _FLIP) ** (-1 / _WIDTH))
        return np.asarray(path.read @ (turned * self.effects + (1 - turned) * self.short).T)


@dataclass(frozen=True, kw_only=True)
class Recent(Transfer):
    """lost [m]: r, nats; half: h; window: of the moving average of shares, in target runs"""

    lost: Floats
    half: float
    window: float

    def losses(self, path: Path) -> Floats:
        ends = np.cumsum(path.lengths)
        since = np.exp((ends - path.end) / self.window) - np.exp((ends - path.lengths - path.end) / self.window)
        recent = np.einsum("brm,r->bm", path.mixtures, since / since.sum())
        return np.asarray(super().losses(path) + self.lost * self.half / (self.half + recent))
