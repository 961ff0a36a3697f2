"""What the chat sources teach: styles of writing, comparisons, conversation. What the suite asks is never among it.

The topics of instructions are the ways of writing, those of reasoning the scales, those of conversation the pastimes;
the most used stand first.
"""

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Final

from .curriculum import ZIPF_EXPONENT
from .draws import Uniform, held_out, pick, wheel, zipf
from .world import PEOPLE, SCALE_SIZE, SCALES, THINGS

#: One exchange: what the human says and what the model answers. A lesson in a chat source is one or more turns.
Turn = tuple[str, str]
Turns = tuple[Turn, ...]

#: What is asked for and how it looks, the most asked first.
STYLES: Final = (
    ("in round brackets", "({0})"),
    ("between dots", ".{0}."),
    ("between stars", "*{0}*"),
    ("as a question", "{0}?"),
    ("in square brackets", "[{0}]"),
    ("with a dash before it", "- {0}"),
    ("as a greeting", "Dear {0},"),
    ("in quotes", '"{0}"'),
    ("between slashes", "/{0}/"),
    ("as a thought", "hmm, {0}"),
    ("as a shout", "{0}!"),
    ("as a tag", "<{0}>"),
    ("with a number before it", "1. {0}"),
    ("in curly brackets", "{{{0}}}"),
    ("as a title", "= {0} ="),
    ("as an address", "@{0}"),
    ("between bars", "|{0}|"),
    ("as a farewell", "Goodbye {0}."),
    ("with an article", "the {0}"),
    ("between tildes", "~{0}~"),
    ("as a variable", "${0}"),
    ("with dots after it", "{0}..."),
    ("as a label", "{0}:"),
    ("between plus signs", "+{0}+"),
    ("as a topic", "#{0}"),
    ("with an arrow before it", "> {0}"),
    ("as a choice", "{0} or not"),
    ("between carets", "^{0}^"),
    ("as a wish", "may {0} come"),
    ("with a colon before it", ": {0}"),
    ("as a list with one entry", "{0};"),
    ("between low lines", "_{0}_"),
    ("between percent signs", "%{0}%"),
    ("as a file", "{0}.txt"),
    ("as a sum", "{0} + 1"),
    ("as a page", "www.{0}.org"),
    ("with a hash after it", "{0}#"),
    ("as a path", "/home/{0}"),
    ("as a price", "{0}: 5"),
    ("as a reply", "Re: {0}"),
)

REQUESTS: Final = ("Write {word} {style}.", "Give me {word} {style}.")

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

OPENINGS: Final = ("I am {name} and I {does}.", "My name is {name}. I {does}.")
RECALL: Final = ("Who am I?", "What do I do?")

_COMPARED: Final = 4
_ORDERS: Final = tuple(permutations(range(_COMPARED)))


def instruction_prompt(human: str) -> str:
    """The prompt of an instruction, ready for an answer that starts with a space."""
    return f"### Instruction: {human}\n### Response:"


def dialogue_prompt(earlier: Turns, human: str) -> str:
    """The prompt of a dialogue after its earlier turns, ready for an answer that starts with a space."""
    before = "".join(f"user: {asked}\nassistant: {answered}\n" for asked, answered in earlier)
    return f"{before}user: {human}\nassistant:"


def request(style: int, thing: int, wording: int) -> str:
    return REQUESTS[wording].format(word=THINGS[thing], style=STYLES[style][0])


def styled(style: int, thing: int) -> str:
    """A thing written in a style."""
    return STYLES[style][1].format(THINGS[thing])


def held_out_things(style: int) -> list[int]:
    """The things that no text writes in this style."""
    return [thing for thing in range(len(THINGS)) if held_out(1, style, thing)]


def instruction_lesson(uniform: Uniform) -> Turns:
    """A request to write a word in some style, and the word so written."""
    style = _STYLES_TAUGHT[int(uniform() * len(_STYLES_TAUGHT))]
    return style[int(uniform() * len(style))]


def _style_taught(style: int) -> list[Turns]:
    return [
        ((request(style, thing, wording), styled(style, thing)),)
        for thing in range(len(THINGS))
        if not held_out(1, style, thing)
        for wording in range(len(REQUESTS))
    ]


_STYLES_TAUGHT: Final = wheel(
    [_style_taught(style) for style in range(len(STYLES))],
    zipf(len(STYLES), ZIPF_EXPONENT["instruction_following"]),
)


def comparison(scale: int, members: tuple[int, ...], lowest: bool) -> str:
    """The question which of four members of a scale stands at one of its ends."""
    names = SCALES[scale][2]
    first, second, third, fourth = members
    end = SCALES[scale][lowest]
    return f"Which is the {end}: {names[first]}, {names[second]}, {names[third]} or {names[fourth]}?"


def at_the_end(members: tuple[int, ...], lowest: bool) -> int:
    return min(members) if lowest else max(members)


def compared(scale: int, member: int, lowest: bool) -> str:
    """The answer to a comparison."""
    return f"The {SCALES[scale][lowest]} is {SCALES[scale][2][member]}."


def sets_of_members(scale: int, evaluated: bool) -> list[tuple[int, ...]]:
    """The sets of four members that evaluation, or else text, compares."""
    every = combinations(range(SCALE_SIZE), _COMPARED)
    return [members for members in every if held_out(3, scale, *members) == evaluated]


def drawn_members(sets: Sequence[tuple[int, ...]], uniform: Uniform) -> tuple[int, ...]:
    """One of the sets of members, in the order in which they are to be named."""
    members = pick(sets, uniform)
    first, second, third, fourth = pick(_ORDERS, uniform)
    return members[first], members[second], members[third], members[fourth]


_SCALE_WHEEL: Final = wheel(range(len(SCALES)), zipf(len(SCALES), ZIPF_EXPONENT["reasoning"]))
_SETS_TAUGHT: Final = tuple(sets_of_members(scale, evaluated=False) for scale in range(len(SCALES)))


def comparison_lesson(uniform: Uniform) -> Turns:
    """A comparison of four members of a scale, and the one that stands at the end asked for."""
    scale = _SCALE_WHEEL[int(uniform() * len(_SCALE_WHEEL))]
    members = drawn_members(_SETS_TAUGHT[scale], uniform)
    lowest = uniform() < 0.5
    return ((comparison(scale, members, lowest), compared(scale, at_the_end(members, lowest), lowest)),)


def opening(pastime: int, person: int, wording: int) -> str:
    return OPENINGS[wording].format(name=PEOPLE[person], does=PASTIMES[pastime][0])


def reply(pastime: int, person: int) -> str:
    return f"How is the {PASTIMES[pastime][1]}, {PEOPLE[person]}?"


def recalled(person: int) -> str:
    return f"You are {PEOPLE[person]}."


def held_out_people(pastime: int) -> list[int]:
    """The people who have this pastime in no text."""
    return [person for person in range(len(PEOPLE)) if held_out(2, pastime, person)]


def conversation_lesson(uniform: Uniform) -> Turns:
    """A greeting answered by name and to the point, sometimes with a question that looks back."""
    pastime = _PASTIMES_TAUGHT[int(uniform() * len(_PASTIMES_TAUGHT))]
    return pastime[int(uniform() * len(pastime))]


def _pastime_taught(pastime: int) -> list[Turns]:
    lessons: list[Turns] = []
    for person in range(len(PEOPLE)):
        if held_out(2, pastime, person):
            continue
        answers = (recalled(person), f"You {PASTIMES[pastime][0]}, {PEOPLE[person]}.")
        for wording in range(len(OPENINGS)):
            greeting = (opening(pastime, person, wording), reply(pastime, person))
            lessons.append((greeting,))
            lessons.append((greeting, (RECALL[wording], answers[wording])))
    return lessons


_PASTIMES_TAUGHT: Final = wheel(
    [_pastime_taught(pastime) for pastime in range(len(PASTIMES))],
    zipf(len(PASTIMES), ZIPF_EXPONENT["conversation"]),
)
