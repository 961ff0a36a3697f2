"""Methods that need no run: they go by the configuration, or by the sizes of the sources. Trivial, and strong."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from emulsion.errors import UserError, unknown
from emulsion.fields import TEXT, Form, checked
from emulsion.methods.designs import points
from emulsion.methods.interface import Evidence, Needs, Stages
from emulsion.methods.online import MAPPING, POSITIVE
from emulsion.mixture import Mixture, stages_of

NUMBER: Form = ("a whole number", lambda value: isinstance(value, int))
LIST: Form = ("a list of stages", lambda value: isinstance(value, list) and bool(value))


class Fixed(ABC):
    """A method whose settings are of these forms, all of them required."""

    kind: ClassVar[str]
    forms: ClassVar[Mapping[str, Form]] = {}
    needs = Needs()
    record: dict[str, Any] | None = None

    def __init__(self, sources: Sequence[str], **settings: Any) -> None:
        """Raises UserError where a setting is unknown, missing or of another form."""
        self.sources = list(sources)
        self.settings = checked(settings, self.forms, tuple(self.forms), self.kind)
        if "source" in self.settings and self.settings["source"] not in self.sources:
            raise unknown("source", self.settings["source"], self.sources, f"{self.kind}.source")

    def propose(self, evidence: Evidence) -> Stages:
        return [(until, mixture.over(self.sources)) for until, mixture in self._stages(evidence)]

    @abstractmethod
    def _stages(self, evidence: Evidence) -> Stages: ...


class Given(Fixed):
    """stages  [{"until": share of the run, "weights": {source: weight}}], as a strategy has them"""

    kind = "given"
    forms: ClassVar[Mapping[str, Form]] = {"stages": LIST}

    def _stages(self, evidence: Evidence) -> Stages:
        return stages_of(self.settings["stages"])


class Without(Fixed):
    """stages with one source left out and the rest rescaled in proportion"""

    kind = "without"
    forms: ClassVar[Mapping[str, Form]] = {"stages": LIST, "source": TEXT}

    def _stages(self, evidence: Evidence) -> Stages:
        left_out = self.settings["source"]
        return [(until, mixture.without(left_out)) for until, mixture in stages_of(self.settings["stages"])]


class Only(Fixed):
    """one source alone"""

    kind = "only"
    forms: ClassVar[Mapping[str, Form]] = {"source": TEXT}

    def _stages(self, evidence: Evidence) -> Stages:
        return [(1.0, Mixture({self.settings["source"]: 1.0}))]


class Stratified(Fixed):
    """all sources alike"""

    kind = "stratified"

    def _stages(self, evidence: Evidence) -> Stages:
        return [(1.0, Mixture.uniform(self.sources))]


class Proportional(Fixed):
    """each source by its share of all tokens"""

    kind = "proportional"
    needs = Needs(sizes=True)

    def _stages(self, evidence: Evidence) -> Stages:
        return [(1.0, Mixture(evidence.sizes))]


class Temperature(Fixed):
    """shares proportional to size^(1/tau): 1 is proportional, a large tau uniform (Arivazhagan et al., 1907.05019)"""

    kind = "temperature"
    forms: ClassVar[Mapping[str, Form]] = {"tau": POSITIVE}
    needs = Needs(sizes=True)

    def _stages(self, evidence: Evidence) -> Stages:
        total, power = sum(evidence.sizes.values()), 1 / self.settings["tau"]
        shares = {source: (size / total) ** power if size else 0.0 for source, size in evidence.sizes.items()}
        if not any(shares.values()):  # a tau so small that all of them vanish except the largest
            largest = max(evidence.sizes.values())
            shares = {source: (size / largest) ** power for source, size in evidence.sizes.items()}
        return [(1.0, Mixture(shares))]


class UniMax(Fixed):
    """as uniform as a cap on epochs allows (UniMax, Chung et al., 2304.09151, algorithm 1)

    From the smallest source up, each gets its even part of what is left, or all the epochs it is allowed.
    """

    kind = "unimax"
    needs = Needs(sizes=True)

    def _stages(self, evidence: Evidence) -> Stages:
        """Raises UserError where the sources together cannot fill the run, unless that is only warned of.

        And where nobody knows how long the run is, as without its tokens there are no epochs.
        """
        if not evidence.tokens:
            raise UserError("unimax: goes by the epochs of the run that it proposes for, whose tokens are not given.")
        sizes, left = evidence.sizes, float(evidence.tokens)
        most = evidence.max_epochs * sum(sizes.values())
        if left > most:
            problem = (
                f"unimax: {left:,.0f} tokens wanted, but {evidence.max_epochs:g} epochs of all sources are {most:,.0f}."
            )
            if evidence.strict:
                raise UserError(problem)
            logging.warning("%s Each source is repeated as often as the others.", problem)
            return [(1.0, Mixture(dict(sizes)))]
        allotted: dict[str, float] = {}
        for number, source in enumerate(sorted(sizes, key=lambda name: sizes[name])):
            allotted[source] = min(left / (len(sizes) - number), evidence.max_epochs * sizes[source])
            left -= allotted[source]
        return [(1.0, Mixture({source: allotted[source] for source in sizes}))]


class Point(Fixed):
    """one point of a design: points, as of `swarms.{name}.points`; number, counted from 0"""

    kind = "point"
    forms: ClassVar[Mapping[str, Form]] = {"points": MAPPING, "number": NUMBER}
    needs = Needs(sizes=True)

    def _stages(self, evidence: Evidence) -> Stages:
        return [(1.0, points(self.settings["points"], self.sources, evidence)[self.settings["number"]])]


METHODS = {
    method.kind: method for method in (Point, Given, Without, Only, Stratified, Proportional, Temperature, UniMax)
}
