"""The closed world that every source describes: its places, people, beasts and facts.

The world is fixed by `WORLD_SEED` alone, so that questions about it fit text of any size and seed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

WORLD_SEED: Final = 20260101
TOWN_COUNT: Final = 28
SCALE_SIZE: Final = 8


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_ONSETS: Final = _words("b br d dr f fl g gr h k kl l m n p pl r s sk st t tr v z")
_NUCLEI: Final = _words("a e i o u")
_CODAS: Final = _words("d k l lm m n nd r rn rt s sh t x")
_TOWN_ENDINGS: Final = _words("ford mora holm wick dale by gate mere")

PEOPLE: Final = (
    *_words("Ada Ben Cora Dov Edda Finn Gwen Hugo Iris Jon Kaya Leo"),
    *_words("Mira Nils Olga Pim Rosa Sven Tova Udo Vera Wim Yara Zeno"),
)

THINGS: Final = _words(
    "lamp drum rope kite coin bell book boot cart chair clock cup door fork hat key knife ladder map mirror "
    "needle pen pipe plate pot ring shoe spoon table tent wheel whistle"
)


#: The superlatives of the two ends of an order, the upper one first, and its members in rising order.
Scale = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True)
class Relation:
    """One kind of fact about a town: who tells it, in which words, and what it may be."""

    name: str
    owners: tuple[str, ...]
    phrasings: tuple[str, ...]
    values: tuple[str, ...]


RELATIONS: Final = (
    Relation(
        "crop",
        ("cosmopedia",),
        ("The farmers of {town} grow", "The main crop of {town} is"),
        _words("barley beans carrots cherries garlic hops lentils maize onions plums rice wheat"),
    ),
    Relation(
        "craft",
        ("cosmopedia",),
        ("The workshops of {town} make", "Traders come to {town} for its"),
        _words("baskets bricks candles carpets dolls flutes gloves ink paper ropes sails soap"),
    ),
    Relation(
        "stone",
        ("cosmopedia", "fineweb"),
        ("The houses of {town} are built of", "The walls of {town} are made of"),
        _words("basalt birch chalk clay flint granite marble oak pine sandstone slate turf"),
    ),
    Relation(
        "flag",
        ("fineweb",),
        ("The flag of {town} shows a", "The gate of {town} bears a"),
        _words("bear crow deer moose falcon goat hare lion lynx swan whale wolf"),
    ),
    Relation(
        "festival",
        ("cosmopedia",),
        ("The festival of {town} honours the", "Every year {town} sings to the"),
        _words("autumn comet dawn frost harvest moon rain river snow spring stars thunder"),
    ),
)


#: Opposite superlatives and what they are asked of, a group of names and which stretch of it; the most used
#: first. No name is in two stretches, so that one comparison does not blur another.
_COMPARED: Final = (
    ("oldest", "youngest", "people", 0),
    ("heaviest", "lightest", "flag", 0),
    ("largest", "smallest", "things", 0),
    ("sweetest", "sourest", "crop", 0),
    ("tallest", "shortest", "people", 1),
    ("farthest", "nearest", "towns", 0),
    ("hardest", "softest", "stone", 0),
    ("fanciest", "plainest", "things", 1),
    ("dearest", "cheapest", "craft", 0),
    ("strongest", "weakest", "people", 2),
    ("happiest", "saddest", "festival", 0),
    ("cleanest", "dirtiest", "things", 2),
)


@dataclass(frozen=True)
class Fact:
    """One true statement of the world; `town` is the rank of the town, the best known first."""

    town: int
    relation: Relation
    value: str

    def statement(self, phrasing: int) -> str:
        """The words that lead to the value, without it."""
        return self.relation.phrasings[phrasing].format(town=TOWNS[self.town])


def _towns() -> tuple[str, ...]:
    """Coined names of the towns, no two with one stem."""
    rng = Random(WORLD_SEED + 1)  # facts are drawn by the seed itself
    endings: dict[str, str] = {}
    while len(endings) < TOWN_COUNT:
        stem = rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
        if stem not in endings:
            endings[stem] = rng.choice(_TOWN_ENDINGS)
    return tuple((stem + ending).capitalize() for stem, ending in endings.items())


def _facts() -> tuple[Fact, ...]:
    rng = Random(WORLD_SEED)
    facts: list[Fact] = []
    for relation in RELATIONS:
        repeats = -(-TOWN_COUNT // len(relation.values))
        values = list(relation.values) * repeats
        rng.shuffle(values)
        facts.extend(Fact(town, relation, values[town]) for town in range(TOWN_COUNT))
    return tuple(facts)


def _scales() -> tuple[Scale, ...]:
    values = {relation.name: relation.values for relation in RELATIONS}
    groups = {"people": PEOPLE, "things": THINGS, "towns": TOWNS} | values
    rng = Random(WORLD_SEED)
    scales: list[Scale] = []
    for most, least, group, stretch in _COMPARED:
        members = groups[group][stretch * SCALE_SIZE : (stretch + 1) * SCALE_SIZE]
        scales.append((most, least, tuple(rng.sample(members, len(members)))))
    return tuple(scales)


#: Kinds of story and the things that belong in them, the most told first; no word belongs to two kinds.
GENRES: Final[Mapping[str, tuple[str, str, str]]] = {
    "harbour": ("anchor", "gull", "tide"),
    "forest": ("owl", "moss", "acorn"),
    "castle": ("queen", "crown", "tower"),
    "desert": ("camel", "dune", "cactus"),
    "kitchen": ("cook", "oven", "soup"),
    "circus": ("clown", "juggler", "popcorn"),
    "mountain": ("cliff", "summit", "ibex"),
    "school": ("teacher", "pupil", "chalk"),
    "swamp": ("frog", "mud", "leech"),
    "theatre": ("actor", "curtain", "mask"),
    "mine": ("miner", "tunnel", "gem"),
    "garden": ("rose", "bee", "fountain"),
    "railway": ("train", "guard", "signal"),
    "island": ("parrot", "palm", "lagoon"),
    "library": ("scroll", "shelf", "page"),
    "glacier": ("seal", "sled", "icicle"),
    "market": ("merchant", "melon", "spice"),
    "orchestra": ("violin", "flute", "trumpet"),
    "farm": ("tractor", "hen", "plough"),
    "cave": ("bat", "torch", "echo"),
    "moon": ("rocket", "crater", "suit"),
    "temple": ("monk", "gong", "shrine"),
    "airport": ("pilot", "runway", "plane"),
    "clinic": ("nurse", "fever", "pill"),
    "court": ("judge", "thief", "oath"),
    "river": ("raft", "otter", "dam"),
    "bakery": ("dough", "bun", "flour"),
    "stable": ("pony", "hay", "saddle"),
}

TOWNS: Final = _towns()

#: Orders by which names are compared, the most used first.
SCALES: Final = _scales()

FACTS: Final = _facts()
