"""Follow a list of mixtures, one a round.

It replays exactly what another online method did in as many rounds, and is the plainest method that the training of
online methods can be tested with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.methods.interface import Evidence, Needs, Observation, Observes
from emulsion.mixture import Mixture

SETTINGS = ("mixtures",)


class Follow:
    """mixtures  [{source: weight}, ...], one for each round; a source that one does not name weighs 0 in it"""

    needs = Needs()
    observes: Observes = "losses"
    held_out = True
    averages = False
    effects = None

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        """Raises UserError where a setting or a source is unknown, or `mixtures` is not a list of mixtures."""
        for name in settings:
            if name not in SETTINGS:
                raise unknown("setting", name, SETTINGS, "follow")
        mixtures = settings.get("mixtures")
        if not isinstance(mixtures, list) or not mixtures:
            raise UserError(f"follow.mixtures: should be a list of at least one mixture, but is {mixtures!r}.")
        self.mixtures = [_mixture(weights, sources, f"follow.mixtures[{i}]") for i, weights in enumerate(mixtures)]
        self.rounds = len(self.mixtures)
        self._round = 0

    @property
    def average(self) -> Mixture:
        done = self.mixtures[: self._round + 1]
        return Mixture({source: sum(each.get(source, 0.0) for each in done) for each in done for source in each})

    def prepare(self, evidence: Evidence) -> None:
        """Nothing is needed."""

    def start(self) -> Mixture:
        self._round = 0
        return self.mixtures[0]

    def update(self, seen: Observation) -> Mixture:
        """Raises UserError where no mixture is left."""
        if self._round + 1 >= self.rounds:
            raise UserError(f"follow.mixtures: there are {self.rounds}, but another round begins at step {seen.step}.")
        self._round += 1
        return self.mixtures[self._round]

    def state(self) -> dict[str, Any]:
        return {"round": self._round}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._round = int(state["round"])


def _mixture(weights: Any, sources: Sequence[str], where: str) -> Mixture:
    if not isinstance(weights, Mapping):
        raise UserError(f"{where}: should be weights by source, but is {weights!r}.")
    for source in weights:
        if source not in sources:
            raise unknown("source", str(source), sources, where)
    return Mixture(weights, where)


METHODS = {"follow": Follow}
