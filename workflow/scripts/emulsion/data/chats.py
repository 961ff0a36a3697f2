"""Chats to turns: the forms in which chats are stored, the names of their roles, tool calls and content in parts.

A chat is a list of records, one a turn (OpenAI, ShareGPT, LLaMA-Factory, Gemini); a record of lists; a list of texts by
turns (UltraChat); a list of records, one an exchange ({"human", "assistant"}); a list of pairs, of a question and its
answer (history) or of a role and what it says (LangChain); or any of these as JSON text.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterator, Mapping
from typing import Any

from emulsion.data.render import Turn, UnrenderableError, is_empty, parsed, parsed_chat, required, structured
from emulsion.data.unread import Fields

# As they are written in small letters, with underscores.
ROLES = {
    **dict.fromkeys(("system", "developer", "system_prompt"), "system"),
    **dict.fromkeys(("human", "user", "prompter", "instruction", "question", "query", "input", "prompt"), "user"),
    **dict.fromkeys(("gpt", "assistant", "model", "bot", "chatgpt", "chatbot", "ai", "gpt4", "gpt_4"), "assistant"),
    **dict.fromkeys(("bing", "bard", "claude", "output", "answer", "response"), "assistant"),
    **dict.fromkeys(("customer", "client", "patient", "student"), "user"),
    **dict.fromkeys(("agent", "operator", "support", "doctor", "teacher", "tutor"), "assistant"),
    **dict.fromkeys(("function_call", "tool_call", "tool_calls"), "call"),
    **dict.fromkeys(("tool", "function", "observation", "ipython", "tool_result", "tool_results"), "tool"),
    **dict.fromkeys(("tool_response", "tool_output", "function_response", "function_result"), "tool"),
    **dict.fromkeys(("reasoning", "thinking", "thought"), "reasoning"),
    "tools": "tools",
    "context": "context",
}
ROLE_KEYS = ("from", "role", "speaker", "sender")
TEXT_KEYS = ("value", "content", "text", "parts", "message", "utterance", "body")
CALL_KEYS = ("tool_calls", "function_call")
THOUGHTS = ("thinking", "reasoning", "text", "value", "summary")
ITEMS = ("reasoning", "function_call", "function_call_output")  # turns without a role, of OpenAI's responses
ARGUMENTS = ("arguments", "input", "args", "parameters")
# Names of fields that say which chat a turn is of, where the turns of several are in one table.
_OF_CHAT = re.compile("chat|conversation|dialog|session|thread", re.IGNORECASE)
FOR_PROGRAMS = ("call", "tool", "tools")  # roles whose content may be any value
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
MEANINGS = {
    **dict.fromkeys(ROLE_KEYS, "role"),
    **dict.fromkeys(TEXT_KEYS, "text"),
    **dict.fromkeys((*CALL_KEYS, *REASONING_KEYS), "more"),
}

_SHORT = reprlib.Repr()


def _role(name: Any) -> str | None:
    return ROLES.get(name.strip().lower().replace("-", "_").replace(" ", "_")) if isinstance(name, str) else None


def role_of(name: Any) -> str:
    """The role that a name stands for; raises UnrenderableError for one that is not known."""
    if (role := _role(name)) is None:
        raise UnrenderableError(f"unknown role {_SHORT.repr(name)}")
    return role


def is_chat(value: Any, texts: bool = False) -> bool:
    """Whether a value has the form of a chat; a list of texts or pairs only where `texts` says that it may be."""
    value = parsed_chat(value)
    if isinstance(value, Mapping):
        return any(key in value and isinstance(value[key], list) for key in ROLE_KEYS)
    if not isinstance(value, list) or not value:
        return False
    first = value[0]
    if isinstance(first, Mapping):
        return is_turn(first) or is_exchange(first)
    return texts and (all(isinstance(each, str) for each in value) or _are_pairs(value))


def _are_pairs(values: list[Any]) -> bool:
    return all(isinstance(each, list | tuple) and len(each) == 2 for each in values)


def _are_said(values: list[Any]) -> bool:
    """Whether all are pairs of a role and what it says, and not of a question and its answer."""
    roles = {_role(name) for name, _ in values} if _are_pairs(values) else {None}
    return roles >= {"user", "assistant"} and None not in roles


def is_turn(record: Mapping[str, Any]) -> bool:
    """Whether a record has the fields of a turn: who speaks, and what is said or called."""
    keys = (*TEXT_KEYS, *CALL_KEYS)
    return _is_item(record) or (any(key in record for key in ROLE_KEYS) and any(key in record for key in keys))


def _is_item(record: Mapping[str, Any]) -> bool:
    return record.get("type") in ITEMS and not any(key in record for key in ROLE_KEYS)


def is_exchange(record: Mapping[str, Any]) -> bool:
    """Whether a record holds a question and its answer under the names of their roles, and else only remarks."""
    roles = {_role(key) for key, value in record.items() if not (is_empty(value) or _is_remark(key, value))}
    return roles >= {"user", "assistant"} and None not in roles


def _is_remark(key: Any, value: Any) -> bool:
    """Whether a field beside a question and its answer is a number or an id."""
    return _role(key) is None and (isinstance(value, int | float) or key == "id")


def is_whole(value: Any) -> bool:
    """Whether a chat has turns by the user: the preferred answer of a preference set may be a chat without."""
    value = parsed(value)
    turns = [turn for turn in value if isinstance(turn, Mapping)] if isinstance(value, list) else []
    return any(_role(turn.get(key)) == "user" for turn in turns for key in ROLE_KEYS)


def is_dialogue(value: Any) -> bool:
    """Whether a value is a list of the turns of one chat and nothing else, of a user and of an assistant."""
    if not isinstance(value, list) or not all(isinstance(turn, Mapping) and is_turn(turn) for turn in value):
        return False
    naming = {key for turn in value for key in turn if _OF_CHAT.search(str(key))}
    if any(len({str(turn.get(key)) for turn in value}) > 1 for key in naming):
        return False
    return {_role(turn.get(key)) for turn in value for key in ROLE_KEYS} >= {"user", "assistant"}


def chat_turns(fields: Fields, column: str) -> list[Turn]:
    """The turns of the chat in a column; raises UnrenderableError where it has none or one cannot be rendered."""
    return list(turns_of(parsed_chat(fields.take(column)), column, fields))


def turns_of(value: Any, column: str, fields: Fields) -> Iterator[Turn]:
    """The turns of a chat in any of its forms; `fields` counts what is not read of them."""
    if isinstance(value, Mapping) and is_chat(value):
        value = _records(value, column)
    if isinstance(value, str) and value.lstrip().startswith("["):
        raise UnrenderableError(f"'{column}' is text that begins as a list of turns and is no JSON")
    if not isinstance(value, list) or not value:
        is_text = isinstance(value, str) and not is_empty(value)
        raise UnrenderableError(f"'{column}' {'is text, not a list of turns' if is_text else 'has no turns'}")
    asked = 0
    if _are_said(value):
        value = [{"role": role, "content": said} for role, said in value]
    for turn in map(parsed, value) if isinstance(value[0], str) else value:
        if isinstance(turn, str):
            yield ("assistant" if asked % 2 else "user"), required(turn, column)
            asked += 1
        elif isinstance(turn, list | tuple) and len(turn) == 2:
            yield "user", required(turn[0], column)
            yield "assistant", required(turn[1], column)
        elif not isinstance(turn, Mapping):
            raise UnrenderableError(f"a turn is {type(turn).__name__}, not a record")
        elif (plain := _plain_turn(turn, column, fields)) is not None:
            yield plain
        elif not is_turn(turn) and is_exchange(turn):
            inner = fields.inner(turn, column)
            given = [key for key, value in turn.items() if not (is_empty(value) or _is_remark(key, value))]
            yield from ((role_of(key), required(inner.take(key), key)) for key in given)
        elif _is_item(turn):
            if not (turn["type"] == "reasoning" and is_empty(turn.get("summary"))):
                yield _part(turn, column, "assistant", fields)
        else:
            yield from _turn(fields.inner(turn, column))


def _records(columns: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    """Turns from a record of lists, one a field of the turns."""
    lists = {key: values for key, values in columns.items() if isinstance(values, list)}
    if len({len(values) for values in lists.values()}) > 1:
        raise UnrenderableError(f"the lists of '{column}' are of different lengths")
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _first(record: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The key whose value says something, else one that is there, else the first."""
    there = [key for key in keys if key in record]
    return next((key for key in there if not is_empty(record[key])), (there or [keys[0]])[0])


def _plain_turn(turn: Mapping[str, Any], column: str, fields: Fields) -> Turn | None:
    """A turn that is a role and its text and nothing else that could be rendered: nearly all are, so this is fast."""
    role, text, others = None, None, []
    for key, value in turn.items():
        if (meaning := MEANINGS.get(key)) is None:
            others.append((key, value))
        elif meaning == "role" and role is None:
            role = ROLES.get(value) if type(value) is str else None
        elif meaning == "text" and text is None:
            text = value if type(value) is str else None
        elif value is not None:
            return None
    if role is None or text is None or not text.strip():
        return None
    for key, value in others:
        fields.skip(f"{column}.{key}", value)
    return role, text


def _turn(turn: Fields) -> Iterator[Turn]:
    """What one record says: its reasoning, its text, and the tools it calls, each a turn of its own."""
    if not any(key in turn.record for key in ROLE_KEYS):
        raise UnrenderableError(f"a turn has none of {', '.join(ROLE_KEYS)}, but {_SHORT.repr(list(turn.record))}")
    role = role_of(turn.take(_first(turn.record, ROLE_KEYS)))
    key = _first(turn.record, TEXT_KEYS)
    said = list(_content(turn.take(key), key, role, turn))
    for name in REASONING_KEYS:
        if not is_empty(thought := turn.take(name)):
            said.insert(0, ("reasoning", required(thought, name)))
    for name in CALL_KEYS:
        if not is_empty(calls := parsed(turn.take(name))):
            said += [("call", _call(call, name, turn)) for call in (calls if isinstance(calls, list) else [calls])]
    if not said and role in ("user", "assistant", "call"):
        if key not in turn.record:
            raise UnrenderableError(f"a turn has none of {', '.join(TEXT_KEYS)}, but {_SHORT.repr(list(turn.record))}")
        raise UnrenderableError(f"'{key}' is {'missing or null' if turn.record.get(key) is None else 'empty'}")
    yield from said


def _content(value: Any, key: str, role: str, fields: Fields) -> Iterator[Turn]:
    """Text, or parts of which each may be text, reasoning, a call of a tool or its result; nothing of what is empty."""
    if role in FOR_PROGRAMS and not _has_parts(value):
        if not is_empty(value):
            yield role, structured(value)
        return
    if isinstance(value, Mapping):
        value = value.get("parts", [value])
    if not isinstance(value, list):
        if not is_empty(value) or (isinstance(value, str) and value.strip()):
            yield role, required(value, key)
        return
    texts: list[str] = []
    for part in value:
        turn = _part(part, key, role, fields)
        if turn[0] == role:
            texts.append(turn[1])
            continue
        if texts:
            yield role, "\n".join(texts)
        texts = []
        yield turn
    if any(text.strip() for text in texts):
        yield role, "\n".join(texts)


def _has_parts(value: Any) -> bool:
    if not isinstance(value, list):
        return False
    return all(isinstance(part, Mapping) and ("type" in part or "functionResponse" in part) for part in value)


def _part(part: Any, key: str, role: str, fields: Fields) -> Turn:
    if isinstance(part, str):
        return role, part
    if not isinstance(part, Mapping):
        raise UnrenderableError(f"a part of '{key}' is {type(part).__name__}, not a record")
    kind = str(part.get("type") or "text")
    if kind in ("tool_use", "tool_call", "function_call") or "functionCall" in part:
        return "call", _call(part.get("functionCall", part.get("value", part)), key, fields)
    if kind in ("tool_result", "function_call_output") or "functionResponse" in part:
        return "tool", _result(part)
    if kind in ("thinking", "reasoning"):
        thought = next((part[name] for name in THOUGHTS if part.get(name)), None)
        if isinstance(thought, list):
            thought = "\n".join(_part(each, kind, role, fields)[1] for each in thought)
        return "reasoning", required(thought, kind)
    for name in ("text", "value"):
        if "text" in kind and isinstance(part.get(name), str):
            return role, part[name]
    is_text = "text" in kind
    raise UnrenderableError(f"a part of '{key}' {'has no text' if is_text else f'is {_SHORT.repr(kind)}, not text'}")


def _result(part: Mapping[str, Any]) -> str:
    value = next((part[name] for name in ("content", "output", "functionResponse", "value") if name in part), None)
    if isinstance(value, list) and all(isinstance(each, Mapping) and "text" in each for each in value):
        return "\n".join(structured(each["text"]) for each in value)
    return structured(value)


def _call(call: Any, key: str, fields: Fields) -> str:
    """A call as JSON: its name and its arguments, whichever way they were saved; text as it is."""
    call = parsed(call)
    if not isinstance(call, Mapping):
        return structured(call)
    inner = call.get("function")
    function: Mapping[str, Any] = inner if isinstance(inner, Mapping) else call
    place = next((name for name in ARGUMENTS if name in function), ARGUMENTS[0])
    for name, value in {**call, **function}.items():
        if name not in ("name", "function", place):
            fields.skip(f"{key}.{name}", value)
    return structured({"name": function.get("name"), "arguments": parsed(function.get(place, {}))})
