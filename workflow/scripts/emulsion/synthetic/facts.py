"""Factual knowledge: what is so in the towns of the world. The topics are the towns, the best known first."""

from random import Random
from typing import Final

from .curriculum import SOURCES, ZIPF_EXPONENT
from .draws import Uniform, wheel, zipf
from .items import Question
from .world import FACTS, TOWN_COUNT, Fact

#: Prime to the number of facts, so that a suite of any size spreads over all relations and towns.
_STRIDE: Final = 37


def _sentences(fact: Fact) -> list[str]:
    return [f"{fact.statement(phrasing)} {fact.value}." for phrasing in range(len(fact.relation.phrasings))]


def _told_by(source: str) -> list[list[str]]:
    towns: list[list[str]] = [[] for _ in range(TOWN_COUNT)]
    for fact in FACTS:
        if source in fact.relation.owners:
            towns[fact.town].extend(_sentences(fact))
    return wheel(towns, zipf(TOWN_COUNT, ZIPF_EXPONENT["factual_knowledge"]))


_TOLD: Final = {source: _told_by(source) for source in SOURCES}


def sentence(source: str, uniform: Uniform) -> str:
    """One fact that this source tells."""
    wheel_of_towns = _TOLD[source]
    town = wheel_of_towns[int(uniform() * len(wheel_of_towns))]
    return town[int(uniform() * len(town))]


def item(index: int, rng: Random) -> Question:
    """A fact to complete; the wrong answers are what is so in other towns."""
    fact = FACTS[index * _STRIDE % len(FACTS)]
    wrong = rng.sample([value for value in fact.relation.values if value != fact.value], 3)
    return Question(
        prompt=fact.statement(rng.randrange(len(fact.relation.phrasings))),
        right=f" {fact.value}.",
        wrong=tuple(f" {value}." for value in wrong),
    )
