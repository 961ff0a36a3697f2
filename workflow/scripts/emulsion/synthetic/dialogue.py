"""Conversation: greet people by name and ask about what they care for. The topics are their pastimes."""

from random import Random
from typing import Final

from .chat import Turns, dialogue_prompt
from .curriculum import ZIPF_EXPONENT
from .draws import Uniform, held_out, wheel, zipf
from .items import Question, neighbours
from .world import PEOPLE

#: What people say they do, and what one then asks about, the most popular pastime first.
PASTIMES: Final = (
    ("keep bees", "honey"),
    ("bake bread", "dough"),
    ("ride horses", "saddle"),
    ("play chess", "rook"),
    ("catch fish", "bait"),
    ("knit socks", "wool"),
    ("paint walls", "brush"),
    ("watch birds", "nest"),
    ("mend cars", "engine"),
    ("climb trees", "branch"),
    ("brew tea", "kettle"),
    ("fly planes", "cockpit"),
    ("study stars", "telescope"),
    ("run races", "medal"),
    ("carve wood", "chisel"),
    ("raise sheep", "lamb"),
    ("write poems", "rhyme"),
    ("sing songs", "choir"),
    ("press wine", "grape"),
    ("row boats", "oar"),
    ("sew coats", "thread"),
    ("collect stamps", "album"),
    ("film weddings", "camera"),
    ("fix teeth", "drill"),
    ("dance tango", "partner"),
    ("grow tulips", "bulb"),
    ("make cheese", "milk"),
    ("blow glass", "furnace"),
    ("train dogs", "leash"),
    ("shoot arrows", "target"),
    ("deliver mail", "parcel"),
    ("plan gardens", "hedge"),
)

_OPENINGS: Final = ("I am {name} and I {does}.", "My name is {name}. I {does}.")
#: One item in so many asks to recall: all at once learned, recall would make the score jump.
_RECALLS: Final = 8

_RECALL: Final = ("Who am I?", "What do I do?")


def _opening(pastime: int, person: int, wording: int) -> str:
    return _OPENINGS[wording].format(name=PEOPLE[person], does=PASTIMES[pastime][0])


def _reply(pastime: int, person: int) -> str:
    return f"How is the {PASTIMES[pastime][1]}, {PEOPLE[person]}?"


def _recalled(person: int) -> str:
    return f"You are {PEOPLE[person]}."


def _taught(pastime: int) -> list[Turns]:
    lessons: list[Turns] = []
    for person in range(len(PEOPLE)):
        if held_out(2, pastime, person):
            continue
        recalled = (_recalled(person), f"You {PASTIMES[pastime][0]}, {PEOPLE[person]}.")
        for wording in range(len(_OPENINGS)):
            greeting = (_opening(pastime, person, wording), _reply(pastime, person))
            lessons.append((greeting,))
            lessons.append((greeting, (_RECALL[wording], recalled[wording])))
    return lessons


_TAUGHT: Final = wheel(
    [_taught(pastime) for pastime in range(len(PASTIMES))], zipf(len(PASTIMES), ZIPF_EXPONENT["conversation"])
)


def lesson(uniform: Uniform) -> Turns:
    """A greeting answered by name and to the point, sometimes with a question that looks back."""
    pastime = _TAUGHT[int(uniform() * len(_TAUGHT))]
    return pastime[int(uniform() * len(pastime))]


def _recall_item(opening: Turns, person: int, rng: Random) -> Question:
    strangers = rng.sample([other for other in range(len(PEOPLE)) if other != person], 3)
    return Question(
        prompt=dialogue_prompt(opening, _RECALL[0]),
        right=f" {_recalled(person)}",
        wrong=tuple(f" {_recalled(stranger)}" for stranger in strangers),
    )


def item(index: int, rng: Random) -> Question:
    """A greeting by someone never heard with this pastime.

    Most are to be answered to the point; some ask for the name given in the turn before.
    """
    pastime = index % len(PASTIMES)
    person = rng.choice([person for person in range(len(PEOPLE)) if held_out(2, pastime, person)])
    human = _opening(pastime, person, rng.randrange(len(_OPENINGS)))
    if (index + index // len(PASTIMES)) % _RECALLS == 0:
        return _recall_item(((human, _reply(pastime, person)),), person, rng)
    beside = rng.sample(neighbours(pastime, len(PASTIMES)), 3)
    return Question(
        prompt=dialogue_prompt((), human),
        right=f" {_reply(pastime, person)}",
        wrong=tuple(f" {_reply(other, person)}" for other in beside),
    )
