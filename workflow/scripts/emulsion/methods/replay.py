"""Replay: train again, from the start, on what an online method decided during another run.

With `average: false` the run has that run's trajectory as a schedule that is known before it: the shares of every
round, probes included, but nothing is observed and nothing decided. With `average: true` it has the trajectory's mean,
one mixture. Against the online run and against each other they tell what adapting to the run's own state was worth,
what the order of mixtures was, and what the mean alone explains.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.methods.interface import Evidence, Needs, Stages
from emulsion.mixture import mean_of_stages

SETTINGS = ("method", "average")


class Replay:
    """method   name of the online method whose first seed's run is replayed
    average  whether on the mean of its mixtures
    """

    needs = Needs(trajectory=True)
    record: dict[str, Any] | None = None

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        """Raises UserError where a setting is unknown, missing or of another form."""
        for name in settings:
            if name not in SETTINGS:
                raise unknown("setting", name, SETTINGS, "replay")
        self.sources = list(sources)
        self.method, self.average = settings.get("method"), settings.get("average", False)
        if not isinstance(self.method, str):
            raise UserError(f"replay.method: should be the name of an online method, but is {self.method!r}.")
        if not isinstance(self.average, bool):
            raise UserError(f"replay.average: should be true or false, but is {self.average!r}.")

    def propose(self, evidence: Evidence) -> Stages:
        if not evidence.trajectory:
            raise UserError(f"replay: there is no trajectory of '{self.method}'.")
        if self.average:
            return [(1.0, mean_of_stages(evidence.trajectory).over(self.sources))]
        return [(until, mixture.over(self.sources)) for until, mixture in evidence.trajectory]


METHODS = {"replay": Replay}
