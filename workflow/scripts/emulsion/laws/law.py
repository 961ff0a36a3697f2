"""The one interface of all laws: a function from mixtures to values, its parameters by name, and JSON."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from emulsion.laws.table import Floats

TOTAL = "all sources"  # the row of a matrix of effects that is only known summed over the groups


class Law(Protocol):
    """From mixtures to the value of each group, a loss in nats per token or a score."""

    @property
    def sources(self) -> tuple[str, ...]: ...

    @property
    def groups(self) -> tuple[str, ...]: ...

    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m], shares of tokens in the order of `sources`, or a data frame."""
        ...


class FittedLaw(ABC):
    """A law that was fitted to runs: its parameters have names, and it survives as JSON without loss."""

    kind: ClassVar[str]  # its name in the registry and in files

    sources: tuple[str, ...]
    groups: tuple[str, ...]

    @abstractmethod
    def predict(self, mixtures: Any) -> Floats:
        """Values [k, g] of mixtures [k, m], shares of tokens in the order of `sources`, or a data frame."""

    def for_run(self, tokens: float, sizes: Mapping[str, float]) -> FittedLaw:
        """The law for runs of `tokens` tokens on sources of these sizes, {source: tokens}: of no epochs, this one."""
        return self

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        """All that was fitted, by the names of groups and sources."""

    @classmethod
    @abstractmethod
    def from_json(cls, law: Mapping[str, Any]) -> Self:
        """Inverse of `to_json`."""

    def to_json(self) -> dict[str, Any]:
        """Kind, names and parameters: what a file holds."""
        return {"law": self.kind, "sources": list(self.sources), "groups": list(self.groups), **self.parameters()}


@runtime_checkable
class ConvexLaw(Law, Protocol):
    """A law that is convex in the mixture, so that its optimum can be computed and proved."""

    def convex_terms(self) -> tuple[Floats, Floats, Floats]:
        """linear [g, m], scale [g], a [g, m]: up to constants, values are linear . p + scale exp(-a . p)."""
        ...


@runtime_checkable
class SmoothLaw(Law, Protocol):
    """A law whose slopes are known, so that a search finds an optimum near each of its starts."""

    def gradient(self, mixtures: Any) -> Floats:
        """Derivatives [k, g, m] of the values by shares, as if these did not have to sum to one."""
        ...


class WeightedFit(Protocol):
    """Fits a law to runs, mixtures [n, m] and values [n, g] or [n], with a weight [n] per run: for the bootstrap."""

    def __call__(self, mixtures: Any, values: Any, *, weights: Floats | None = None) -> Law: ...


def by_name(values: Floats, *names: Sequence[str]) -> dict[str, Any]:
    """An array with a name for each index of its axes, as nested dictionaries; further axes stay lists."""
    if len(names) > 1:
        return {name: by_name(part, *names[1:]) for name, part in zip(names[0], values, strict=True)}
    return dict(zip(names[0], np.asarray(values).tolist(), strict=True))


def from_names(named: Mapping[str, Any], *names: Sequence[str]) -> Floats:
    """The array that `by_name` made dictionaries of, in the order of `names`."""
    if len(names) > 1:
        return np.array([from_names(named[name], *names[1:]) for name in names[0]], dtype=np.float64)
    return np.array([named[name] for name in names[0]], dtype=np.float64)
