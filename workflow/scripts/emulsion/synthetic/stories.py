"""Creativity: carry a story on with what belongs in it, not in circles. The topics are the genres."""

from random import Random
from typing import Final

from .curriculum import SOURCES, ZIPF_EXPONENT
from .draws import Uniform, pick, wheel, zipf
from .items import Task
from .world import GENRES, PEOPLE

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


def _owners(genre: int) -> tuple[str, ...]:
    return _OWNERS[genre % len(_OWNERS)]


def _told_by(source: str) -> list[tuple[str, tuple[str, str, str]]]:
    told = [genre for index, genre in enumerate(GENRES.items()) if source in _owners(index)]
    return wheel(told, zipf(len(told), ZIPF_EXPONENT["creativity"])) if told else []


_TOLD: Final = {source: _told_by(source) for source in SOURCES}


def _opening(genre: str, name: str) -> str:
    return f"{name} told a tale of the {genre}. The"


def story(source: str, uniform: Uniform) -> str:
    """A short scene in a genre that this source tells."""
    genre, motifs = pick(_TOLD[source], uniform)
    first = int(uniform() * 3)
    second = (first + 1 + int(uniform() * 2)) % 3
    name, deed, placing = pick(PEOPLE, uniform), pick(_DEEDS, uniform), pick(_PLACINGS, uniform)
    return f"{_opening(genre, name)} {motifs[first]} {deed} {name} {placing} the {motifs[second]}."


def item(index: int, rng: Random) -> Task:
    """An opening to carry on with something of its genre, and without going in circles."""
    genre = list(GENRES)[index % len(GENRES)]
    motifs = [{"contains": motif} for motif in GENRES[genre]]
    return Task(
        prompt=_opening(genre, rng.choice(PEOPLE)),
        checks=({"any": motifs}, {"distinct": 0.6}),
        max_new_tokens=24,
    )
