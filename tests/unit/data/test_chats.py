import json

import pytest

from emulsion.data.chats import chat_turns
from emulsion.data.render import UnrenderableError
from emulsion.data.schemas import choose_kind
from emulsion.data.sources.formats import columns_of_row
from emulsion.data.unread import Fields

QUESTION, ANSWER = ("user", "q"), ("assistant", "a")


def turns(value):
    return chat_turns(Fields({"messages": value}), "messages")


def said(*pairs):
    return [{"role": role, "content": content} for role, content in pairs]


@pytest.mark.parametrize(
    "value",
    [
        said(QUESTION, ANSWER),
        [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
        [{"from": "USER", "value": "q"}, {"from": "ASSISTANT", "value": "a"}],
        [{"from": "Human", "value": "q"}, {"from": "ChatGPT", "value": "a"}],
        [{"from": "human", "value": "q"}, {"role": "bot", "content": "a"}],
        [{"from": None, "value": None, "role": "user", "content": "q"}, {"role": "model", "content": "a"}],
        {"from": ["human", "gpt"], "value": ["q", "a"]},
        {"role": ["user", "assistant"], "content": ["q", "a"]},
        json.dumps(said(QUESTION, ANSWER)),
        str([{"role": "user", "content": "q", "n": None}, {"role": "assistant", "content": "a"}]),
        ["q", "a"],
        [["q", "a"]],
        [["user", "q"], ["assistant", "a"]],
        [("system", ""), ("human", "q"), ("AI", "a")],
        json.dumps([["USER", "q"], ["ASSISTANT", "a"]]),
        [{"human": "q", "assistant": "a"}],
        [{"Human": "q", "Assistant": "a", "id": "x1", "score": 0.5}],
        [{"speaker": "Customer", "utterance": "q"}, {"speaker": "Agent", "utterance": "a"}],
        [{"sender": "human", "message": "q"}, {"sender": "bot", "body": "a"}],
        said(("user", [{"type": "text", "text": "q"}]), ("assistant", [{"type": "text", "text": "a"}])),
        [{"role": "user", "parts": [{"text": "q"}]}, {"role": "model", "parts": [{"text": "a"}]}],
        said(("system", ""), QUESTION, ANSWER),
    ],
)
def test_a_chat_is_read_in_all_its_forms(value):
    assert turns(value) == [QUESTION, ANSWER]


def test_tool_calls_and_their_results_are_turns_of_their_own():
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}
    value = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "5"},
        {"role": "assistant", "content": "a", "reasoning_content": "It is 5."},
    ]
    called = ("call", '{"name": "add", "arguments": {"a": 2}}')
    thought = ("reasoning", "It is 5.")
    assert turns(value) == [("system", "Be brief."), QUESTION, called, ("tool", "5"), thought, ANSWER]


def test_calls_and_results_of_other_formats_are_known():
    sharegpt = [("human", "q"), ("function_call", '{"name": "add"}'), ("observation", "5"), ("gpt", "a")]
    value = [{"from": role, "value": text} for role, text in sharegpt]
    assert turns(value) == [QUESTION, ("call", '{"name": "add"}'), ("tool", "5"), ANSWER]
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "tool_use", "name": "add", "input": {"a": 2}}]
    result = [{"type": "tool_result", "content": [{"type": "text", "text": "5"}]}]
    assert turns(said(("user", "q"), ("assistant", parts), ("user", result), ANSWER)) == [
        QUESTION,
        ("reasoning", "Hm."),
        ("call", '{"name": "add", "arguments": {"a": 2}}'),
        ("tool", "5"),
        ANSWER,
    ]
    old = [*said(QUESTION), {"role": "assistant", "function_call": {"name": "f", "arguments": "x=1"}}]
    assert turns([*old, *said(("ipython", {"sum": 5}))])[1:] == [
        ("call", '{"name": "f", "arguments": "x=1"}'),
        ("tool", '{"sum": 5}'),
    ]


def test_items_of_responses_are_turns():
    value = [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "reasoning", "summary": [], "encrypted_content": "x"},
        {"type": "function_call", "call_id": "c1", "name": "add", "arguments": '{"a": 2}'},
        {"type": "function_call_output", "call_id": "c1", "output": "5"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
    ]
    called = [("call", '{"name": "add", "arguments": {"a": 2}}'), ("tool", "5")]
    assert turns(value) == [QUESTION, ("reasoning", "Hm."), *called, ANSWER]
    row = {"input": value[:1], "output": value[1:]}
    assert choose_kind(columns_of_row(row), "s").render(row, "chat").splitlines()[-1] == "assistant: a"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (said(QUESTION, ("assistant", "")), "'content' is empty"),
        (said(QUESTION, ("assistant", None)), "'content' is missing or null"),
        (said(("user", [{"type": "image_url", "image_url": "x"}]), ANSWER), "a part of 'content' is 'image_url'"),
        ([{"role": "user", "words": "q"}], r"a turn has none of value, content, .* but \['role', 'words'\]"),
        ({"from": ["human"], "value": ["q", "a"]}, "of different lengths"),
        (said(("user", [{"type": "text", "text": None}]), ANSWER), "a part of 'content' has no text"),
        ("no chat", "'messages' is text, not a list of turns"),
        ("", "has no turns"),
        ([{"user": "q"}, {"assistant": "a"}], r"a turn has none of from, role, speaker, sender, but \['user'\]"),
    ],
)
def test_what_cannot_be_rendered_says_why(value, reason):
    with pytest.raises(UnrenderableError, match=reason):
        turns(value)


def test_fields_of_turns_that_are_not_read_are_counted():
    fields = Fields({"messages": [{"role": "user", "content": "q", "name": "Ann", "weight": None}]})
    chat_turns(fields, "messages")
    assert dict(fields.unread()) == {"messages.name": 3, "messages.weight": 0}


def test_what_stands_beside_a_chat_comes_first_and_once():
    row = {
        "system": "Be brief.",
        "tools": '[{"name": "add"}]',
        "context": "It is so.",
        "messages": said(QUESTION, ANSWER),
    }
    kind = choose_kind(columns_of_row(row), "s")
    text = 'tools: [{"name": "add"}]\nsystem: Be brief.\ncontext: It is so.\nuser: q\nassistant: a'
    assert kind.render(row, "chat") == text
    twice = {"system": "Be brief.", "tools": "[]", "messages": said(("system", "Be brief."), QUESTION, ANSWER)}
    assert kind.render(twice, "chat") == "system: Be brief.\nuser: q\nassistant: a"
    assert kind.render(row, "instruction").startswith("### Tools: [")


def test_parts_of_gemini_and_of_system_prompts_are_their_texts():
    call, result = {"functionCall": {"name": "f", "args": {"x": 1}}}, {"functionResponse": {"name": "f", "response": 2}}
    chat = [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [call]},
        {"role": "function", "parts": [result]},
        {"role": "model", "parts": [{"text": "a"}]},
    ]
    row = {"contents": chat, "systemInstruction": {"parts": [{"text": "Be kind."}, {"text": "Be brief."}]}}
    assert choose_kind(columns_of_row(row), "notes").render(row, "chat") == (
        'system: Be kind.\nBe brief.\nuser: q\ncall: {"name": "f", "arguments": {"x": 1}}\n'
        'tool: {"name": "f", "response": 2}\nassistant: a'
    )
    row = {"system": [{"type": "text", "text": "Be kind."}], "prompt": "q", "response": "a"}
    assert choose_kind(columns_of_row(row), "notes").render(row, "chat") == "system: Be kind.\nuser: q\nassistant: a"


def test_the_preferred_answer_ends_a_chat_that_asks():
    answer = {"from": "gpt", "value": "a"}
    row = {
        "conversations": [{"from": "human", "value": "q"}],
        "chosen": answer,
        "rejected": {"from": "gpt", "value": "b"},
    }
    fields = Fields(row)
    assert choose_kind(columns_of_row(row), "s").read(fields, "chat") == "user: q\nassistant: a"
    assert dict(fields.unread()) == {"rejected": 4}
    whole = {"prompt": "q", "chosen": said(QUESTION, ANSWER), "rejected": said(QUESTION, ("assistant", "b"))}
    assert choose_kind(columns_of_row(whole), "s").render(whole, "chat") == "user: q\nassistant: a"
    pair = {"prompt": "q", "chosen": said(ANSWER), "rejected": "b"}
    assert choose_kind(columns_of_row(pair), "s").render(pair, "chat") == "user: q\nassistant: a"


def test_parts_may_have_values():
    parts = [{"type": "reasoning", "value": "Hm."}, {"type": "tool_call", "value": '{"name": "f", "arguments": {}}'}]
    assert turns(
        said(("user", [{"type": "text", "value": "q"}]), ("assistant", parts), ("tool", [parts[0] | {"type": "text"}]))
    ) == [
        QUESTION,
        ("reasoning", "Hm."),
        ("call", '{"name": "f", "arguments": {}}'),
        ("tool", "Hm."),
    ]


@pytest.mark.parametrize(
    "value",
    [
        [{"role": "system", "content": ""}],
        [{"role": "tool", "content": None}],
        [{"type": "reasoning"}],
        [{"role": "user", "content": [{"type": 1, "text": "x"}]}],
    ],
)
def test_a_chat_that_says_nothing_is_set_aside_with_a_reason(value):
    columns = columns_of_row({"messages": said(QUESTION, ANSWER)})
    with pytest.raises(UnrenderableError):
        choose_kind(columns, "s").render({"messages": value}, "chat")


@pytest.mark.parametrize(
    "text",
    ["[{'role': 'user', 'content': 'q'}\n {'role': 'assistant', 'content': 'a'}]", '[{"role": "user", "content": nan}'],
)
def test_a_list_of_turns_that_cannot_be_parsed_is_called_so(text):
    with pytest.raises(UnrenderableError, match="'messages' is text that begins as a list of turns and is no JSON"):
        turns(text)
