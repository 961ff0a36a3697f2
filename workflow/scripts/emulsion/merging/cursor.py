"""Where a merge stands in one source: the next document to draw, and what has been drawn.

A source is read in passes. Each pass reads its parts in a seeded order and shuffles the documents within windows; so a
draw needs no more memory than a window, and the order is a function of the seed. A cursor resumes exactly from its
progress, which says where the current window begins: the window is read again and shuffled the same way.

Rows that hold no document, and documents that are filtered out or repeat another, keep their place in a window. Drawing
passes over them and counts them, so that at every point what was processed is what was kept and what was removed.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.data.cleaning import Cleaning, Signer, Words, clean_text, why_removed
from emulsion.data.cleaning.duplicates import hash_texts
from emulsion.data.lost import check_some_are_left, loss_text
from emulsion.data.normalize import documents
from emulsion.data.unread import ColumnCounts
from emulsion.errors import UserError
from emulsion.files import whole_file
from emulsion.merging.readers import Reader
from emulsion.merging.request import Origin, Request
from emulsion.permutation import permute
from emulsion.seeds import derive_seed

# A window ends at either.
WINDOW_DOCUMENTS = 1000
WINDOW_CHARACTERS = 4 << 20

# Rows of a source after which its losses are judged, where it does not end before.
ROWS_TO_JUDGE = 1000

Document = dict[str, str]
Place = tuple[int, int]  # the part, in the order of its pass, and the row in it
# Its place, the number of its part, and the document that it is, or the record of why it is none.
Row = tuple[Place, int, Document | None, dict[str, Any]]


@dataclass
class Progress:
    """place: where the current window begins; offset: how much of it is passed; passes: those that are complete.

    documents, bytes, tokens: drawn so far; documents_per_pass: None until the end of the source has been reached.
    removed: rows that drawing passed over, by reason, in all passes. rows, set_aside: rows that were read, and those
    that hold no document, each counted once; places: {reason: file and row of the first one}; columns: what was read of
    the others. recorded: the rows of the first pass before this place are in all of these.
    """

    passes: int = 0
    place: Place = (0, 0)
    offset: int = 0
    recorded: Place = (0, 0)
    documents: int = 0
    bytes: int = 0
    tokens: int = 0
    documents_per_pass: int | None = None
    rows: int = 0
    set_aside: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)
    columns: ColumnCounts = field(default_factory=ColumnCounts)
    removed: Counter[str] = field(default_factory=Counter)

    @property
    def processed(self) -> int:
        return self.documents + self.removed.total()

    def to_json(self) -> dict[str, Any]:
        counts = {"set_aside": dict(self.set_aside), "removed": dict(self.removed), "columns": self.columns.to_json()}
        return {**vars(self), **counts, "places": dict(self.places)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Progress:
        counts = {key: Counter(value[key]) for key in ("set_aside", "removed")}
        places = {key: tuple(value[key]) for key in ("place", "recorded")}
        return cls(**{**value, **counts, **places, "columns": ColumnCounts.from_json(value["columns"])})


class Cursor:
    """Draws the documents of a source, one after another, without end.

    Rows that hold no document are put into `aside` in the first pass, with the source's name, and never drawn. seen:
    the texts of all sources, where duplicates are removed.
    """

    def __init__(
        self,
        source: Origin,
        reader: Reader,
        request: Request,
        progress: Progress,
        aside: list[dict[str, Any]],
        seen: Seen | None,
    ) -> None:
        self.source, self.progress = source, progress
        self._reader, self._request, self._aside, self.seen = reader, request, aside, seen
        self._cleaning = request.cleaning_of(source)
        self._windows: Iterator[tuple[list[Row], Place | None]] | None = None
        self._window: list[Document | str] = []  # a document, or why there is none
        self._next: Place | None = None

    def open(self) -> None:
        """Stand before a document; raises UserError where a pass has none, or where much of the source is lost.

        Where sources follow one another, one that holds nothing but duplicates is passed by.
        """
        if self._window:
            return
        self._read_window()
        self._pass_removed()
        if self.progress.documents == 0 and self.progress.passes:
            self._refuse_nothing()

    def draw(self) -> Document:
        """The next document: {id, text, source, type}."""
        self.open()
        progress = self.progress
        document = self._window[progress.offset]
        assert isinstance(document, dict)
        progress.offset += 1
        progress.documents += 1
        progress.bytes += len(document["text"].encode())
        self._pass_removed()
        return document

    def _pass_removed(self) -> None:
        """Go on to the next document, or to the end of the pass, and count what is passed over."""
        progress = self.progress
        while True:
            while progress.offset < len(self._window):
                entry = self._window[progress.offset]
                if not isinstance(entry, str):
                    return
                progress.removed[entry] += 1
                progress.offset += 1
            progress.offset = 0
            if self._next is None:
                break
            progress.place = self._next
            self._read_window()
        progress.passes += 1
        progress.place = (0, 0)
        progress.documents_per_pass = progress.documents_per_pass or progress.documents
        self._window, self._windows = [], None

    def _refuse_nothing(self) -> None:
        where, removed = self.source.where or f"sources.{self.source.name}", self.progress.removed
        check_some_are_left(self.source.name, removed.total() - self.progress.set_aside.total(), removed)
        if self._request.weighted:
            raise UserError(
                f"{where}: nothing is left of '{self.source.name}': {_counted(removed)}. Leave out --filter or "
                "--deduplicate, give it `filters: []`, or the weight 0."
            )

    def _read_window(self) -> None:
        self._windows = self._windows or self._read()
        rows, self._next = next(self._windows)
        entries = self._decided(rows)
        order = self._order(len(entries), "window", *self.progress.place)
        self._window = [entries[index] for index in order]
        self._judge_losses()

    def _judge_losses(self) -> None:
        """Raises UserError where more of the rows than the request allows hold no document."""
        progress, most = self.progress, self.source.max_loss
        most = self._request.max_loss if most is None else most
        lost, enough = progress.set_aside.total(), progress.rows >= ROWS_TO_JUDGE or self._next is None
        if progress.passes == 0 and enough and 0 < lost < progress.rows and lost > most * progress.rows:
            summary = loss_text(self.source.name, progress.rows, progress.set_aside, progress.places)
            raise UserError(
                f"{self.source.where or 'sources'}: {summary} At most {100 * most:.1f} % may be lost. Name the right "
                "`schema`, `text_field` or `columns`, mend the rows, or allow it by `max_loss` or "
                f"--max-loss {_rounded_up(lost / progress.rows)}; the merge then goes on where it is."
            )

    def _decided(self, rows: Sequence[Row]) -> list[Document | str]:
        """Each row as the document that is kept, cleaned, or why there is none."""
        kept = [(place, number, document) for place, number, document, _ in rows if document is not None]
        for _, _, document in kept:
            document["text"] = clean_text(unicodedata.normalize("NFC", document["text"]), self._cleaning)
        words = Words([document["text"] for _, _, document in kept])
        reasons = why_removed(words, self._cleaning)
        if self.seen is not None:
            left = [row for row, reason in enumerate(reasons) if reason is None]
            rows_left = [f"{kept[row][1]}/{kept[row][0][1]}" for row in left]
            for row, reason in zip(left, self.seen.judge(self.source.name, rows_left, words.take(left)), strict=True):
                reasons[row] = reason
        decided = iter(reasons)
        return [record["reason"] if document is None else next(decided) or document for _, _, document, record in rows]

    def _order(self, size: int, *use: str | int) -> NDArray[np.int64]:
        numbers = np.arange(size)
        if self._request.seed is None:
            return numbers
        return permute(numbers, size, derive_seed(self._request.seed, self.source.name, self.progress.passes, *use))

    def _read(self) -> Iterator[tuple[list[Row], Place | None]]:
        """The windows of this pass from its place on, each with where the next one begins: None at the end.

        A window begins with a document, so that the last of a pass has one.
        """
        window: list[Row] = []
        characters = 0
        for row in self._rows():
            place, _, document, record = row
            if document is not None and (len(window) >= WINDOW_DOCUMENTS or characters > WINDOW_CHARACTERS):
                yield window, place
                window, characters = [], 0
            self._record(place, record)
            window.append(row)
            characters += len(document["text"]) if document is not None else 0
        yield window, None

    def _rows(self) -> Iterator[Row]:
        first, row = self.progress.place
        parts = self._order(len(self._reader.parts), "parts").tolist()
        for number in range(first, len(parts)):
            start, name = row if number == first else 0, self._reader.parts[parts[number]]
            rows, kind = self._reader.rows(parts[number], start), self._reader.kind(parts[number])
            fixed = (kind, self.source.name, self.source.type, name)
            # What an earlier window, try or pass has counted is not counted again.
            seen = documents(itertools.islice(rows, self._known(number, start)), *fixed)
            new = documents(rows, *fixed, self.progress.columns)
            for at, (document, record) in enumerate(itertools.chain(seen, new), start):
                yield (number, at), parts[number], document, {**record, "row": at} if record else {}

    def _known(self, number: int, start: int) -> int | None:
        """How many rows of a part, from its row `start` on, are recorded; None: all."""
        part, row = self.progress.recorded
        if self.progress.passes or number < part:
            return None
        return max(0, row - start) if number == part else 0

    def _record(self, place: Place, record: dict[str, Any]) -> None:
        """Count a row of the first pass, once, and set it aside if it holds no document."""
        progress = self.progress
        if progress.passes == 0 and place >= progress.recorded:
            progress.recorded = (place[0], place[1] + 1)
            progress.rows += 1
            if record:
                progress.set_aside[record["reason"]] += 1
                progress.places.setdefault(record["reason"], f"{record['file']}, row {record['row']}")
                self._aside.append({"source": self.source.name, **record})


def _counted(reasons: Counter[str]) -> str:
    shown = [f"{count:,} x {reason}" for reason, count in reasons.most_common(5)]
    return "; ".join([*shown, *(["..."] if len(reasons) > 5 else [])])


def _rounded_up(share: float) -> float:
    return min(1.0, int(share * 100 + 1) / 100)


class Seen:
    """The texts that have been read, by hash: a document goes if one that was read before has the same text.

    With `near`, also if it has a MinHash band in common with one that was kept. The row that had a text first is
    remembered, so that a source's next pass keeps what its first one kept. Memory: about 0.3 KB for each document that
    is kept, with `near` 2.5 KB.
    """

    def __init__(self, settings: Cleaning) -> None:
        self._signer = Signer(settings)
        self._first: dict[int, int] = {}  # hash of a text: hash of the row that had it first
        self._bands: set[int] = set()
        self._new: list[list[int]] = []

    def judge(self, source: str, rows: Sequence[str], words: Words) -> list[str | None]:
        """For each text, from the given row of the source, why it goes, or None; those that stay are remembered."""
        if not rows:
            return []
        hashes = np.stack([column.to_numpy() for column in self._signer.table(rows, words).columns[1:]], axis=1)
        owners = hash_texts(f"{source}\0{row}" for row in rows).tolist()
        return [
            self._judge(text, owner, bands) for owner, (text, _, *bands) in zip(owners, hashes.tolist(), strict=True)
        ]

    def _judge(self, text: int, owner: int, bands: list[int]) -> str | None:
        first = self._first.get(text)
        if first == owner:
            return None
        if first is not None:
            return "duplicate: exact"
        if not self._bands.isdisjoint(bands):
            return "duplicate: near"
        self._remember(text, owner, bands)
        self._new.append([text, owner, *bands])
        return None

    def _remember(self, text: int, owner: int, bands: list[int]) -> None:
        self._first[text] = owner
        self._bands.update(bands)

    def save(self, file: Path) -> None:
        """Write what was remembered since the last time."""
        with whole_file(file) as part, part.open("wb") as out:
            np.save(out, np.array(self._new, np.uint64))
        self._new.clear()

    def load(self, file: Path) -> None:
        for text, owner, *bands in np.load(file, allow_pickle=False).tolist():
            self._remember(text, owner, bands)
