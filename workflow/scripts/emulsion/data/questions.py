"""Rows of questions and answers to turns, with what belongs to the question: system prompt, tools, history, context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulsion.data.chats import is_chat, turns_of
from emulsion.data.render import ANSWERING, Turn, UnrenderableError, is_empty, parsed, parsed_chat, required, structured
from emulsion.data.unread import Fields

QUESTION_COLUMNS = ("instruction", "prompt", "question", "query", "problem", "inputs", "user", "input")
ANSWER_COLUMNS = (
    "response",
    "output",
    "answer",
    "completion",
    "solution",
    "targets",
    "target",
    "answers",
    "ideal",
    "chosen",
)
# Where rows have a short answer as well, the solution is the text.
FIRST_ANSWERS = {"problem": ("solution",), "inputs": ("targets",)}

SYSTEM_COLUMNS = ("system", "system_prompt", "system_message", "system_instruction", "systemInstruction")
TOOLS_COLUMNS = ("tools", "functions")
HISTORY_COLUMNS = ("history",)
CONTEXT_COLUMNS = ("input", "context")
REASONING_COLUMNS = ("reasoning_content", "reasoning", "cot", "chain_of_thought", "rationale", "thinking")

Named = Mapping[str, str]  # {what a column holds: its name}, as the configuration's `columns`


def answers_of(question: str) -> tuple[str, ...]:
    """The columns that may hold the answer to a question, the most likely first."""
    first = FIRST_ANSWERS.get(question, ())
    return (*first, *(column for column in ANSWER_COLUMNS if column not in first and column != question))


def pair_turns(fields: Fields, question: str, answer: str, named: Named) -> list[Turn]:
    """Turns of a row whose question and answer are texts, numbers, lists of texts, or parts of one chat."""
    asked = list(_side(fields.take(question), question, "user", fields))
    context = _columns("context", CONTEXT_COLUMNS, named)
    added = [value for column in context if column not in (question, answer) for value in _text(fields, column)]
    if added:
        place = max((number for number, (role, _) in enumerate(asked) if role == "user"), default=None)
        if place is None:
            asked.append(("user", "\n".join(added)))
        else:
            asked[place] = ("user", "\n".join([asked[place][1], *added]))
    reasoning = [("reasoning", text) for text in _first_text(fields, "reasoning", REASONING_COLUMNS, named, answer)]
    answered = list(_side(fields.take(answer), answer, "assistant", fields))
    return [*before(fields, asked, named), *asked, *reasoning, *answered]


def before(fields: Fields, turns: list[Turn], named: Named) -> Iterator[Turn]:
    """What stands before the turns of a row: its tools, its system prompt unless the turns have it, its history."""
    yield from (("tools", text) for text in _first_text(fields, "tools", TOOLS_COLUMNS, named))
    said = [text.strip() for role, text in turns if role == "system"]
    prompts = _first_text(fields, "system", SYSTEM_COLUMNS, named)
    yield from (("system", text) for text in prompts if text.strip() not in said)
    for column in _columns("history", HISTORY_COLUMNS, named):
        if not is_empty(history := parsed(fields.take(column))):
            yield from turns_of(history, column, fields)


def preferred_turns(fields: Fields, turns: list[Turn]) -> list[Turn]:
    """The preferred answer to a chat that ends with a question, as preference sets have it."""
    if not turns or turns[-1][0] in ANSWERING or is_empty(chosen := parsed(fields.record.get("chosen"))):
        return []
    fields.take("chosen")
    return list(_side([chosen] if isinstance(chosen, Mapping) else chosen, "chosen", "assistant", fields))


def context_turns(fields: Fields, named: Named) -> list[Turn]:
    """The context beside a chat."""
    column = named.get("context", "context")
    return [("context", text) for text in _text(fields, column)]


def _columns(role: str, columns: tuple[str, ...], named: Named) -> tuple[str, ...]:
    return (named[role],) if role in named else columns


def _text(fields: Fields, column: str) -> list[str]:
    value = fields.take(column)
    return [] if is_empty(value) else [structured(_joined(value) if column in SYSTEM_COLUMNS else value)]


def _joined(value: Any) -> Any:
    """Parts that are all text as one text; another value as it is."""
    parts = value.get("parts") if isinstance(value, Mapping) else value
    if isinstance(parts, list) and parts and all(isinstance(part, Mapping) for part in parts):
        texts = [part.get("text") for part in parts if part.keys() <= {"type", "text", "cache_control"}]
        if len(texts) == len(parts) and all(isinstance(text, str) for text in texts):
            return "\n".join(map(str, texts))
    return value


def _first_text(fields: Fields, role: str, columns: tuple[str, ...], named: Named, *used: str) -> list[str]:
    """The text of the first of these columns that says something; of the others, the row keeps count."""
    chosen = (column for column in _columns(role, columns, named) if column not in used)
    there = (column for column in chosen if {column, column.partition(".")[0]} & fields.record.keys())
    return next((text for column in there if (text := _text(fields, column))), [])


def _side(value: Any, column: str, role: str, fields: Fields) -> Iterator[Turn]:
    """The question or the answer of a row; of several answers the first."""
    inner = parsed_chat(value)
    if is_chat(inner):
        yield from turns_of(inner, column, fields)
        return
    if isinstance(value, Mapping):
        value = fields.inner(value, column).take("text") if "text" in value else structured(value)
    if isinstance(value, list):
        if not value:
            raise UnrenderableError(f"'{column}' has no answers" if role == "assistant" else f"'{column}' is empty")
        first = value[0]
        is_answer = isinstance(first, str) or (isinstance(first, Mapping) and isinstance(first.get("text"), str))
        if role == "assistant" and is_answer:
            if len(value) > 1:
                fields.skip(f"{column}[1:]", value[1:])
            value = first if isinstance(first, str) else fields.inner(first, column).take("text")
    yield role, required(value if value is None or isinstance(value, str) else structured(value), column)
