"""What all online methods share: sources by name, checked settings and observations, state as plain JSON.

A method holds arrays in the sorted order of its sources' names, whatever order they are listed in, so that the order
changes not one bit of what it decides. A matrix A[i, j] is the effect on source i's loss of training on source j;
positive lowers the loss.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np

from emulsion.errors import UserError, unknown
from emulsion.fields import WHOLE, Form, checked, is_number
from emulsion.laws.law import by_name, from_names
from emulsion.laws.table import Floats
from emulsion.methods.interface import Effects, Evidence, Needs, Observation, Observes
from emulsion.mixture import Mixture


def number(words: str, fits: Callable[[float], bool]) -> Form:
    """The form of a finite number that fits."""

    def test(value: Any) -> bool:
        return is_number(value) and fits(value)

    return words, test


NUMBER = number("a number", lambda value: True)
POSITIVE = number("a number above 0", lambda value: value > 0)
SHARE_BELOW_1 = number("a number from 0 to below 1", lambda value: 0 <= value < 1)
MAPPING: Form = ("a mapping by source", lambda value: isinstance(value, Mapping) and bool(value))


@dataclass(frozen=True, kw_only=True)
class OnlineSettings:
    """prior   {source: weight} to start from; None for the uniform mixture
    rounds  of the run; the mixture may change between them
    """

    prior: Mapping[str, float] | None = None
    rounds: int = 20

    forms: ClassVar[Mapping[str, Form]] = {}
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}  # settings that are one of these names

    @classmethod
    def of(cls, values: Mapping[str, Any], where: str) -> Self:
        """From the configuration; UserError for an unknown setting and for a value of another form."""
        chosen: dict[str, Form] = {key: ("a name", lambda value: isinstance(value, str)) for key in cls.choices}
        forms = {"prior": MAPPING, "rounds": WHOLE, **chosen, **cls.forms}
        settings = checked(values, {entry.name: forms[entry.name] for entry in fields(cls)}, (), where)
        for key, allowed in cls.choices.items():
            if key in settings and settings[key] not in allowed:
                raise unknown(key, settings[key], allowed, f"{where}.{key}")
        return cls(**settings)


class Online(ABC):
    """An online method (`interface.OnlineMethod`) of multiplied weights; its settings are those of `reads`.

    averaged_over  which updates' effects stand for the method's A where it is compared with a fitted one (Aioli,
                   2411.05735, C.2): the "last", "recent" ones or "all" so far; None where it is not compared
    takes_over     whether it may decide from some point of a run on; False where it goes by all that the run has read
    """

    kind: ClassVar[str]
    reads: ClassVar[type[OnlineSettings]]
    needs = Needs()
    observes: Observes
    held_out = True
    averages = False
    averaged_over: ClassVar[str | None] = None
    takes_over: ClassVar[bool] = True

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        """Raises UserError where there is nothing to mix, or a setting is unknown or not allowed."""
        self._listed = list(sources)
        self.names = tuple(sorted(self._listed))
        if len(set(self.names)) < len(self.names):
            raise UserError(f"{self.kind}.sources: a source is listed twice among {', '.join(self.names)}.")
        if len(self.names) < 2:
            raise UserError(f"{self.kind}.sources: {list(self.names)}: there is nothing to mix; at least 2 are needed.")
        read = self.reads.of(settings, self.kind)
        if self.averages and read.rounds < 2:
            raise UserError(
                f"{self.kind}.rounds: {read.rounds} should be 2 or more: its answer is the mean of what it decides "
                "between rounds."
            )
        self.rounds = read.rounds
        self.prior: Floats = np.full(len(self.names), 1 / len(self.names))
        if read.prior is not None:
            self.prior = self._read_prior(read.prior)
        self.effects: Effects | None = None
        self.updates = 0
        self.log_weights: Floats = np.log(self.prior)
        self._sum: Floats = np.zeros(len(self.names))
        self._set(read)

    @abstractmethod
    def _set(self, settings: Any) -> None:
        """Take the settings, and have nothing in memory yet."""

    def _read_prior(self, prior: Mapping[str, float]) -> Floats:
        self._know(prior, "prior")
        mixture = Mixture(prior, f"{self.kind}.prior")
        for source in self.names:
            # Weights are multiplied, so that a source of weight 0 would never come back.
            if not mixture.get(source, 0.0) > 0:
                raise UserError(
                    f"{self.kind}.prior.{source}: the weight is 0, which no update can raise. Give it a positive "
                    "weight, or leave the source out."
                )
        return np.array([mixture[source] for source in self.names])

    def prepare(self, evidence: Evidence) -> None:  # noqa: B027 (most need nothing)
        """Take up what it needs, before `start`. Raises UserError where it is missing."""

    def start(self) -> Mixture:
        """The mixture of the first round."""
        return self.mixture

    @property
    def weights(self) -> Floats:
        """The weights [m], summing to 1, in the sorted order of sources."""
        return softmax(self.log_weights)

    @property
    def mixture(self) -> Mixture:
        """The mixture decided last."""
        return self.mixed(self.weights)

    @property
    def average(self) -> Mixture:
        """The mean of the mixtures of all updates: what DoReMi and DoGE hand to the final run."""
        return self.mixed(self._sum / self.updates) if self.updates else self.mixture

    def update(self, seen: Observation) -> Mixture:
        """The mixture of the next round. Raises UserError where what was seen cannot be used; then nothing changes."""
        self.read(seen.losses, "losses")
        logs = self._decide(seen)
        self.log_weights = logs - logs.max()
        self.updates += 1
        self._sum = self._sum + self.weights
        return self.mixture

    @abstractmethod
    def _decide(self, seen: Observation) -> Floats:
        """Logarithms of the weights [m] after one round; sets `effects` where the method has them."""

    def state(self) -> dict[str, Any]:
        """All that later updates depend on besides the settings, as plain JSON."""
        return {
            "kind": self.kind,
            "updates": self.updates,
            "log_weights": by_name(self.log_weights, self.names),
            "sum": by_name(self._sum, self.names),
            "effects": self.effects,
            "memory": self._memory(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as the method whose `state()` this is. Raises UserError where it is another's, or of other sources."""
        if state.get("kind") != self.kind or set(state.get("log_weights", ())) != set(self.names):
            raise UserError(
                f"{self.kind}: the state is of method '{state.get('kind')}' with sources "
                f"{sorted(state.get('log_weights', ()))}; this one mixes {list(self.names)}."
            )
        self.updates, self.effects = int(state["updates"]), state["effects"]
        self.log_weights = from_names(state["log_weights"], self.names)
        self._sum = from_names(state["sum"], self.names)
        self._recall(state["memory"])

    def _memory(self) -> dict[str, Any]:
        """What the method remembers besides its weights, as plain JSON."""
        return {}

    def _recall(self, memory: Mapping[str, Any]) -> None:  # noqa: B027 (most have nothing to recall)
        """Take up what `_memory` gave."""

    def read(self, values: Mapping[str, float] | None, what: str) -> Floats:
        """Values [m] by source, NaN where there is none. Raises UserError for one that is not finite."""
        if values is None:
            raise UserError(f"{self.kind}: observes {what}, but was given none.")
        self._know(values, what)
        for source, value in values.items():
            if not math.isfinite(value):
                raise UserError(
                    f"{self.kind}.{what}.{source}: {value} is not a finite number; has training diverged? "
                    "Lower the learning rate."
                )
        return np.array([float(values.get(source, math.nan)) for source in self.names])

    def complete(self, values: Mapping[str, float] | None, what: str) -> Floats:
        """Values [m] by source. Raises UserError where a source has none."""
        found = self.read(values, what)
        for source, value in zip(self.names, found, strict=True):
            if math.isnan(value):
                raise UserError(f"{self.kind}.{what}.{source}: is missing.")
        return found

    def matrix(self, table: Effects | None, what: str) -> Floats:
        """A[i, j] from {evaluated: {trained: value}}; NaN where a source of either kind is left out."""
        if table is None:
            raise UserError(f"{self.kind}: observes {what}, but was given none.")
        self._know(table, what)
        return np.stack([self.read(table.get(source, {}), f"{what}.{source}") for source in self.names])

    def drawn(self, seen: Observation) -> np.ndarray:
        """Which sources [m] any sequence was drawn from since the last update."""
        return np.array([seen.counts.get(source, 0) > 0 for source in self.names])

    def mixed(self, weights: Floats) -> Mixture:
        """The mixture of weights [m], in the order that sources were listed in."""
        by = dict(zip(self.names, weights.tolist(), strict=True))
        return Mixture({source: by[source] for source in self._listed}, self.kind)

    def named(self, effects: Floats) -> Effects:
        """A [m, m] by name."""
        found: dict[str, dict[str, float]] = by_name(effects, self.names, self.names)
        return found

    def _know(self, mapping: Mapping[str, Any], what: str) -> None:
        for source in mapping:
            if source not in self.names:
                raise unknown("source", str(source), self.names, f"{self.kind}.{what}")


def softmax(logs: Floats) -> Floats:
    """Weights from their logarithms, whatever their size."""
    shares = np.exp(logs - logs.max())
    return np.asarray(shares / shares.sum())
