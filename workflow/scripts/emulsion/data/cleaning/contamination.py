"""Decontamination: no document shares a run of words with an evaluation suite, none of train with a held-out document.

As GPT-3's (arXiv:2005.14165, appendix C): runs of 13 words without case and marks; a shorter text of a suite is
compared whole from 8 words on, as below that phrases of the language match. A run that is in several held-out documents
is left out, since boilerplate would take all of a source with it; of suites every run counts. Unlike there, the whole
document goes, as it is one short text here rather than a book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from emulsion.data.cleaning.policy import Cleaning, Decontaminate
from emulsion.data.cleaning.words import Hashes, Indices, Lookup, Words, ngrams
from emulsion.tables import read_table

SHORTEST = 8  # words of a text of a suite that is compared
HELD_OUT = pa.schema([("hash", pa.uint64()), ("documents", pa.int32())])


@dataclass(frozen=True)
class Match:
    """What a document has in common: with the item of a suite, or with a held-out document of a source (item: None)."""

    name: str
    item: str | None
    words: str

    @property
    def reason(self) -> str:
        return f"held-out document of {self.name}" if self.item is None else f"evaluation suite {self.name}"


class HeldOutNgrams:
    """Collects the sampled n-grams of the validation and test documents of a shard: of those that are kept.

    Documents that deduplication removes are left out by the caller; else of two copies, the one in train that was kept
    would be taken for contamination by the other, and both be lost.
    """

    def __init__(self, settings: Cleaning) -> None:
        chosen = settings.decontaminate
        self._settings = chosen if chosen and chosen.held_out else None
        self._hashes: list[Hashes] = []

    def add(self, words: Words) -> None:
        """Of held-out documents; shorter ones than an n-gram have none."""
        if self._settings is None:
            return
        for part in words.parts():
            self._add(part.without_marks(), self._settings)

    def _add(self, words: Words, settings: Decontaminate) -> None:
        for n, hashes in ngrams(words.hashes, (settings.ngram,), settings.ngram):
            rows = np.flatnonzero(words.inside(n)[: len(hashes)] & _sampled(hashes, settings))
            pairs = np.stack([words.text_of_each[rows].astype(np.uint64), hashes[rows]])
            self._hashes.append(np.unique(pairs, axis=1)[1])

    def table(self) -> pa.Table:
        """Each n-gram's hash once, and in how many of the documents it is."""
        hashes, counts = np.unique(np.concatenate([np.empty(0, np.uint64), *self._hashes]), return_counts=True)
        return pa.Table.from_arrays([pa.array(hashes), pa.array(counts.astype(np.int32))], schema=HELD_OUT)


def join_ngrams(shards: Sequence[Path]) -> pa.Table:
    """The table of `HeldOutNgrams` of a source from those of its shards."""
    hashes, counts, _ = _sorted([read_table(shard) for shard in shards])
    firsts = _firsts(hashes)
    total = np.add.reduceat(counts, firsts, dtype=np.int32) if len(firsts) else counts
    return pa.Table.from_arrays([pa.array(hashes[firsts]), pa.array(total)], schema=HELD_OUT)


def _sorted(tables: Sequence[pa.Table]) -> tuple[Hashes, NDArray[np.int32], Indices]:
    """The hashes and the counts of tables in the order of hashes, and where each was, one table after another."""
    hashes = np.concatenate([np.empty(0, np.uint64), *(table.column("hash").to_numpy() for table in tables)])
    counts = np.concatenate([np.empty(0, np.int32), *(table.column("documents").to_numpy() for table in tables)])
    order = np.argsort(hashes, kind="stable")
    return hashes[order], counts[order], order


def _firsts(hashes: Hashes) -> Indices:
    """Where each different one of sorted hashes begins."""
    return np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])


def _sampled(hashes: Hashes, settings: Decontaminate) -> NDArray[np.bool_]:
    return hashes <= np.uint64((2**64 - 1) // settings.sample)


class _Index:
    """Hashes of runs of words of one length, and of each the first owner, a number."""

    def __init__(self, hashes: Hashes, owners: Indices) -> None:
        self._lookup = Lookup(hashes)
        self._owners = owners[np.unique(hashes, return_index=True)[1]]

    def find(self, hashes: Hashes) -> tuple[Indices, Indices]:
        """The places of `hashes` that are in the index, and their owners."""
        places = self._lookup.rows(hashes)
        return places, self._owners[self._lookup.places(hashes[places])]


class Contamination:
    """The runs of words that documents must not have.

    suites: {suite: {item: its texts}}. held_out: {source: file of `HeldOutNgrams.table`}. Items of which no text is
    long enough to be compared are listed in `too_short`. Memory: about 16 bytes for each word of the suites and 12 for
    each held-out n-gram, which are 12 MB for a gigabyte of text of which a twentieth is held out; 150 while it is made.
    """

    def __init__(
        self,
        suites: Mapping[str, Mapping[str, Sequence[str]]],
        held_out: Mapping[str, Path],
        settings: Cleaning,
    ) -> None:
        chosen = settings.decontaminate or Decontaminate(suites=False, held_out=False)
        self._ngram, self._sources = chosen.ngram, list(held_out)
        self._items = [(suite, item) for suite, items in suites.items() for item in items]
        texts = [texts for items in suites.values() for texts in items.values()]
        self._suites, compared = _suite_index(texts, chosen.ngram) if chosen.suites else ({}, set(range(len(texts))))
        self.too_short = [item for number, item in enumerate(self._items) if number not in compared]
        self._held_out = _held_out_index(list(held_out.values()), chosen.common) if chosen.held_out else None

    def match(self, words: Words, splits: Sequence[str]) -> list[Match | None]:
        """For each text, of a split, the first run of words that it must not have; one of a suite counts first."""
        if not self._suites and self._held_out is None:
            return [None] * len(words.texts)
        found: list[Match | None] = []
        for part in words.parts():
            found += self._match_part(part.without_marks(), splits[len(found) : len(found) + len(part.texts)])
        return found

    def _match_part(self, words: Words, splits: Sequence[str]) -> list[Match | None]:
        text_of_word = words.text_of_each
        in_train = np.array([split == "train" for split in splits], dtype=np.bool_)
        matches: dict[int, tuple[bool, int, int, int]] = {}  # of a text: (held out, first word, words, owner)
        for n, hashes in ngrams(words.hashes, (*self._suites, self._ngram), self._ngram):
            inside = words.inside(n)
            for held_out, index in ((False, self._suites.get(n)), (True, self._held_out if n == self._ngram else None)):
                places, owners = index.find(hashes) if index else _NOTHING
                right = inside[places] & (in_train[text_of_word[places]] | (not held_out))
                for place, owner in zip(places[right].tolist(), owners[right].tolist(), strict=True):
                    text, found = int(text_of_word[place]), (held_out, place, n, owner)
                    matches[text] = min(matches.get(text, found), found)
        return [
            self._match(words, text, *matches[text]) if text in matches else None for text in range(len(words.texts))
        ]

    def _match(self, words: Words, text: int, held_out: bool, place: int, n: int, owner: int) -> Match:
        name, item = (self._sources[owner], None) if held_out else self._items[owner]
        return Match(name, item, words.quote(text, place, n))


_NOTHING = (np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))


def _suite_index(items: Sequence[Sequence[str]], n: int) -> tuple[dict[int, _Index], set[int]]:
    """By length the runs of words of items' texts: of n words, or a whole text of less. And the items that have one."""
    owners = np.repeat(np.arange(len(items)), [len(texts) for texts in items])
    words = Words([text for texts in items for text in texts]).without_marks()
    counts = np.diff(words.offsets)
    compared = counts >= min(SHORTEST, n)
    indexes = {}
    for length, hashes in ngrams(words.hashes, range(min(SHORTEST, n), n + 1), n):
        chosen = compared & (np.minimum(counts, n) == length)
        if chosen.any():
            places = np.flatnonzero(chosen[words.text_of_each] & words.inside(length))
            indexes[length] = _Index(hashes[places], owners[words.text_of_each[places]])
    return indexes, set(owners[compared].tolist())


def _held_out_index(sources: Sequence[Path], common: int) -> _Index:
    """The n-grams that fewer than `common` held-out documents of all sources have, by the number of a source."""
    tables = [read_table(path) for path in sources]
    hashes, counts, places = _sorted(tables)
    firsts = _firsts(hashes)
    rare = firsts[(np.add.reduceat(counts, firsts) if len(firsts) else counts) < common]
    ends = np.cumsum([table.num_rows for table in tables])
    return _Index(hashes[rare], np.searchsorted(ends, places[rare], side="right"))
