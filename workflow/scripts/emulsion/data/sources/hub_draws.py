"""Which rows of a large dataset make the sample: a seeded choice, the same on every machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.data.render import UnrenderableError
from emulsion.data.schemas import Kind, choose_kind
from emulsion.errors import UserError
from emulsion.permutation import GOLDEN, mix

BYTES_PER_TOKEN = 4  # of English text in the common tokenizers; what it is exactly is known only after packing
Columns = dict[str, frozenset[str]]


def order(seed: int, count: int) -> NDArray[np.int64]:
    """[count] a permutation of 0..count-1 that depends on nothing but the seed and the count.

    Sorts the outputs of SplitMix64 (Steele, Lea, Flood 2014), so that it stays the same when NumPy's generators change.
    The first k of it are a uniform sample without replacement; a larger k keeps them.
    """
    states = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    return np.argsort(mix(states), kind="stable")


def choose(sizes: NDArray[np.int64], wanted: int, seed: int) -> NDArray[np.int64]:
    """[k] the rows to take, ascending: in seeded order until their sizes reach `wanted`; all where they do not."""
    if sizes.sum() <= wanted:
        return np.arange(len(sizes))
    drawn = order(seed, len(sizes))
    taken = int(np.searchsorted(np.cumsum(sizes[drawn]), wanted)) + 1
    return np.sort(drawn[:taken])


@dataclass(frozen=True)
class Limit:
    """How much of a source to fetch: a number of documents, or of bytes of text where the limit is in tokens."""

    unit: str
    amount: int

    @classmethod
    def of(cls, name: str, source: Mapping[str, Any]) -> Limit:
        """From `documents: n` or `tokens: n`, exactly one; tokens are taken as BYTES_PER_TOKEN bytes of text each."""
        documents, tokens = source.get("documents"), source.get("tokens")
        if (documents is None) == (tokens is None):
            raise UserError(f"sources.{name}: give either `documents` or `tokens`, to say how much to fetch.")
        if tokens is not None:
            return cls("bytes of text", BYTES_PER_TOKEN * tokens)
        return cls("documents", int(source["documents"]))

    def kind(self, name: str, source: Mapping[str, Any], columns: Callable[[], Columns]) -> Kind | None:
        """How the text of a row is found where text is counted; None where documents are."""
        if self.unit == "documents":
            return None
        return choose_kind(columns(), name, source.get("schema"), source.get("text_field"), source.get("columns") or {})


def size_of(row: Any, kind: Kind | None) -> int:
    """What a row counts against the limit: bytes of text by its kind, or one; what cannot be rendered has no text."""
    if kind is None:
        return 1
    try:
        return len(kind.render(row, "").encode("utf-8", "replace")) if isinstance(row, Mapping) else 0
    except UnrenderableError:
        return 0
