"""The evaluation suite of the embedded corpus: skills on what no text shows, knowledge of what the text tells.

Choices are meant to be ranked by log-likelihood per byte given the prompt; chance is one in four. Items of one `topic`
are learned together: a style, a fact, a scale, a pastime, a genre.
"""

import logging
from collections.abc import Callable
from random import Random
from typing import Any, Final

from .curriculum import CAPABILITIES
from .exchanges import (
    OPENINGS,
    PASTIMES,
    RECALL,
    REQUESTS,
    STYLES,
    at_the_end,
    compared,
    comparison,
    dialogue_prompt,
    drawn_members,
    held_out_people,
    held_out_things,
    instruction_prompt,
    opening,
    recalled,
    reply,
    request,
    sets_of_members,
    styled,
)
from .prose import story_opening
from .world import FACTS, GENRES, PEOPLE, SCALES

log = logging.getLogger(__name__)

Item = dict[str, Any]

#: Prime to the number of facts, so that a suite of any size spreads over all relations and towns.
_STRIDE: Final = 37
#: One draw of conversation in this many asks to recall: all at once learned, it makes scores jump. Greetings come again
#: sooner, so of 400 different items it is one in five.
_RECALLS: Final = 8
#: Draws in a row that may repeat earlier items before a capability has no more to ask.
_MISSES: Final = 1000

_SETS: Final = tuple(sets_of_members(scale, evaluated=True) for scale in range(len(SCALES)))


def suite_items(items_per_capability: int, seed: int) -> list[Item]:
    """Different items, `items_per_capability` for each capability or all there are, spread evenly over its topics.

    Logs a warning for a capability with fewer: facts have two phrasings each.
    """
    items: list[Item] = []
    for capability, maker in _MAKERS.items():
        made = _different(maker, items_per_capability, Random(f"{seed}/{capability}"))
        if len(made) < items_per_capability:
            log.warning(
                "the embedded suite has %d different items of %s, fewer than the %d asked for",
                *(len(made), capability, items_per_capability),
            )
        items += [{"id": f"{capability}-{n:04d}", "capability": capability} | item for n, item in enumerate(made)]
    return items


def _different(maker: Callable[[int, Random], Item], most: int, rng: Random) -> list[Item]:
    made: dict[tuple[str, str], Item] = {}
    index = misses = 0
    while len(made) < most and misses < _MISSES:
        item = maker(index, rng)
        key = (item["prompt"], item["choices"][item["answer"]] if item["kind"] == "choice" else "")
        misses = misses + 1 if key in made else 0
        made.setdefault(key, item)
        index += 1
    return list(made.values())


def _choice(topic: str, prompt: str, right: str, wrong: list[str], rng: Random) -> Item:
    """A question with its right and wrong continuations, shuffled, each with its boundary space."""
    choices = [f" {right}", *(f" {text}" for text in wrong)]
    rng.shuffle(choices)
    answer = choices.index(f" {right}")
    return {"kind": "choice", "topic": topic, "prompt": prompt, "choices": choices, "answer": answer}


def _neighbours(topic: int, topics: int, rng: Random) -> list[int]:
    """Three topics about as common as this one, so that no wrong answer stands out by being better known."""
    near = range(max(0, topic - 5), min(topics, topic + 6))
    return rng.sample([other for other in near if other != topic], 3)


def _instruction(index: int, rng: Random) -> Item:
    """A request for a style and a word never seen together; the wrong answers are other styles."""
    style = index % len(STYLES)
    thing = rng.choice(held_out_things(style))
    prompt = instruction_prompt(request(style, thing, rng.randrange(len(REQUESTS))))
    wrong = [styled(other, thing) for other in _neighbours(style, len(STYLES), rng)]
    return _choice(STYLES[style][0], prompt, styled(style, thing), wrong, rng)


def _fact(index: int, rng: Random) -> Item:
    """A fact to complete; the wrong answers are what is so in other towns."""
    fact = FACTS[index * _STRIDE % len(FACTS)]
    prompt = fact.statement(rng.randrange(len(fact.relation.phrasings)))
    wrong = rng.sample([f"{value}." for value in fact.relation.values if value != fact.value], 3)
    return _choice(fact.statement(0), prompt, f"{fact.value}.", wrong, rng)


def _comparison(index: int, rng: Random) -> Item:
    """A comparison that never occurs in text, asked in either chat's manner."""
    round_of_scales, scale = divmod(index, len(SCALES))
    members = drawn_members(_SETS[scale], rng.random)
    lowest = round_of_scales % 2 == 1
    question, right = comparison(scale, members, lowest), at_the_end(members, lowest)
    prompt = instruction_prompt(question) if round_of_scales // 2 % 2 else dialogue_prompt((), question)
    wrong = [compared(scale, member, lowest) for member in members if member != right]
    return _choice(SCALES[scale][0], prompt, compared(scale, right, lowest), wrong, rng)


def _conversation(index: int, rng: Random) -> Item:
    """A greeting by someone never heard with this pastime.

    Most are to be answered to the point; some ask for the name given in the turn before.
    """
    pastime = index % len(PASTIMES)
    topic, person = PASTIMES[pastime][0], rng.choice(held_out_people(pastime))
    human = opening(pastime, person, rng.randrange(len(OPENINGS)))
    if (index + index // len(PASTIMES)) % _RECALLS == 0:
        strangers = rng.sample([other for other in range(len(PEOPLE)) if other != person], 3)
        prompt = dialogue_prompt(((human, reply(pastime, person)),), RECALL[0])
        return _choice(topic, prompt, recalled(person), [recalled(stranger) for stranger in strangers], rng)
    wrong = [reply(other, person) for other in _neighbours(pastime, len(PASTIMES), rng)]
    return _choice(topic, dialogue_prompt((), human), reply(pastime, person), wrong, rng)


def _story(index: int, rng: Random) -> Item:
    """An opening to carry on with something of its genre: by choice, and written without going in circles, in turn."""
    genres = list(GENRES)
    topic = index % len(genres)
    genre = genres[topic]
    prompt = story_opening(genre, rng.choice(PEOPLE))
    if (index + index // len(genres)) % 2 == 0:
        wrong = [rng.choice(GENRES[genres[other]]) for other in _neighbours(topic, len(genres), rng)]
        return _choice(genre, prompt, rng.choice(GENRES[genre]), wrong, rng)
    checks = [{"any": [{"contains": motif} for motif in GENRES[genre]]}, {"distinct": 0.6}]
    return {"kind": "generation", "topic": genre, "prompt": prompt, "checks": checks, "max_new_tokens": 24}


_MAKERS: Final[dict[str, Callable[[int, Random], Item]]] = dict(
    zip(CAPABILITIES, (_instruction, _fact, _comparison, _conversation, _story), strict=True)
)
