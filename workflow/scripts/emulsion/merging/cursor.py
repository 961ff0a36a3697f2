"""Where a merge stands in one source: the next document to draw, and what has been drawn.

A source is read in passes. Each pass reads its parts in a seeded order and shuffles the documents within windows; so a
draw needs no more memory than a window, and the order is a function of the seed. A cursor goes on exactly from its
progress, which says where the current window begins: the window is read again and shuffled the same way.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.data.lost import check_some_are_left
from emulsion.data.normalize import documents
from emulsion.data.schemas import choose_kind
from emulsion.merging.readers import Reader
from emulsion.merging.request import Origin
from emulsion.plan import permute
from emulsion.seeds import derive_seed

# A window ends at either.
WINDOW_DOCUMENTS = 1000
WINDOW_CHARACTERS = 4 << 20

Document = dict[str, str]
Place = tuple[int, int]  # the part, in the order of its pass, and the row in it


@dataclass
class Progress:
    """place: where the current window begins; offset: how many of it are drawn; passes: those that are complete.

    recorded: rows of the first pass before this place have been set aside where they had to be.
    documents, bytes, tokens: drawn so far; documents_per_pass: None until the end of the source has been reached.
    """

    passes: int = 0
    place: Place = (0, 0)
    offset: int = 0
    recorded: Place = (0, 0)
    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    documents_per_pass: int | None = None
    set_aside: dict[str, int] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Progress:
        return cls(**{**value, "place": tuple(value["place"]), "recorded": tuple(value["recorded"])})


class Cursor:
    """Draws the documents of a source, one after another, without end.

    seed: None keeps the order of the source. Rows that cannot be read or have no text are put into `aside` in the
    first pass, with the source's name, and never drawn.
    """

    def __init__(
        self, source: Origin, reader: Reader, seed: int | None, progress: Progress, aside: list[dict[str, Any]]
    ) -> None:
        self.source, self.progress = source, progress
        self._reader, self._seed, self._aside = reader, seed, aside
        self._kind = choose_kind(reader.columns(), source.name, text_field=source.text_field)
        self._windows: Iterator[tuple[list[Document], Place | None]] | None = None
        self._window: list[Document] = []
        self._next: Place | None = None

    def open(self) -> None:
        """Read the current window, if that is not done; raises UserError where a pass has no document."""
        if self._window:
            return
        if self._windows is None:
            self._windows = self._read()
        documents, self._next = next(self._windows)
        if not documents:
            check_some_are_left(self.source.name, 0, self.progress.set_aside)
        order = self._order(len(documents), "window", *self.progress.place)
        self._window = [documents[index] for index in order]

    def draw(self) -> Document:
        """The next document: {id, text, source, type}."""
        self.open()
        progress = self.progress
        document = self._window[progress.offset]
        progress.offset += 1
        progress.documents += 1
        progress.bytes += len(document["text"].encode())
        if progress.offset == len(self._window):
            self._close()
        return document

    def _close(self) -> None:
        progress = self.progress
        self._window, progress.offset = [], 0
        if self._next is not None:
            progress.place = self._next
            return
        progress.passes += 1
        progress.place = (0, 0)
        progress.documents_per_pass = progress.documents_per_pass or progress.documents
        self._windows = None

    def _order(self, size: int, *use: str | int) -> NDArray[np.int64]:
        numbers = np.arange(size)
        if self._seed is None:
            return numbers
        return permute(numbers, size, derive_seed(self._seed, self.source.name, self.progress.passes, *use))

    def _read(self) -> Iterator[tuple[list[Document], Place | None]]:
        """The windows of this pass from its place on, each with where the next one begins: None at the end."""
        window: list[Document] = []
        characters = 0
        for place, document, record in self._documents():
            if document is None:
                self._set_aside(place, record or {})
                continue
            if len(window) == WINDOW_DOCUMENTS or characters > WINDOW_CHARACTERS:
                yield window, place
                window, characters = [], 0
            document["text"] = unicodedata.normalize("NFC", document["text"])
            window.append(document)
            characters += len(document["text"])
        yield window, None

    def _documents(self) -> Iterator[tuple[Place, Document | None, dict[str, Any] | None]]:
        first, row = self.progress.place
        parts = self._order(len(self._reader.parts), "parts").tolist()
        for number in range(first, len(parts)):
            start, name = row if number == first else 0, self._reader.parts[parts[number]]
            rows = self._reader.rows(parts[number], start)
            pairs = documents(rows, self._kind, self.source.name, self.source.type, name)
            for at, (document, record) in enumerate(pairs, start):
                yield (number, at), document, record and {**record, "row": at}

    def _set_aside(self, place: Place, record: dict[str, Any]) -> None:
        progress = self.progress
        if progress.passes == 0 and place >= progress.recorded:
            progress.recorded = (place[0], place[1] + 1)
            progress.set_aside[record["reason"]] = progress.set_aside.get(record["reason"], 0) + 1
            self._aside.append({"source": self.source.name, **record})
