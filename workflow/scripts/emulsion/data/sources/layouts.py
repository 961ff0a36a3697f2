"""The values of a JSON file by its layout, which its first MB tells: lists, lines, or record after record."""

from __future__ import annotations

import codecs
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from emulsion.data.chats import is_chat, is_dialogue
from emulsion.data.sources.cutting import line_end, lines, unless_blank, whole
from emulsion.data.sources.streams import CHUNK_BYTES, File, Malformed, chunks, head_of
from emulsion.data.sources.values import values

LINES_SUFFIXES = (".jsonl", ".ndjson")
_JOINED = re.compile(rb"\}(?:\xef\xbb\xbf)?\{")  # two records, maybe with the mark of a file between them


def json_values(file: File, suffix: str) -> Iterator[bytes | Malformed]:
    """The values of a JSON file, as they are written: those of lists, lines, or records one after another.

    A list of the turns of one chat is one value. suffix: of the file, which settles it where the first line is longer
    than what is looked at.
    """
    head, source = head_of(chunks(file))
    layout = _layout(head, suffix.startswith(LINES_SUFFIXES))
    if layout == "lines":
        yield from itertools.chain.from_iterable(map(_apart, lines(source, line_end(head))))
    elif layout == "list" and len(head) < CHUNK_BYTES and is_dialogue(_loads(head)):
        yield whole(source)
    else:
        yield from values(source, layout == "list")


def _layout(head: bytes, should_be_lines: bool) -> str:
    """list, lines or records, by the first MB of the file."""
    begun = [line.strip().removeprefix(codecs.BOM_UTF8) for line in head.split(line_end(head)) if line.strip()][:3]
    if not begun:
        return "lines"
    first, *rest = begun
    value = _loads(first)
    is_whole = not isinstance(value, ValueError)
    is_line = should_be_lines and len(head) >= CHUNK_BYTES and line_end(head) not in head  # one whose end is not seen
    if not first.startswith(b"["):
        return "lines" if is_whole else _layout_of_record(head, is_line)
    if is_line and not is_whole and _begins_with_turn(first):
        return "lines"
    if is_whole:  # the one line of a list, or a row that is a list
        holds_rows = not is_chat(value) and all(isinstance(row, dict) for row in value)
        return "lines" if rest and not holds_rows and rest[0].startswith((b"[", b"{")) else "list"
    # A broken row before whole ones, or the beginning of a list.
    is_row = len(rest) == 2 and isinstance(_loads(rest[0]), dict) and not rest[0].endswith(b",")
    return "lines" if is_row and not rest[1].startswith((b"]", b",")) else "list"


def _begins_with_turn(data: bytes) -> bool:
    """Whether a list is a chat by its first element, so that it is a row."""
    try:
        first, _ = json.JSONDecoder().raw_decode(data[1:].decode("utf-8", "replace").lstrip())
    except (ValueError, RecursionError):
        return False
    return is_chat([first])


def _layout_of_record(head: bytes, is_line: bool) -> str:
    """lines or records: the first line is no value, be it broken or the beginning of a record on several lines.

    is_line: whether the file should be one of lines, and the end of the first is not in the head.
    """
    text = head.decode("utf-8", "replace").lstrip()
    line = text.partition(line_end(head).decode())[0]
    try:
        _, stop = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        # Only where nothing but the end of the head is at fault is this the beginning of a record on several lines.
        is_cut = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip()) - len("\\u0000")
        return "records" if is_cut and not is_line else "lines"
    except (ValueError, RecursionError):
        return "lines"
    # What ends with the first line is a row, in which a byte is not UTF-8.
    return "records" if text.startswith("{") and (stop > len(line) or line[stop:].strip(" ,\r")) else "lines"


def _loads(data: bytes) -> Any:
    """The value, or a ValueError."""
    try:
        return json.loads(data.strip().removeprefix(codecs.BOM_UTF8).removesuffix(b","))
    except ValueError as error:
        return error
    except RecursionError:
        return ValueError("nested too deeply")


def _apart(line: bytes | Malformed) -> Iterator[bytes | Malformed]:
    """The records of a line: one, or several where files were joined of which one had no end of line at its end."""
    if not isinstance(line, bytes) or not _JOINED.search(line) or not isinstance(_loads(line), ValueError):
        return unless_blank(line)
    return values(iter([line]), in_lists=False)
