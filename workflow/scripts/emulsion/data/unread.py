"""Which columns of its rows a source is read by, and how much text is in those that are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

# Share of a source's characters from which a column that is not read is said to the user.
SHOWN = 0.05


class Fields:
    """A record that is being rendered: remembers which of its fields were asked for.

    path: what its fields are called in messages and counts, such as `messages.`; empty for a row.
    """

    def __init__(self, record: Mapping[str, Any], path: str = "") -> None:
        self.record, self.path = record, path
        self._taken: set[str] = set()
        self._inner: list[Fields] = []
        self._opened: dict[str, Fields] = {}
        self._skipped: list[tuple[str, int]] = []

    def skip(self, name: str, value: Any) -> None:
        """Enter a part of a value as not read."""
        self._skipped.append((escaped(self.path + name), 0 if value is None else characters(value)))

    def take(self, name: str) -> Any:
        """The value of a field, or None; a dot leads into records."""
        if name not in self.record and "." in name:
            outer, _, rest = name.partition(".")
            record = self.record.get(outer)
            if isinstance(record, Mapping):
                self._taken.add(outer)
                if outer not in self._opened:
                    self._opened[outer] = self.inner(record, outer)
                return self._opened[outer].take(rest)
        self._taken.add(name)
        return self.record.get(name)

    def inner(self, record: Mapping[str, Any], name: str) -> Fields:
        """A record within one of the fields; its own fields are counted one by one."""
        fields = Fields(record, f"{self.path}{name}.")
        self._inner.append(fields)
        return fields

    def read(self) -> Iterator[str]:
        """The columns of a row that were asked for."""
        return (name for name in self.record if name in self._taken)

    def unread(self) -> Iterator[tuple[str, int]]:
        """(name, characters) of each field that was not asked for."""
        for name, value in self.record.items():
            if name not in self._taken:
                yield escaped(self.path + str(name)), characters(value)
        yield from self._skipped
        for fields in self._inner:
            yield from fields.unread()


def escaped(text: str) -> str:
    """A text with halves of surrogate pairs, which no file can hold, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()


def characters(value: Any) -> int:
    """Of all text, numbers and other values in a value, however deep; names of fields are not counted."""
    count, left = 0, [value]
    for value in left:  # which grows
        if value is None:
            continue
        kind = type(value)
        if kind is str or kind is bytes:
            count += len(value)
        elif kind is dict:
            left += value.values()
        elif kind is list or kind is tuple:
            left += value
        else:
            count += len(str(value))
    return count


@dataclass
class ColumnCounts:
    """characters: of all columns of the rows that became documents; read: columns; unread: {column: characters}."""

    characters: int = 0
    read: set[str] = field(default_factory=set)
    unread: Counter[str] = field(default_factory=Counter)

    def add(self, fields: Fields) -> None:
        """Enter a row that became a document."""
        self.characters += characters(fields.record)
        self.read.update(fields.read())
        for name, count in fields.unread():
            self.unread[name] += count

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        total = ColumnCounts(self.characters + other.characters, self.read | other.read, Counter(self.unread))
        total.unread.update(other.unread)  # unlike `+`, keeps what is 0
        return total

    def to_json(self) -> dict[str, Any]:
        unread = dict(sorted(self.unread.items()))
        return {"characters": self.characters, "read": sorted(self.read), "unread": unread}

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Self:
        return cls(raw["characters"], set(raw["read"]), Counter(raw["unread"]))

    def shares(self) -> dict[str, Any]:
        """{"read": columns, "unread": {column: its share of the characters}}, the largest share first."""
        whole = max(self.characters, 1)
        unread = sorted(self.unread.items(), key=lambda item: (-item[1], item[0]))
        return {"read": sorted(self.read), "unread": {name: count / whole for name, count in unread}}

    def text(self, source: str) -> str:
        """Which columns with much text are not part of a source's documents; empty where there are none."""
        shares = self.shares()["unread"]
        shown = [f"{name} ({100 * share:.0f} % of the characters)" for name, share in shares.items() if share > SHOWN]
        return f"{source}: columns that are not read: {', '.join(shown)}." if shown else ""
