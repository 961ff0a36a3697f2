"""A mixture: a weight per source, on the simplex, keyed by source name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.fields import TEXT, WEIGHT, Form, checked, is_number
from emulsion.files import read_json


class Mixture(Mapping[str, float]):
    """An immutable, ordered mapping source -> weight. Weights are shares of tokens and sum to 1.

    >>> Mixture({"a": 3, "b": 1})["a"]
    0.75

    Raises UserError where a weight is negative or not finite, or where no weight is positive.
    """

    __slots__ = ("_weights",)

    def __init__(self, weights: Mapping[str, float], where: str = "mixture") -> None:
        for source, weight in weights.items():
            if not is_number(weight):
                raise UserError(f"{where}.{source}: the weight {weight!r:.40} is not a finite number.")
            if weight < 0:
                raise UserError(f"{where}.{source}: the weight {weight} is negative; weights are 0 or more.")
        try:
            total = math.fsum(weights.values())
        except OverflowError:
            total = math.inf
        if total == math.inf:
            raise UserError(f"{where}: the weights {dict(weights)} are too large to be added; write shares of 1.")
        if not total:
            raise UserError(f"{where}: the weights {dict(weights)} sum to {total}; at least one must be positive.")
        self._weights = {source: float(weight) / total for source, weight in weights.items()}

    def __getitem__(self, source: str) -> float:
        return self._weights[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    def __hash__(self) -> int:
        return hash(frozenset(self._weights.items()))

    def __repr__(self) -> str:
        return f"Mixture({{{', '.join(f'{s!r}: {w:.6g}' for s, w in self.items())}}})"

    @classmethod
    def uniform(cls, sources: list[str]) -> Mixture:
        """The same weight for every source."""
        return cls(dict.fromkeys(sources, 1.0))

    @property
    def support(self) -> list[str]:
        """The sources of positive weight, in order."""
        return [source for source, weight in self.items() if weight > 0]

    def over(self, sources: list[str]) -> Mixture:
        """The same weights in the order of `sources`; sources the mixture does not name weigh 0."""
        known = set(sources)
        missing = [source for source in self.support if source not in known]
        if missing:
            raise UserError(f"mixture: names sources {missing} that are not among {sources}.")
        return Mixture({source: self.get(source, 0.0) for source in sources})

    def without(self, source: str) -> Mixture:
        """The mixture with one source left out and the rest rescaled in proportion."""
        return Mixture({name: 0.0 if name == source else weight for name, weight in self.items()})


def stages_of(schedule: Sequence[Mapping[str, Any]]) -> list[tuple[float, Mixture]]:
    """(until, mixture) of each stage, as a mixture file, a run's record and a strategy have them.

    schedule: [{"until": share of the run, "weights": {source: weight}}]
    """
    return [(stage["until"], Mixture(stage["weights"])) for stage in schedule]


def mean_of_stages(stages: Sequence[tuple[float, Mixture]]) -> Mixture:
    """The mean mixture of a schedule of (until, mixture), each stage by its share of the run."""
    starts = [0.0, *(until for until, _ in stages[:-1])]
    sources = dict.fromkeys(source for _, mixture in stages for source in mixture)
    parts = [(until - start, mixture) for start, (until, mixture) in zip(starts, stages, strict=True)]
    means = {source: math.fsum(share * mixture.get(source, 0.0) for share, mixture in parts) for source in sources}
    return Mixture(means)


def mixture_file(
    experiment: str,
    name: str,
    method: str,
    stages: Sequence[tuple[float, Mixture]],
    needed: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The content of a mixture file: what is trained on, and the kind of method that decided it.

    stages: (until, mixture) in order of time, `until` being a share of the run, the last one 1
    needed: what was trained and read to decide it (`training.costs`), left out where that is nothing
    """
    schedule = [{"until": until, "weights": dict(mixture)} for until, mixture in stages]
    content = {"experiment": experiment, "name": name, "method": method, "schedule": schedule}
    return {**content, "needed": list(needed)} if needed else content


def _are_costs(value: Any) -> bool:
    keys = {"what", "runs", "tokens", "evaluation_tokens"}
    return isinstance(value, list) and all(isinstance(each, Mapping) and keys <= set(each) for each in value)


FILE: Mapping[str, Form] = {
    "experiment": TEXT,
    "name": TEXT,
    "method": TEXT,
    "schedule": ("a list of stages", lambda value: isinstance(value, list) and bool(value)),
    "needed": ("a list of costs", _are_costs),
}
STAGE: Mapping[str, Form] = {
    "until": WEIGHT,
    "weights": ("a mapping by source", lambda value: isinstance(value, Mapping)),
}


def read_mixture(file: Path) -> dict[str, Any]:
    """The content of a mixture file, as `mixture_file` makes it; a person who writes one may leave `method` out.

    Raises UserError where it is of another form: else a run of hours might end by what its record lacks.
    """
    content = checked(read_json(file), FILE, ("experiment", "name", "schedule"), str(file))
    for number, stage in enumerate(content["schedule"]):
        where = f"{file}: schedule[{number}]"
        Mixture(checked(stage, STAGE, tuple(STAGE), where)["weights"], f"{where}.weights")
    return content
