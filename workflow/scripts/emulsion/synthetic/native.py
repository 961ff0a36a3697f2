"""Documents: which lessons stand together, in the native schema of the hub datasets that they stand in for."""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any, Final

import pyarrow as pa

from .curriculum import LESSONS_PER_DOCUMENT, SOURCES, TEACHES
from .draws import Uniform, pick, wheel
from .exchanges import Turns, comparison_lesson, conversation_lesson, instruction_lesson
from .prose import fact_sentence, story
from .tasks import SCHEMA, TASKS, task_row

Row = dict[str, Any]

_EXCHANGES: Final[dict[str, Callable[[Uniform], Turns]]] = {
    "instruction_following": instruction_lesson,
    "reasoning": comparison_lesson,
    "conversation": conversation_lesson,
}

_CURRICULA: Final = {source: wheel(tuple(row), tuple(row.values())) for source, row in TEACHES.items()}

_SYSTEM_PROMPTS: Final = (
    "You are a helpful assistant.",
    "Answer in as few words as you can.",
    "You know the towns and beasts of this world well.",
)
_TOPICS: Final = ("writing", "puzzles", "small talk")
_AUDIENCES: Final = ("general", "young_children", "college_students")
_DUMPS: Final = ("CC-MAIN-2023-50", "CC-MAIN-2024-10", "CC-MAIN-2024-18")
_SYSTEM_SHARE: Final = 0.15

_TURN: Final = pa.struct([("from", pa.string()), ("value", pa.string())])
_WEIGHTED_TURN: Final = pa.struct([("from", pa.string()), ("value", pa.string()), ("weight", pa.float64())])

_OPENHERMES_COLUMNS: Final = {
    "conversations": pa.list_(_WEIGHTED_TURN),
    "source": pa.string(),
    "category": pa.string(),
    "system_prompt": pa.string(),
    "model": pa.string(),
    "model_name": pa.string(),
    "language": pa.string(),
    "title": pa.string(),
    "topic": pa.string(),
    "id": pa.string(),
    "idx": pa.string(),
    "hash": pa.string(),
    "views": pa.float64(),
    "avatarUrl": pa.string(),
    "custom_instruction": pa.string(),
    "skip_prompt_formatting": pa.bool_(),
}

_SCHEMAS: Final = {
    "openhermes": pa.schema(list(_OPENHERMES_COLUMNS.items())),
    "cosmopedia": pa.schema(
        [
            ("prompt", pa.string()),
            ("text_token_length", pa.int64()),
            ("text", pa.string()),
            ("seed_data", pa.string()),
            ("format", pa.string()),
            ("audience", pa.string()),
        ]
    ),
    "magpie": pa.schema([("uuid", pa.string()), ("conversations", pa.list_(_TURN))]),
    "fineweb": pa.schema(
        [
            ("text", pa.string()),
            ("id", pa.string()),
            ("dump", pa.string()),
            ("url", pa.string()),
            ("file_path", pa.string()),
            ("language", pa.string()),
            ("language_score", pa.float64()),
            ("token_count", pa.int64()),
            ("score", pa.float64()),
            ("int_score", pa.int64()),
        ]
    ),
    **dict.fromkeys(TASKS, SCHEMA),
    "hashes": pa.schema([("text", pa.string())]),
}

_NO_COLUMNS: Final[Row] = dict.fromkeys(_OPENHERMES_COLUMNS)
_ROUGH_CHARACTERS_PER_TOKEN: Final = 4
_HASHES_PER_DOCUMENT: Final = 8


def drawn_lessons(source: str, uniform: Uniform) -> list[str]:
    """The capabilities that the next document of a source teaches, one for each of its lessons."""
    fewest, most = LESSONS_PER_DOCUMENT[source]
    slots = _CURRICULA[source]
    return [slots[int(uniform() * len(slots))] for _ in range(fewest + int(uniform() * (most - fewest + 1)))]


def chat(source: str, uniform: Uniform) -> Turns:
    """The turns of one document of a chat source."""
    lessons = drawn_lessons(source, uniform)
    return tuple(turn for capability in lessons for turn in _EXCHANGES[capability](uniform))


def prose(source: str, uniform: Uniform) -> str:
    """The text of one document of a prose source."""
    sentences: list[str] = []
    for capability in drawn_lessons(source, uniform):
        if capability == "factual_knowledge":
            sentences.append(fact_sentence(source, uniform))
        elif capability == "creativity":
            sentences.append(story(source, uniform))
        else:
            ((question, answer),) = comparison_lesson(uniform)
            sentences.append(f"{question} {answer}")
    return " ".join(sentences)


def _identity(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _openhermes(rng: Random) -> Row:
    uniform = rng.random
    turns: list[Row] = []
    row = _NO_COLUMNS.copy()
    row["source"] = "embedded"
    if uniform() < _SYSTEM_SHARE:
        row["system_prompt"] = system = pick(_SYSTEM_PROMPTS, uniform)
        turns.append({"from": "system", "value": system, "weight": None})
    for human, gpt in chat("openhermes", uniform):
        turns.append({"from": "human", "value": human, "weight": None})
        turns.append({"from": "gpt", "value": gpt, "weight": None})
    row["conversations"] = turns
    if uniform() < 0.2:
        row["category"], row["language"] = pick(_TOPICS, uniform), "English"
    return row


def _cosmopedia(rng: Random) -> Row:
    uniform = rng.random
    text = prose("cosmopedia", uniform)
    return {
        "prompt": "Write a page of a textbook about the towns of the world, with a tale or two.",
        "text_token_length": len(text) // _ROUGH_CHARACTERS_PER_TOKEN,
        "text": text,
        "seed_data": "embedded",
        "format": "textbook_academic_tone",
        "audience": pick(_AUDIENCES, uniform),
    }


def _magpie(rng: Random) -> Row:
    turns: list[Row] = []
    for human, gpt in chat("magpie", rng.random):
        turns.append({"from": "human", "value": human})
        turns.append({"from": "gpt", "value": gpt})
    return {"uuid": _identity(rng), "conversations": turns}


def _fineweb(rng: Random) -> Row:
    uniform = rng.random
    text = prose("fineweb", uniform)
    identity = _identity(rng)
    dump = pick(_DUMPS, uniform)
    score = 2.52 + 2.4 * uniform()
    return {
        "text": text,
        "id": f"<urn:uuid:{identity}>",
        "dump": dump,
        "url": f"https://{identity[:8]}.example/{identity[9:13]}",
        "file_path": f"s3://commoncrawl/crawl-data/{dump}/segments/{identity[:8]}.warc.gz",
        "language": "en",
        "language_score": 0.8 + 0.2 * uniform(),
        "token_count": len(text) // _ROUGH_CHARACTERS_PER_TOKEN,
        "score": score,
        "int_score": round(score),
    }


def _hashes(rng: Random) -> Row:
    """What is learnt at once, that there are sixteen letters, and teaches nothing else: a source to be left out."""
    return {"text": " ".join(f"{rng.getrandbits(128):032x}" for _ in range(_HASHES_PER_DOCUMENT))}


_WRITERS: Final[dict[str, Callable[[Random], Row]]] = {
    "openhermes": _openhermes,
    "cosmopedia": _cosmopedia,
    "magpie": _magpie,
    "fineweb": _fineweb,
    **{task: partial(task_row, task) for task in TASKS},
    "hashes": _hashes,
}

#: What a synthetic source may be like.
LIKES: Final = (*SOURCES, *TASKS, "hashes")


def _checked(like: str) -> str:
    if like not in LIKES:
        raise ValueError(f"unknown embedded source {like!r}; it must be one of {', '.join(LIKES)}")
    return like


def arrow_schema(like: str) -> pa.Schema:
    """The native schema of a source's rows."""
    return _SCHEMAS[_checked(like)]


def rows(like: str, documents: int, seed: int) -> Iterator[Row]:
    """Native rows of a source, one for each of `documents`; the first do not depend on how many follow."""
    write = _WRITERS[_checked(like)]
    rng = Random(f"{seed}/{like}")
    return (write(rng) for _ in range(documents))
