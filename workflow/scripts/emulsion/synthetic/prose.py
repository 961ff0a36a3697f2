"""What the prose sources tell: facts of the towns of the world, and short scenes of stories.

The topics of knowledge are the towns, those of creativity the genres; the best known stand first.
"""

from typing import Final

from .curriculum import SOURCES, ZIPF_EXPONENT
from .draws import Uniform, pick, wheel, zipf
from .world import FACTS, GENRES, PEOPLE, TOWN_COUNT, Fact

#: Genres by who tells them: by position, so that both owners have known and little-known ones.
_OWNERS: Final = (("fineweb",), ("cosmopedia",), ("fineweb",), ("fineweb", "cosmopedia"))

_DEEDS: Final = (
    "calls",
    "chases",
    "finds",
    "follows",
    "greets",
    "hides",
    "hugs",
    "meets",
    "paints",
    "saves",
    "sees",
    "teases",
)
_PLACINGS: Final = ("near", "behind", "beside", "without")


def fact_sentence(source: str, uniform: Uniform) -> str:
    """One fact that this source tells."""
    wheel_of_towns = _FACTS_TOLD[source]
    town = wheel_of_towns[int(uniform() * len(wheel_of_towns))]
    return town[int(uniform() * len(town))]


def story_opening(genre: str, name: str) -> str:
    return f"{name} told a tale of the {genre}. The"


def story(source: str, uniform: Uniform) -> str:
    """A short scene in a genre that this source tells."""
    genre, motifs = pick(_GENRES_TOLD[source], uniform)
    first = int(uniform() * 3)
    second = (first + 1 + int(uniform() * 2)) % 3
    name, deed, placing = pick(PEOPLE, uniform), pick(_DEEDS, uniform), pick(_PLACINGS, uniform)
    return f"{story_opening(genre, name)} {motifs[first]} {deed} {name} {placing} the {motifs[second]}."


def _sentences(fact: Fact) -> list[str]:
    return [f"{fact.statement(phrasing)} {fact.value}." for phrasing in range(len(fact.relation.phrasings))]


def _facts_told_by(source: str) -> list[list[str]]:
    towns: list[list[str]] = [[] for _ in range(TOWN_COUNT)]
    for fact in FACTS:
        if source in fact.relation.owners:
            towns[fact.town].extend(_sentences(fact))
    return wheel(towns, zipf(TOWN_COUNT, ZIPF_EXPONENT["factual_knowledge"]))


def _genres_told_by(source: str) -> list[tuple[str, tuple[str, str, str]]]:
    owned = [genre for index, genre in enumerate(GENRES.items()) if source in _OWNERS[index % len(_OWNERS)]]
    return wheel(owned, zipf(len(owned), ZIPF_EXPONENT["creativity"])) if owned else []


_FACTS_TOLD: Final = {source: _facts_told_by(source) for source in SOURCES}
_GENRES_TOLD: Final = {source: _genres_told_by(source) for source in SOURCES}
