"""A simulated training: it goes along a path of mixtures, and is observed with the noise that real ones have.

Noise has three parts. What a seed does to a whole run comes in over its first fifth; most of it is common to all
sources. What moves losses within a run is forgotten after a hundredth of a target run, so that evaluations
shortly after one another share it. Both are larger while losses still fall fast. Training losses add that of the
sequences drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emulsion.laws.table import Floats
from emulsion.world.truth import Path, Truth

_COMMON = 0.7  # of the variance that a seed makes, the part all sources share
_MEMORY = 0.01  # target runs after which noise within a run is another
_SEQUENCE = 0.4  # nats: the SD of single sequences' losses about their mean
_GRADIENTS = 0.3  # SD of a gradients' product over that of a source with itself


@dataclass(frozen=True, kw_only=True)
class Noise:
    """seed, within: SDs in nats, of whole runs and of moments within one; warm [m]: how much a large learning rate adds
    to losses, nats; linear: whether the learning rate falls linearly, else by a cosine
    """

    seed: float
    within: float
    warm: Floats
    linear: bool

    def annealing(self, progress: float) -> Floats:
        """What a learning rate that has not yet fallen adds, [m]."""
        height = 1 - progress if self.linear else (1 + np.cos(np.pi * progress)) / 2
        return np.asarray(self.warm * height)


class SimulatedRun:
    """A run that is under way. planned: its length in target runs; documents: share of each source that it may read."""

    def __init__(self, truth: Truth, noise: Noise, seed: int, planned: float, documents: float = 1.0) -> None:
        self.truth, self.noise, self.planned, self.documents = truth, noise, planned, documents
        self.random = np.random.default_rng(seed)
        m = len(truth.floor)
        common = self.random.normal(0, np.sqrt(_COMMON))
        self._offset = noise.seed * (common + self.random.normal(0, np.sqrt(1 - _COMMON), m))
        self._within = self.random.normal(0, 1, m)
        self._seen_at = 0.0
        self._mixtures: list[Floats] = []
        self._lengths: list[float] = []

    @property
    def done(self) -> float:
        """Target runs trained so far."""
        return float(sum(self._lengths))

    def train(self, mixture: Floats, length: float) -> None:
        """Train on, on a mixture [m], for a length in target runs."""
        if self._mixtures and np.array_equal(mixture, self._mixtures[-1]):
            self._lengths[-1] += length
        else:
            self._mixtures.append(np.asarray(mixture, dtype=np.float64))
            self._lengths.append(length)

    def losses(self) -> Floats:
        """Held-out losses [m] as observed now."""
        done = self.done
        kept = np.exp(-(done - self._seen_at) / _MEMORY)
        fresh = self.random.normal(0, 1, len(self._within))
        self._within, self._seen_at = kept * self._within + np.sqrt(1 - kept**2) * fresh, done
        early = 1 + 5 * np.exp(-done / 0.02)
        ramp = min(1.0, 5 * done / self.planned)
        noise = ramp * self._offset + self.noise.within * early * self._within
        return np.asarray(self.true_losses() + self.noise.annealing(min(done / self.planned, 1.0)) + noise)

    def training_losses(self, sequences: Floats) -> Floats:
        """Mean training losses [m] over a number of sequences of each source, [m]; NaN where there were none."""
        spread = _SEQUENCE / np.sqrt(np.maximum(sequences, 1)) * self.random.normal(0, 1, len(sequences))
        return np.where(sequences > 0, self.losses() + spread, np.nan)

    def true_losses(self) -> Floats:
        """Losses [m] without noise and without what the learning rate adds: what a run that ended here would reach."""
        return np.asarray(self.truth.losses(self._path(np.zeros((1, 0, len(self._within))), 0.0))[0])

    def gradients(self) -> Floats:
        """Products [m, m] of gradients, evaluated by trained: how fast each loss falls by each source, in noise."""
        m, step = len(self._within), 1e-4
        ends = self.truth.losses(self._path(np.eye(m)[:, None, :], step))
        falls = (self.true_losses()[None, :] - ends).T / step
        scale = max(float(np.abs(np.diag(falls)).mean()), 1e-12)
        return np.asarray(falls / scale + self.random.normal(0, _GRADIENTS, (m, m)))

    def _path(self, further: Floats, length: float) -> Path:
        """The way so far, and on each of the mixtures [b, 1, m] a further step; [1, 0, m] for none."""
        done = np.array(self._mixtures).reshape(1, -1, len(self._within))
        mixtures = np.concatenate([np.repeat(done, len(further), axis=0), further], axis=1)
        lengths = np.array([*self._lengths, *([length] if further.shape[1] else [])])
        return Path(mixtures, lengths, self.planned, self.documents)
