"""The schemas of rows: which columns hold the text, a chat, or a question and its answer, and how a row is rendered.

A source has a kind, by its columns or by its configuration. A row that has none of the columns of that kind is read by
those it has, so that rows of several schemas in one source are all read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from emulsion.data import chats, questions
from emulsion.data.render import Row, Turn, UnrenderableError, is_empty, render_turns, required
from emulsion.data.unread import Fields
from emulsion.errors import UserError, unknown

CHAT_COLUMNS = ("conversations", "messages", "conversation", "chat", "dialog", "dialogue", "dialogs", "turns")
# Names that others use for other things: a chat only by the form of its value.
CHATS_BY_FORM = ("data", "contents", "segments", "chosen_messages", "chosen", "input", "prompt")
TEXTS_IN_TURN = (*CHAT_COLUMNS, "data")
TEXT_COLUMNS = ("text", "content", "raw_content", "contents", "segments")
NATURAL_INSTRUCTIONS = ("definition", "input", "output")
KINDS = (
    "natural_instructions",
    "chat",
    "chat_from_value",
    "chat_role_content",
    "instruction_response",
    "prompt_text",
    "text",
)
COLUMNS_SHOWN = 20
CHATS = ("chat", "chat_from_value", "chat_role_content")

Columns = Mapping[str, frozenset[str]]
Named = questions.Named
NONE_NAMED: Named = MappingProxyType({})
Read = Callable[[Fields, str], str]


@dataclass(frozen=True)
class Schema:
    """One way to read a row: the columns it needs, and how they become text."""

    name: str
    columns: tuple[str, ...]
    read: Read

    def fits(self, row: Row) -> bool:
        """Whether the row says something in each of the columns, and a chat is one by its form."""
        if any(is_empty(_value(row, column)) for column in self.columns):
            return False
        if self.name not in CHATS:
            return True
        column = self.columns[0]
        value = _value(row, column)
        return chats.is_chat(value, column in TEXTS_IN_TURN) and (column != "chosen" or chats.is_whole(value))


@dataclass(frozen=True)
class Kind:
    """How the rows of a source become text: by its own schema, or else by that which the row's columns fit.

    fixed: the configuration says how, so that every row is read by it.
    """

    schema: Schema
    fixed: bool = False
    named: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return self.schema.name

    @property
    def columns(self) -> tuple[str, ...]:
        return self.schema.columns

    def render(self, row: Row, document_type: str) -> str:
        return self.read(Fields(row), document_type)

    def read(self, fields: Fields, document_type: str) -> str:
        """The text of a row; raises UnrenderableError where it has none."""
        row = fields.record
        if self.fixed or self.schema.fits(row):
            return self.schema.read(fields, document_type)
        possible = _schemas(tuple(row), self.named)
        chosen = next((schema for schema in possible if schema.fits(row)), None)
        if chosen is None and not any(column in row for column in self.columns):
            # The first that its columns name tells what is empty in it.
            named = (each for each in possible if each.name not in CHATS or each.columns[0] in CHAT_COLUMNS)
            chosen = next(named, None)
            if chosen is None:
                raise UnrenderableError(f"no known schema fits its columns ({_found(dict.fromkeys(row, frozenset()))})")
        return (chosen or self.schema).read(fields, document_type)


def _value(row: Row, column: str) -> object:
    return row[column] if column in row else Fields(row).take(column)


def _chat(column: str, named: Named) -> Read:
    def read(fields: Fields, document_type: str) -> str:
        turns = chats.chat_turns(fields, column)
        first = [*questions.before(fields, turns, named), *questions.context_turns(fields, named)]
        return render_turns([*first, *turns, *questions.preferred_turns(fields, turns)], document_type)

    return read


def _pair(question: str, answer: str, named: Named) -> Read:
    return lambda fields, document_type: render_turns(
        questions.pair_turns(fields, question, answer, named), document_type
    )


def _plain(column: str) -> Read:
    """A column of text, or of a list of texts, one a line, or of records with a text each."""

    def read(fields: Fields, document_type: str) -> str:
        value = fields.take(column)
        if isinstance(value, Mapping) and isinstance(value.get("text"), str):
            return required(fields.inner(value, column).take("text"), column)
        if isinstance(value, list) and value:
            if all(isinstance(each, Mapping) and isinstance(each.get("text"), str) for each in value):
                return required("".join(fields.inner(each, column).take("text") for each in value), column)
            if all(isinstance(each, str) for each in value):
                value = "\n".join(value)
        return required(value, column)

    return read


def _task(fields: Fields, document_type: str) -> str:
    """An instance of a Natural Instructions task: definition and input asked, the first of its outputs answered.

    The official prompt puts "Input: " right behind the definition, which often ends without a stop or a blank, so that
    the two run together; here an empty line parts them.
    """
    outputs = fields.take("output")
    outputs = [outputs] if isinstance(outputs, str) else outputs
    if not isinstance(outputs, list) or not outputs:
        raise UnrenderableError("'output' has no answers")
    if len(outputs) > 1:
        fields.skip("output[1:]", outputs[1:])
    definition = fields.take("definition")
    if isinstance(definition, list) and all(isinstance(part, str) for part in definition):
        definition = "\n".join(definition)
    question = required(definition, "definition").strip()
    question = f"{question}\n\nInput: {required(fields.take('input'), 'input').strip()}"
    turns: list[Turn] = [("user", question), ("assistant", required(outputs[0], "output"))]
    return render_turns(turns, document_type)


def _chat_name(fields: frozenset[str]) -> str:
    if fields >= {"from", "value"}:
        return "chat_from_value"
    return "chat_role_content" if fields >= {"role", "content"} else "chat"


@lru_cache(maxsize=1024)
def _schemas(columns: tuple[str, ...], named: tuple[tuple[str, str], ...]) -> tuple[Schema, ...]:
    """The schemas that rows with these columns may have, the most telling first."""
    return tuple(_possible({column: frozenset() for column in columns}, dict(named), by_row=True))


def _possible(columns: Columns, named: Named, by_row: bool = False) -> Iterator[Schema]:
    """by_row: the form of chats is looked at in each row; else it is judged by the fields of their records."""
    for column in CHAT_COLUMNS:
        if column in columns and (by_row or _may_be_chat(columns[column])):
            yield Schema(_chat_name(columns[column]), (column,), _chat(column, named))
    for column in CHATS_BY_FORM:
        # A question that is a chat has its answer in another column.
        asks = column in questions.QUESTION_COLUMNS and _answers(column, columns)
        if column in columns and not asks and (by_row or chats.is_turn(dict.fromkeys(columns[column]))):
            yield Schema(_chat_name(columns[column]), (column,), _chat(column, named))
    if all(column in columns for column in NATURAL_INSTRUCTIONS):
        yield Schema("natural_instructions", NATURAL_INSTRUCTIONS, _task)
    for question in questions.QUESTION_COLUMNS:
        if question in columns:
            for answer in _answers(question, columns):
                yield Schema("instruction_response", (question, answer), _pair(question, answer, named))
    yield from _texts(columns, TEXT_COLUMNS)
    # Not one of questions and answers: a record that holds all rows of a file has them under `data`.
    if "data" in columns and not by_row and not columns["data"]:
        yield Schema("chat", ("data",), _chat("data", named))


def _texts(columns: Columns, names: tuple[str, ...]) -> Iterator[Schema]:
    for text in names:
        if _is_there(text, columns):
            if "prompt" in columns and text != "prompt":
                yield Schema("prompt_text", ("prompt", text), _plain(text))
            yield Schema("text", (text,), _plain(text))


def _may_be_chat(fields: frozenset[str]) -> bool:
    """By the fields of its records; what has no records may be a list of texts, or JSON."""
    return not fields or chats.is_turn(dict.fromkeys(fields)) or chats.is_exchange(dict.fromkeys(fields, "?"))


def _answers(question: str, columns: Columns) -> list[str]:
    return [answer for answer in questions.answers_of(question) if answer in columns]


def _is_there(column: str, columns: Columns) -> bool:
    return column in columns or column.partition(".")[0] in columns


def detect(columns: Columns, text_field: str | None, named: Named) -> Kind | None:
    """The kind of a native schema, or None.

    columns: {column: fields of its records where it is a list of records, else empty}. A set with both chats and flat
    columns is read by its chats, which keep every turn; columns that the configuration names come before all others.
    """
    if text_field and _is_there(text_field, columns):
        return Kind(next(_texts(columns, (text_field,))), fixed=True)
    schema, fixed = _by_name(columns, named), True
    if schema is None:
        schema, fixed = next(_possible(columns, named), None), False
    return Kind(schema, fixed, tuple(sorted(named.items()))) if schema else None


def _by_name(columns: Columns, named: Named) -> Schema | None:
    """The schema of the columns that the configuration names; None where it names no more than what stands beside."""
    if "text" in named:
        return Schema("text", (named["text"],), _plain(named["text"]))
    if "chat" in named:
        column = named["chat"]
        return Schema(_chat_name(columns.get(column, frozenset())), (column,), _chat(column, named))
    if "question" in named or "answer" in named:
        given = [named["question"]] if "question" in named else questions.QUESTION_COLUMNS
        for question in given:
            answers = [named["answer"]] if "answer" in named else _answers(question, columns)
            if _is_there(question, columns) and answers:
                columns_of_pair = (question, answers[0])
                return Schema("instruction_response", columns_of_pair, _pair(*columns_of_pair, named))
    return None


def choose_kind(
    columns: Columns,
    source: str,
    configured: str | None = None,
    text_field: str | None = None,
    named: Named = NONE_NAMED,
) -> Kind:
    """The kind of a source; raises UserError where none fits or the configuration says another.

    configured: the kind that the configuration says, which settles a case that the columns leave open. text_field,
    named: the columns that it names.
    """
    if not columns:
        raise UserError(f"sources.{source}: nothing is left of it: none of its files has a row that can be read.")
    for role, column in named.items():
        if not _is_there(column, columns):
            raise unknown("column", column, columns, f"sources.{source}.columns.{role}")
    if text_field not in (None, "text") and not _is_there(str(text_field), columns):
        raise unknown("column", str(text_field), columns, f"sources.{source}.text_field")
    kind = detect(columns, text_field, named)
    found = _found(columns)
    if kind is None:
        raise UserError(
            f"sources.{source}: no known schema fits its columns ({found}). Known kinds: {', '.join(KINDS)}. "
            "If the text is in another column, name it in `text_field`; name those of chats, questions and answers in "
            "`columns`."
        )
    if configured is None:
        return kind
    possible = [kind.schema, *_possible(columns, named), *_texts(columns, (text_field or "text",))]
    chosen = next((schema for schema in possible if _is_called(schema, str(configured))), None)
    if chosen is None:
        raise UserError(f"sources.{source}.schema: says '{configured}', but the columns ({found}) are '{kind.name}'.")
    return Kind(chosen, True, kind.named)


def _found(columns: Columns) -> str:
    names = sorted(map(str, columns))
    return ", ".join([*names[:COLUMNS_SHOWN], *(["..."] if len(names) > COLUMNS_SHOWN else [])])


def _is_called(schema: Schema, name: str) -> bool:
    """Whether a schema is of a kind; chats whose form is seen only in the rows may be of any kind of chats."""
    return schema.name == name or {"chat"} < {schema.name, name} <= set(CHATS)
