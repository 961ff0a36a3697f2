"""What each source teaches: the one table of the embedded corpus.

Everything that decides which mixture is best stands in this file; the other modules only put it into words.
"""

from collections.abc import Mapping
from typing import Final

CAPABILITIES: Final = (
    "instruction_following",
    "factual_knowledge",
    "reasoning",
    "conversation",
    "creativity",
)

SOURCES: Final = ("openhermes", "cosmopedia", "magpie", "fineweb")

#: Share of a source's lessons that teach each capability; every row sums to 1. A lesson is a sentence of
#: knowledge, one exchange of a chat, or one short scene of a story.
TEACHES: Final[Mapping[str, Mapping[str, float]]] = {
    "openhermes": {
        "instruction_following": 0.62,
        "factual_knowledge": 0.00,
        "reasoning": 0.35,
        "conversation": 0.03,
        "creativity": 0.00,
    },
    "cosmopedia": {
        "instruction_following": 0.00,
        "factual_knowledge": 0.85,
        "reasoning": 0.00,
        "conversation": 0.00,
        "creativity": 0.15,
    },
    "magpie": {
        "instruction_following": 0.02,
        "factual_knowledge": 0.00,
        "reasoning": 0.48,
        "conversation": 0.50,
        "creativity": 0.00,
    },
    "fineweb": {
        "instruction_following": 0.00,
        "factual_knowledge": 0.50,
        "reasoning": 0.00,
        "conversation": 0.00,
        "creativity": 0.50,
    },
}

#: The capability that suffers most when the source is left out.
PRIMARY: Final[Mapping[str, str]] = {
    "openhermes": "instruction_following",
    "cosmopedia": "factual_knowledge",
    "magpie": "conversation",
    "fineweb": "creativity",
}

#: Zipf exponent of each capability's topics: the k-th topic is ``k ** -exponent`` as common as the first. The
#: spread is what grades the score: a larger share of tokens carries the model further down the tail.
ZIPF_EXPONENT: Final[Mapping[str, float]] = {
    "instruction_following": 0.6,
    "factual_knowledge": 0.7,
    "reasoning": 1.0,
    "conversation": 1.0,
    "creativity": 0.7,
}

#: Fewest and most lessons in a document of each source.
LESSONS_PER_DOCUMENT: Final[Mapping[str, tuple[int, int]]] = {
    "openhermes": (3, 7),
    "cosmopedia": (4, 12),
    "magpie": (2, 6),
    "fineweb": (3, 9),
}
