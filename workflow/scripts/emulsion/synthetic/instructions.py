"""Instruction following: write a word the way you are told to. The topics are the ways of writing."""

from random import Random
from typing import Final

from .chat import Turns, instruction_prompt
from .curriculum import ZIPF_EXPONENT
from .draws import Uniform, held_out, wheel, zipf
from .items import Question, neighbours
from .world import THINGS

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

_REQUESTS: Final = ("Write {word} {style}.", "Give me {word} {style}.")


def _request(style: int, thing: int, wording: int) -> str:
    return _REQUESTS[wording].format(word=THINGS[thing], style=STYLES[style][0])


def _answer(style: int, thing: int) -> str:
    return STYLES[style][1].format(THINGS[thing])


def _taught(style: int) -> list[Turns]:
    return [
        ((_request(style, thing, wording), _answer(style, thing)),)
        for thing in range(len(THINGS))
        if not held_out(1, style, thing)
        for wording in range(len(_REQUESTS))
    ]


_TAUGHT: Final = wheel(
    [_taught(style) for style in range(len(STYLES))],
    zipf(len(STYLES), ZIPF_EXPONENT["instruction_following"]),
)


def lesson(uniform: Uniform) -> Turns:
    """A request to write a word in some style, and the word so written."""
    style = _TAUGHT[int(uniform() * len(_TAUGHT))]
    return style[int(uniform() * len(style))]


def item(index: int, rng: Random) -> Question:
    """A request for a style and a word never seen together; the wrong answers are other styles."""
    style = index % len(STYLES)
    thing = rng.choice([thing for thing in range(len(THINGS)) if held_out(1, style, thing)])
    return Question(
        prompt=instruction_prompt(_request(style, thing, rng.randrange(len(_REQUESTS)))),
        right=f" {_answer(style, thing)}",
        wrong=tuple(f" {_answer(other, thing)}" for other in rng.sample(neighbours(style, len(STYLES)), 3)),
    )
