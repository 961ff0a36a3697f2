"""Published recipes: which sources a model was trained on, in which stages, at which weights.

A recipe is one stage: a YAML file as `resources/recipes/smollm3/stage1.yaml`. Several make a schedule, in which the
sources of all stages are known from the start, so that a source continues in the next stage where it stopped.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.errors import UserError
from emulsion.fields import TEXT, TEXTS, WEIGHT, WHOLE, Form, checked, entries, read_yaml
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan
from emulsion.schedule import Schedule

# How well the id and config of a source are known; the first two words only name a set that it was taken from, or none.
NOT_LOADABLE = ("unknown", "parent")
EVIDENCE = (*NOT_LOADABLE, "guess", "name", "linked")

STAGE_FIELDS: Mapping[str, Form] = {
    "stage": WHOLE,
    "title": TEXT,
    "first_step": WHOLE,
    "last_step": WHOLE,
    "tokens": WHOLE,
    "sources": ("a list", lambda value: True),
}
SOURCE_FIELDS: Mapping[str, Form] = {
    "name": ("lower-case letters, digits and _", lambda name: bool(re.fullmatch(r"[a-z][a-z0-9_]*", str(name)))),
    "weight": WEIGHT,
    "class": TEXT,
    "nanotron": TEXT,
    "id": TEXT,
    "config": TEXT,
    "evidence": (f"one of {', '.join(EVIDENCE)}", lambda value: value in EVIDENCE),
    "note": TEXT,
    "files": TEXTS,
    "split": TEXT,
    "revision": TEXT,
    "text_field": TEXT,
}


@dataclass(frozen=True)
class RecipeSource:
    """A source of a recipe. weight: as published, before it is normalised; group: its `class`.

    files, split, revision, text_field: where a copy of the recipe says what to read in the place of the hub id.
    """

    name: str
    weight: float
    group: str
    nanotron: str | None = None
    id: str | None = None
    config: str | None = None
    evidence: str = "unknown"
    note: str | None = None
    files: tuple[str, ...] = ()
    split: str = "train"
    revision: str | None = None
    text_field: str = "text"


@dataclass(frozen=True)
class Recipe:
    """One stage. tokens: its length, None where it is not said."""

    path: str
    sources: tuple[RecipeSource, ...]
    stage: int | None = None
    title: str | None = None
    first_step: int | None = None
    last_step: int | None = None
    tokens: int | None = None

    @property
    def weights(self) -> dict[str, float]:
        """{source: weight as published}."""
        return {source.name: source.weight for source in self.sources}

    @property
    def mixture(self) -> Mixture:
        return Mixture(self.weights, self.path)

    @property
    def classes(self) -> dict[str, str]:
        """{source: class}."""
        return {source.name: source.group for source in self.sources}

    @property
    def note(self) -> str | None:
        """What normalising did to the weights; None where they sum to one."""
        return normalising_note(self.weights)

    def class_totals(self) -> dict[str, float]:
        """{class: share of the stage}, in the order of first appearance; they sum to one."""
        return class_totals(self.mixture, self.classes)


def normalising_note(weights: Mapping[str, float]) -> str | None:
    total = math.fsum(weights.values())
    return (
        None if math.isclose(total, 1, abs_tol=1e-9) else f"The weights sum to {total:.6g}; each was divided by that."
    )


def class_totals(shares: Mapping[str, float], classes: Mapping[str, str]) -> dict[str, float]:
    """{class: sum of the shares of its sources}, in the order of first appearance."""
    parts: dict[str, list[float]] = {}
    for source, share in shares.items():
        parts.setdefault(classes[source], []).append(share)
    return {group: math.fsum(values) for group, values in parts.items()}


def load_recipe(path: Path | str) -> Recipe:
    """Read a recipe; raises UserError for what is unknown, missing, twice there or of the wrong form."""
    values = checked(read_yaml(Path(path)), STAGE_FIELDS, ("sources",), str(path))
    listed = entries(values.pop("sources"), f"{path}: sources")
    sources = tuple(_source(entry, f"{path}: sources[{place}]") for place, entry in enumerate(listed))
    names = [source.name for source in sources]
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UserError(f"{path}: sources[{place}].name: '{name}' is there already, sources[{names.index(name)}].")
    recipe = Recipe(str(path), sources, **values)
    if not any(recipe.weights.values()):
        raise UserError(f"{path}: every weight is 0; at least one must be positive.")
    return recipe


def _source(entry: Any, where: str) -> RecipeSource:
    label = f"{where} ({entry['name']})" if isinstance(entry, Mapping) and "name" in entry else where
    values = checked(entry, SOURCE_FIELDS, ("name", "weight", "class"), label)
    values["group"] = values.pop("class")
    values["files"] = tuple(values.get("files", ()))
    return RecipeSource(**values)


def staged(recipes: Sequence[Recipe]) -> list[dict[str, Any]]:
    """The recipes one after another, as stages [{"until": share of the run, "weights": {source: share}}].

    Every stage names the sources of all, in the order of first appearance; those it does not have weigh 0. The stages
    are as long as their tokens. Raises UserError where a recipe does not say how many.
    """
    for recipe in recipes:
        if recipe.tokens is None:
            raise UserError(f"{recipe.path}.tokens: is missing; a stage of a schedule needs its length.")
    names = list(dict.fromkeys(name for recipe in recipes for name in recipe.weights))
    ends = list(itertools.accumulate(recipe.tokens or 0 for recipe in recipes))
    return [
        {"until": end / ends[-1], "weights": dict(recipe.mixture.over(names))}
        for end, recipe in zip(ends, recipes, strict=True)
    ]


@dataclass(frozen=True)
class Realised:
    """What a stage of a run draws of a source. target: its share of the stage; due and drawn: sequences."""

    stage: int
    source: str
    target: float
    due: float
    drawn: int
    share: float


def realised(stages: Sequence[Mapping[str, Any]], sequences: int) -> Iterator[Realised]:
    """What a run of `sequences` draws in every stage, counted from 1, of every source, by the plan of training.

    In a stage of n sequences a share is off by less than 2 / n: the plan keeps every source within one sequence of
    what it is due from the start of the run on.
    """
    schedule = Schedule.from_json(stages, sequences)
    names = list(stages[0]["weights"])
    plan = SequencePlan(dict.fromkeys(names, 1), schedule)
    starts = [stage.start for stage in schedule.stages]
    for number, (start, end) in enumerate(itertools.pairwise([*starts, sequences])):
        mixture, drawn = schedule.stages[number].mixture, plan.counts(end) - plan.counts(start)
        for name, count in zip(names, drawn.tolist(), strict=True):
            target, length = mixture[name], end - start
            yield Realised(number + 1, name, target, target * length, count, count / length)


def tiny_shares(mixture: Mixture, sequences: int) -> dict[str, float]:
    """{source: sequences due} of the sources that a run of `sequences` owes less than one, the smallest first."""
    due = {source: mixture[source] * sequences for source in mixture.support}
    return dict(sorted(((source, count) for source, count in due.items() if count < 1), key=lambda pair: pair[1]))


def least_sequences(mixture: Mixture) -> int:
    """How many sequences it takes until every source is due one."""
    return math.ceil(1 / min(mixture[source] for source in mixture.support) - 1e-9)
