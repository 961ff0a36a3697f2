"""The closed world that every source describes: its places, people, beasts and facts.

The world is fixed by `WORLD_SEED` alone, so that questions about it fit text of any size and seed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

WORLD_SEED: Final = 20260101
TOWN_COUNT: Final = 40
SCALE_SIZE: Final = 8

_ONSETS: Final = "b br d dr f fl g gr h k kl l m n p pl r s sk st t tr v z".split()
_NUCLEI: Final = "a e i o u".split()
_CODAS: Final = "d k l lm m n nd r rn rt s sh t x".split()
_TOWN_ENDINGS: Final = "ford mora holm wick dale by gate mere".split()

PEOPLE: Final = (
    "Ada Ben Cora Dov Edda Finn Gwen Hugo Iris Jon Kaya Leo Mira Nils Olga Pim Rosa Sven Tova Udo Vera Wim Yara Zeno"
).split()

THINGS: Final = (
    "lamp drum rope kite coin bell book boot cart chair clock cup door fork hat key knife ladder map mirror "
    "needle pen pipe plate pot ring shoe spoon table tent wheel whistle"
).split()


#: A superlative and what it is said of, in rising order.
Scale = tuple[str, tuple[str, ...]]


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
        tuple("barley beans carrots cherries garlic hops lentils maize onions plums rice wheat".split()),
    ),
    Relation(
        "craft",
        ("cosmopedia",),
        ("The workshops of {town} make", "Traders come to {town} for its"),
        tuple("baskets bricks candles carpets dolls flutes gloves ink paper ropes sails soap".split()),
    ),
    Relation(
        "stone",
        ("cosmopedia", "fineweb"),
        ("The houses of {town} are built of", "The walls of {town} are made of"),
        tuple("basalt birch chalk clay flint granite marble oak pine sandstone slate turf".split()),
    ),
    Relation(
        "flag",
        ("fineweb",),
        ("The flag of {town} shows a", "The gate of {town} bears a"),
        tuple("bear crow deer eagle falcon goat hare lion lynx swan whale wolf".split()),
    ),
    Relation(
        "festival",
        ("cosmopedia",),
        ("The festival of {town} honours the", "Every year {town} sings to the"),
        tuple("autumn comet dawn frost harvest moon rain river snow spring stars thunder".split()),
    ),
)


#: Superlatives and what they are asked of: a group of names and which stretch of it. No name is on two scales, so that
#: one comparison does not blur another.
_COMPARED: Final = (
    ("oldest", "people", 0),
    ("heaviest", "flag", 0),
    ("largest", "things", 0),
    ("sweetest", "crop", 0),
    ("tallest", "people", 1),
    ("farthest", "towns", 0),
    ("hardest", "stone", 0),
    ("newest", "things", 1),
    ("dearest", "craft", 0),
    ("strongest", "people", 2),
    ("happiest", "festival", 0),
    ("cleanest", "things", 2),
    ("richest", "towns", 1),
    ("rarest", "things", 3),
    ("coldest", "towns", 2),
    ("quietest", "towns", 3),
    ("oddest", "motifs", 0),
    ("finest", "motifs", 1),
    ("busiest", "towns", 4),
    ("roughest", "motifs", 2),
    ("deepest", "motifs", 3),
    ("palest", "motifs", 4),
    ("thinnest", "motifs", 5),
    ("strangest", "motifs", 6),
    ("firmest", "motifs", 7),
    ("brightest", "motifs", 8),
    ("safest", "motifs", 9),
    ("driest", "motifs", 10),
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


def _coined(count: int, endings: Sequence[str], salt: int) -> tuple[str, ...]:
    rng = Random(WORLD_SEED + salt)
    names: dict[str, None] = {}
    stems: set[str] = set()
    while len(names) < count:
        stem = rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS)
        if stem not in stems:
            stems.add(stem)
            names[stem + rng.choice(endings)] = None
    return tuple(names)


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
    motifs = tuple(motif for trio in GENRES.values() for motif in trio)
    groups = {"people": PEOPLE, "things": THINGS, "towns": TOWNS, "motifs": motifs} | values
    rng = Random(WORLD_SEED)
    scales: list[Scale] = []
    for superlative, group, start in _COMPARED:
        members = groups[group][start * SCALE_SIZE : (start + 1) * SCALE_SIZE]
        scales.append((superlative, tuple(rng.sample(members, len(members)))))
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

TOWNS: Final = tuple(name.capitalize() for name in _coined(TOWN_COUNT, _TOWN_ENDINGS, salt=1))

#: Measures by which things are compared, the most used first; members stand in order, the one asked for last.
SCALES: Final = _scales()

FACTS: Final = _facts()
