"""The words of many texts at once, as arrays: where each is, how long, and a hash of it that ignores case.

A word is a run of letters, digits and combining marks; an apostrophe between two letters belongs to it, as does a
point or a comma between two digits. In scripts written without spaces (Han, kana, Thai, Lao, Khmer, Burmese) each
character is a word. Every other character that is not blank is a mark of its own, but dots in a row are one. So in code
identifiers and numbers are words, and operators and brackets are marks.

Hashes have 64 bits: polynomials modulo 2^64 over values that are themselves well mixed. They are the same on every
machine, and fast, as they are a handful of passes of numpy. They tell texts apart; they do not withstand someone who
wants a collision.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Container, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from emulsion.permutation import mix

Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]

# Classes of characters. Those that differ in the last bit alone stay together.
BLANK, APOSTROPHE, MARK, POINT, ALONE, DIGIT, LETTER = 0, 1, 2, 3, 4, 6, 7
PIECE = 2**17  # characters that are worked on at once: their arrays stay in the processor's cache

_SPACELESS = (range(0x0E00, 0x0F00), range(0x1000, 0x10A0), range(0x1780, 0x1800), range(0x3040, 0x3100))
_HAN = (range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0xF900, 0xFB00), range(0x20000, 0x34000))
_HANGUL = range(0xAC00, 0xD7A4)
_CLASS_OF_CATEGORY = {"L": LETTER, "M": LETTER, "N": DIGIT, "Z": BLANK}

_BASE = 0x9E3779B97F4A7C15
_FILTER_BITS = (12, 26)  # of the bitmap before a look-up: 4 KB to 64 MB


@functools.lru_cache(maxsize=2)
def _powers(length: int) -> tuple[Hashes, Hashes]:
    """The powers 0 to length - 1 of the base and of its inverse."""
    both = [np.full(length, base, dtype=np.uint64) for base in (_BASE, pow(_BASE, -1, 2**64))]
    for powers in both:
        powers[:1] = 1
        np.multiply.accumulate(powers, out=powers)
    return both[0], both[1]


def hash_spans(values: Hashes, starts: Indices, ends: Indices, most: int) -> Hashes:
    """The hash of values[start:end] for each pair; `most` is the largest length of values in any call."""
    powers, inverse = _powers(most + 1)
    sums = np.zeros(len(values) + 1, dtype=np.uint64)
    np.cumsum(values * powers[: len(values)], out=sums[1:])
    return mix((sums[ends] - sums[starts]) * inverse[starts])


def extend(hashes: Hashes, following: Hashes) -> Hashes:
    """The unmixed hash of each n-gram and the word that follows it."""
    return hashes * np.uint64(_BASE) + following


def hash_rows(rows: Hashes, salt: Hashes) -> Hashes:
    """The hash of the last axis of `rows`, and of the salt of the axis before it."""
    hashes = np.broadcast_to(salt, rows.shape[:-1])
    for place in range(rows.shape[-1]):
        hashes = mix(hashes + rows[..., place])
    return hashes


def ngrams(words: Hashes, lengths: Container[int], longest: int) -> Iterator[tuple[int, Hashes]]:
    """(n, hash of the n words from each word on) for every n of `lengths`, rising; the hashes are [words - n + 1]."""
    hashes = words
    for length in range(1, min(longest, len(words)) + 1):
        if length > 1:
            hashes = extend(hashes[:-1], words[length - 1 :])
        if length in lengths:
            yield length, mix(hashes)


class Lookup:
    """A set of well-mixed hashes; a bitmap answers for nearly all that are not in it, so that misses cost little."""

    def __init__(self, hashes: Hashes) -> None:
        self.hashes = np.unique(hashes)
        bits = min(max(int(self.hashes.size * 16).bit_length(), _FILTER_BITS[0]), _FILTER_BITS[1])
        self._mask = np.uint64(2**bits - 1)
        self._maybe = np.zeros(2**bits, dtype=np.bool_)
        self._maybe[self.hashes & self._mask] = True

    def rows(self, hashes: Hashes) -> Indices:
        """The rows of `hashes` that are in the set, in order."""
        rows = np.flatnonzero(self._maybe[hashes & self._mask])
        if not rows.size:
            return rows
        present: Indices = rows[self.hashes[self.places(hashes[rows])] == hashes[rows]]
        return present

    def places(self, hashes: Hashes) -> Indices:
        """Where in the sorted set each of `hashes`, of which all should be in it, stands."""
        places: Indices = np.minimum(np.searchsorted(self.hashes, hashes), self.hashes.size - 1)
        return places


class _Arrays(NamedTuple):
    offsets: Indices
    starts: Indices
    lengths: Indices
    hashes: Hashes
    kinds: NDArray[np.uint8]


class Words:
    """Words and marks of texts, text by text; they are looked for when they are first asked for.

    offsets: [texts + 1], those of text i are offsets[i]:offsets[i + 1] of the other arrays.
    starts, lengths: characters, counted from the start of their text. kinds: MARK, ALONE, DIGIT (a word without
    letters) or LETTER.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts

    @functools.cached_property
    def _arrays(self) -> _Arrays:
        return _find(self.texts)

    @property
    def offsets(self) -> Indices:
        return self._arrays.offsets

    @property
    def starts(self) -> Indices:
        return self._arrays.starts

    @property
    def lengths(self) -> Indices:
        return self._arrays.lengths

    @property
    def hashes(self) -> Hashes:
        return self._arrays.hashes

    @property
    def kinds(self) -> NDArray[np.uint8]:
        return self._arrays.kinds

    def without_marks(self) -> Words:
        """Only the words."""
        return self._select(self.texts, self.kinds > MARK, self.offsets)

    def parts(self, most: int = 2**18) -> Iterator[Words]:
        """Consecutive texts with at most `most` words together, so that what is made of them stays small."""
        first = 0
        while first < len(self.texts):
            last = max(first + 1, int(np.searchsorted(self.offsets, self.offsets[first] + most, side="right")) - 1)
            span = slice(self.offsets[first], self.offsets[last])
            offsets, part = self.offsets[first : last + 1] - span.start, Words(self.texts[first:last])
            part._arrays = _Arrays(offsets, self.starts[span], self.lengths[span], self.hashes[span], self.kinds[span])
            yield part
            first = last

    def take(self, rows: Sequence[int]) -> Words:
        """Those of some of the texts, given by their rising indices."""
        texts = [self.texts[row] for row in rows]
        if "_arrays" not in self.__dict__:
            return Words(texts)
        chosen = np.zeros(len(self.texts), dtype=np.bool_)
        chosen[list(rows)] = True
        return self._select(
            texts, np.repeat(chosen, np.diff(self.offsets)), self.offsets[np.append(rows, -1).astype(int)]
        )

    def _select(self, texts: Sequence[str], keep: NDArray[np.bool_], offsets: Indices) -> Words:
        """Some of the words; offsets: where among all words those of each text began, and the end."""
        words = Words(texts)
        offsets = np.append(0, np.cumsum(keep))[offsets]
        words._arrays = _Arrays(offsets, self.starts[keep], self.lengths[keep], self.hashes[keep], self.kinds[keep])
        return words

    @functools.cached_property
    def text_of_each(self) -> Indices:
        """The index of the text of each word."""
        return np.repeat(np.arange(len(self.texts)), np.diff(self.offsets))

    def inside(self, n: int) -> NDArray[np.bool_]:
        """For each word whether the n words from it on are all of its text."""
        return np.repeat(self.offsets[1:], np.diff(self.offsets)) - np.arange(len(self.hashes)) >= n

    def sums(self, values: NDArray[Any]) -> Indices:
        """The sum over each text's words of a value per word."""
        running = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(values, out=running[1:])
        return np.diff(running[self.offsets])

    def quote(self, text: int, word: int, count: int) -> str:
        """`count` words of a text from the one with the index `word` among all, as they are written."""
        begin, last = self.starts[word], word + count - 1
        return self.texts[text][begin : self.starts[last] + self.lengths[last]]


def hash_of_word(word: str) -> np.uint64:
    """The hash that a word has in `Words`."""
    return np.uint64(Words([word]).hashes[0])


def _find(texts: Sequence[str]) -> _Arrays:
    counts = np.zeros(len(texts), dtype=np.int64)
    parts: list[tuple[Indices, Indices, Hashes, NDArray[np.uint8]]] = []
    for first, begin, piece in _pieces(texts):
        lengths = np.fromiter(map(len, piece), dtype=np.int64, count=len(piece))
        text_starts = np.cumsum(lengths + 1) - lengths - 1
        starts, ends, hashes, kinds = _split("\n".join(piece))
        found = np.diff(np.append(np.searchsorted(starts, text_starts), len(starts)))
        counts[first : first + len(piece)] += found
        parts.append((starts - np.repeat(text_starts - begin, found), ends - starts, hashes, kinds))
    return _Arrays(np.append(0, np.cumsum(counts)), *(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _pieces(texts: Sequence[str]) -> Iterator[tuple[int, int, Sequence[str]]]:
    """(index of the first text, its character at which the piece begins, texts or a part of one) of bounded length.

    A long text is cut on its own and where there is a blank, so that its words do not depend on the texts beside it.
    """
    first, size = 0, 0
    for index, text in enumerate(texts):
        if size + len(text) > PIECE and first < index:
            yield first, 0, texts[first:index]
            first, size = index, 0
        size += len(text) + 1
        if len(text) > PIECE:
            yield from ((index, begin, [text[begin:end]]) for begin, end in _cuts(text))
            first, size = index + 1, 0
    if first < len(texts) or not texts:
        yield first, 0, texts[first:]


def _cuts(text: str) -> Iterator[tuple[int, int]]:
    begin = 0
    while begin < len(text):
        end = begin + PIECE
        if end < len(text):
            end = max(text.rfind(" ", begin, end), text.rfind("\n", begin, end), begin) + 1
            end = end if end > begin + 1 else begin + PIECE
        yield begin, min(end, len(text))
        begin = end


@functools.cache
def _tables() -> tuple[NDArray[np.uint8], Hashes]:
    """The class of every character, and a value of it that is the same for its upper and lower case."""
    classes = np.full(sys.maxunicode + 1, MARK, dtype=np.uint8)
    values = np.arange(1, sys.maxunicode + 2, dtype=np.uint64)
    # Whole blocks at once: to look at each of their characters would double the time that every job starts with.
    for kind, blocks in ((LETTER, (_HANGUL,)), (ALONE, _HAN)):
        for block in blocks:
            classes[block.start : block.stop] = kind
    for code in np.flatnonzero(classes[: _HAN[-1].start] == MARK).tolist():
        character = chr(code)
        if character.isspace():
            classes[code] = BLANK
        else:
            classes[code] = _CLASS_OF_CATEGORY.get(unicodedata.category(character)[0], MARK)
        lower = character.lower()
        if lower != character and len(lower) == 1:
            values[code] = ord(lower) + 1
    for block in _SPACELESS:
        span = classes[block.start : block.stop]
        span[span == LETTER] = ALONE
    classes[[0x27, 0x2019]] = APOSTROPHE
    classes[[0x2C, 0x2E]] = POINT
    values[0x2019] = values[0x27]
    return classes, mix(values)


def _split(text: str) -> tuple[Indices, Indices, Hashes, NDArray[np.uint8]]:
    """Starts, ends, hashes and kinds of the words and marks of a text of at most about PIECE characters."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32).astype(np.intp)
    class_of, value_of = _tables()
    classes = class_of.take(codes)
    _join(classes, APOSTROPHE, LETTER)
    _join(classes, POINT, DIGIT)
    groups = classes >> 1
    new = np.ones(len(codes) + 1, dtype=np.bool_)
    np.not_equal(groups[1:], groups[:-1], out=new[1:-1])
    new[:-1] |= (groups == MARK >> 1) | (groups == ALONE >> 1)
    dots = codes == ord(".")
    new[1:-1] &= ~(dots[1:] & dots[:-1])
    full = classes > BLANK
    starts, ends = np.flatnonzero(new[:-1] & full), np.flatnonzero(new[1:] & full) + 1
    letters = np.cumsum(np.append(0, classes == LETTER), dtype=np.int32)
    kinds = np.where(letters[ends] > letters[starts], np.uint8(LETTER), classes[starts])
    return starts, ends, hash_spans(value_of.take(codes), starts, ends, 2 * PIECE), kinds


def _join(classes: NDArray[np.uint8], between: int, kind: int) -> None:
    """Make a character of class `between` that stands between two of `kind` one of them, any other a mark; in place."""
    places = np.flatnonzero(classes == between)
    inner = places[(places > 0) & (places < len(classes) - 1)]
    joins = inner[(classes[inner - 1] == kind) & (classes[inner + 1] == kind)]
    classes[places] = MARK
    classes[joins] = kind
