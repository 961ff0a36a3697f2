"""Items from tables: one row of facts, or a draw of numbers and names, put into the wordings of a suite.

A table, in a suite's file under `tables`:

table: name             of the table; items are called {table}-000, {table}-001, ...
capability: name
columns: [name], rows: [[value]]       optional; each row is asked
draw: {name: [value] | "2..9"}         optional; one of the values, or a whole number of the range, for each item
times: int              items for each row and wording, of different draws (default 1)
compute: {name: expression}            optional; arithmetic on the other columns: + - * // % and comparisons
where: expression       optional; draws for which it does not hold are drawn again
topic: text             what alike items have in common (default: the table's name and the row's first column)
ask: [wording]          each a mapping like an item: `prompt`, `kind`, `topic` (instead of the table's), `earlier`
                        (turns before: [[user, assistant]]), and for a choice `right` and `wrong`: texts, or
                        {column: name}, the values of other rows, of which three are drawn where there are more, each
                        put behind a blank; for a generation `checks` and `max_new_tokens`

In all texts and expressions {name} stands for the column's value, which may hold places itself. In checks a text that
is "{name}" alone keeps the value's type, and {column: name} stands for the list of the other rows' values.
"""

from __future__ import annotations

import ast
import operator
import random
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from emulsion.errors import UserError, unknown
from emulsion.fields import WHOLE, Form, check_keys
from emulsion.seeds import derive_seed

Values = dict[str, Any]

WRONG_CHOICES = 3
TRIES = 200  # draws for one item, before a table is said to hold too few

_KEYS = ("table", "capability", "columns", "rows", "draw", "times", "compute", "where", "topic", "ask")
_ASK_KEYS = ("kind", "topic", "prompt", "earlier", "right", "wrong", "checks", "max_new_tokens")
_FORMS: Mapping[str, Form] = {
    "columns": ("a list of different names", lambda value: _is_list_of(value, str) and len(set(value)) == len(value)),
    "rows": ("a list of rows, each a list of values", lambda value: isinstance(value, list)),
    "draw": ("a mapping of names to what is drawn", lambda value: isinstance(value, Mapping)),
    "times": WHOLE,
    "compute": ("a mapping of names to expressions", lambda value: isinstance(value, Mapping)),
    "ask": ("a list of wordings", lambda value: isinstance(value, list) and bool(value)),
}
_RANGE = re.compile(r"(-?[0-9]+)\.\.(-?[0-9]+)")
_PLACE = re.compile(r"\{(\w+)\}")
_OPERATIONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def table_items(table: Any, where: str) -> Iterator[tuple[dict[str, Any], Values]]:
    """The items of a table as a suite's file would hold them, each with the values of its columns.

    Raises UserError, which starts with `where`, for a table that is not as this module describes.
    """
    check_keys(table, _KEYS, ("table", "capability", "ask"), where)
    name = str(table["table"])
    where = f"{where}: table '{name}'"
    for key, (words, fits) in _FORMS.items():
        if key in table and not fits(table[key]):
            raise UserError(f"{where}: {key}: should be {words}, but is {table[key]!r}.")
    columns, rows = list(table.get("columns", [])), list(table.get("rows", [[]]))
    for row in rows:
        if not isinstance(row, list) or len(row) != len(columns):
            named = f"names {columns}" if columns else "is missing"
            raise UserError(f"{where}: the row {row!r} should be a list of a value per column, but `columns` {named}.")
    number = 0
    asked: set[str] = set()
    for place, row in enumerate(rows):
        own = dict(zip(columns, row, strict=True))
        for turn, wording in enumerate(table["ask"]):
            rng = random.Random(derive_seed(0, "table", name, place, turn))
            for _ in range(int(table.get("times", 1))):
                item, values = _different(table, own, wording, rows, rng, asked, where)
                yield {"id": f"{name}-{number:03d}", "capability": table["capability"], **item}, values
                number += 1


def _different(
    table: Mapping[str, Any],
    own: Values,
    wording: Any,
    rows: list[list[Any]],
    rng: random.Random,
    asked: set[str],
    where: str,
) -> tuple[dict[str, Any], Values]:
    """An item that the table has not asked yet, of other draws where it has."""
    for _ in range(TRIES if "draw" in table else 1):
        values = own | {
            key: _drawn(options, rng, f"{where}: draw.{key}") for key, options in table.get("draw", {}).items()
        }
        for key, expression in table.get("compute", {}).items():
            values[key] = evaluated(_filled(str(expression), values, where), values, f"{where}: compute.{key}")
        if "where" in table and not evaluated(table["where"], values, f"{where}: where"):
            continue
        item = _item(table, wording, values, rows, rng, where)
        key = repr((item["prompt"], item.get("earlier"), item["kind"]))
        choices = item.get("choices", [])
        if key not in asked and len(set(choices)) == len(choices):
            asked.add(key)
            return item, values
    raise UserError(f"{where}: no further item that differs from the others, in row {list(own.values())}.")


def _item(
    table: Mapping[str, Any], wording: Any, values: Values, rows: list[list[Any]], rng: random.Random, where: str
) -> dict[str, Any]:
    if not isinstance(wording, Mapping) or "prompt" not in wording or "kind" not in wording:
        raise UserError(f"{where}: ask: {wording!r} is not a mapping with a kind and a prompt.")
    for key in wording:
        if key not in _ASK_KEYS:
            raise unknown("key", str(key), _ASK_KEYS, f"{where}: ask")

    def others(column: str) -> list[str]:
        """The different values of a column in other rows."""
        if column not in (columns := list(table.get("columns", []))):
            raise unknown("column", column, columns, f"{where}: ask")
        found = dict.fromkeys(str(row[columns.index(column)]) for row in rows)
        return [value for value in found if value != str(values[column])]

    def fill(part: Any) -> Any:
        if isinstance(part, Mapping):
            return (
                others(part["column"]) if set(part) == {"column"} else {fill(k): fill(each) for k, each in part.items()}
            )
        if isinstance(part, list):
            return [fill(each) for each in part]
        return _filled(part, values, where) if isinstance(part, str) else part

    # The row's first value, its places unfilled: draws of one row are alike.
    first = [str(values[column]) for column in list(table.get("columns", []))[:1]]
    topic = fill(table["topic"]) if "topic" in table else " ".join([str(table["table"]), *first])
    item = {"topic": topic, **{key: fill(part) for key, part in wording.items() if key not in ("right", "wrong")}}
    item["prompt"] = str(item["prompt"])
    if wording["kind"] == "choice":
        _check_answers(wording, where)
        right, wrong = str(fill(wording["right"])), [str(each) for each in fill(wording["wrong"])]
        wrong = rng.sample(wrong, WRONG_CHOICES) if len(wrong) > WRONG_CHOICES else wrong
        choices = [f" {right}", *(f" {each}" for each in wrong)]
        rng.shuffle(choices)
        item |= {"choices": choices, "answer": choices.index(f" {right}")}
    return item


def _check_answers(wording: Mapping[str, Any], where: str) -> None:
    for key in ("right", "wrong"):
        if key not in wording:
            raise UserError(f"{where}: ask: a choice needs `right` and `wrong`; the key '{key}' is missing.")
    wrong = wording["wrong"]
    if not (isinstance(wrong, Mapping) and set(wrong) == {"column"}) and not (isinstance(wrong, list) and wrong):
        raise UserError(f"{where}: ask: wrong: {wrong!r} is neither a list of texts nor {{column: name}}.")


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(each, kind) for each in value)


def _drawn(options: Any, rng: random.Random, where: str) -> Any:
    span = _RANGE.fullmatch(options) if isinstance(options, str) else None
    if span and int(span[1]) <= int(span[2]):
        return rng.randint(int(span[1]), int(span[2]))
    if not isinstance(options, list) or not options:
        raise UserError(f"{where}: {options!r} is neither a list of values nor a range such as 2..9.")
    return rng.choice(options)


def _filled(text: str, values: Values, where: str) -> Any:
    """A text with the columns' values in it; one that is a single {name} is the value itself."""
    if (whole := _PLACE.fullmatch(text)) and whole[1] in values:
        alone = values[whole[1]]
        if not isinstance(alone, str) or not _PLACE.search(alone):
            return alone
        return _filled(alone, {name: value for name, value in values.items() if name != whole[1]}, where)

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise unknown("column", match[1], values, where)
        return str(values[match[1]])

    once = _PLACE.sub(value, text)
    return _PLACE.sub(value, once)


def evaluated(expression: Any, values: Values, where: str) -> Any:
    """The value of an arithmetic expression on columns; raises UserError for anything else."""

    def value(node: ast.AST) -> Any:
        match node:
            case ast.Expression(body=body):
                return value(body)
            case ast.Constant(value=int() | str() as constant):
                return constant
            case ast.Name(id=name) if name in values:
                return values[name]
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS:
                return _OPERATIONS[type(op)](value(left), value(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATIONS:
                return _OPERATIONS[type(op)](value(left), value(right))
            case ast.BoolOp(op=ast.And(), values=parts):
                return all(value(part) for part in parts)
        raise UserError(f"{where}: {expression!r} is not arithmetic on the columns {', '.join(values)}.")

    try:
        return value(ast.parse(str(expression), mode="eval"))
    except (SyntaxError, TypeError, ZeroDivisionError) as error:
        raise UserError(f"{where}: {expression!r} has no value: {error}.") from None
