"""The one interface of all laws: a fit function of mixtures and values that gives something with `predict`."""

from __future__ import annotations

from typing import Any, Protocol

from emulsion.laws.table import Floats


class Law(Protocol):
    """A fitted law: from mixtures to the value of each group, a loss in nats per token or a score."""

    @property
    def sources(self) -> tuple[str, ...]: ...

    @property
    def groups(self) -> tuple[str, ...]: ...

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m], shares of tokens in the order of `sources`, or a data frame."""
        ...


class WeightedFit(Protocol):
    """Fits a law to runs, mixtures [n, m] and values [n, g] or [n], with a weight [n] per run: for the bootstrap."""

    def __call__(self, mixtures: Any, values: Any, *, weights: Floats | None = None) -> Law: ...
