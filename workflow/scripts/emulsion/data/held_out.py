"""Held-out text: that every split has some, and that it is not in training as well.

The split of a document is a hash of its id (`tokens.split_of`). Where a source has long documents but none in a split,
the end of its longest one is held out.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.data.tokens import SPLITS, split_of
from emulsion.errors import UserError
from emulsion.tables import open_table

LONG_CHARACTERS = 10_000
FEWEST_COPIES = 3  # fewer may be chance, in however small a split


@dataclass(frozen=True)
class Splits:
    """documents: {split: how many}; copies: {validation, test: documents whose text is in train as well}."""

    documents: dict[str, int]
    copies: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        return {"documents": self.documents, "copies": self.copies}


def count_splits(files: Iterable[Path], held_out: float) -> Splits:
    """The splits of normalised documents; keeps nine bytes a document.

    held_out: share of documents in validation, and again in test.
    """
    hashes: dict[str, list[NDArray[np.uint64]]] = {split: [] for split in SPLITS}
    for file in files:
        with open_table(file) as documents:
            for batch in documents.iter_batches(4096, columns=["id", "text"]):
                splits = np.array([split_of(each, held_out) for each in batch.column("id").to_pylist()], dtype="U10")
                texts = np.array([_hash(text) for text in batch.column("text").to_pylist()], dtype=np.uint64)
                for split in SPLITS:
                    hashes[split].append(texts[splits == split])
    joined = {split: np.concatenate([np.empty(0, np.uint64), *parts]) for split, parts in hashes.items()}
    copies = {split: int(np.isin(joined[split], joined["train"]).sum()) for split in SPLITS if split != "train"}
    return Splits({split: len(texts) for split, texts in joined.items()}, copies)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.strip().encode(), digest_size=8).digest(), "little")


def check_copies(source: str, splits: Splits, limit: float) -> None:
    """Raises UserError where more than this share of a held-out split is in training, word for word."""
    for split, copies in splits.copies.items():
        documents = splits.documents[split]
        if copies >= FEWEST_COPIES and copies > limit * documents:
            needed = -(-copies * 100 // documents) / 100
            raise UserError(
                f"sources.{source}: {copies:,} of {documents:,} {split} documents ({100 * copies / documents:.1f} %) "
                f"are in training too, word for word; at most {100 * limit:.1f} % may be. Give it a `cleaning` with "
                f"`deduplicate: {{exact: true}}`, or allow it by sources.{source}.max_copies: {needed:g}."
            )


def cut_document(document: Mapping[str, str], missing: Sequence[str], held_out: float) -> list[dict[str, str]]:
    """A long document in parts, one behind another: what is for training, and one part for each split that is missing.

    A part is cut at the end of a line where one is near. It gets the document's id and a suffix that puts it into its
    split, for splits are made by id.
    """
    text = document["text"]
    size = max(1, int(len(text) * held_out))
    starts = [0]
    for number in range(len(missing), 0, -1):
        starts.append(max(starts[-1] + 1, _line_start(text, len(text) - number * size, size // 4)))
    ends = [*starts[1:], len(text)]
    parts = [text[start:end] for start, end in zip(starts, ends, strict=True)]
    wanted = ["train", *missing]
    return [
        {**document, "id": _id_in(document["id"], split, held_out), "text": part}
        for split, part in zip(wanted, parts, strict=True)
    ]


def _line_start(text: str, place: int, most: int) -> int:
    """The start of the line nearest behind a place, or the place where that is further than `most` characters."""
    end = text.find("\n", place, place + most)
    return place if end < 0 else end + 1


def _id_in(identity: str, split: str, held_out: float) -> str:
    names = (f"{identity}#{split}{number or ''}" for number in itertools.count())
    return next(name for name in names if split_of(name, held_out) == split)


def longest(files: Sequence[Path]) -> tuple[int, int, int]:
    """(characters, file, row) of the longest of the documents in files."""
    best = (0, 0, 0)
    for number, file in enumerate(files):
        row = 0
        with open_table(file) as documents:
            for batch in documents.iter_batches(4096, columns=["text"]):
                for text in batch.column("text"):
                    best = max(best, (len(text.as_py()), number, row), key=lambda each: each[0])
                    row += 1
    return best


def too_small(headers: Iterable[Mapping[str, Any]], context: int) -> list[str]:
    """A sentence for each split of a token store without one sequence of `context` predicted tokens."""
    return [
        f"source '{header['source']}' has no {split} sequence of {context} tokens: its {split} split has "
        f"{header['splits'][split]['tokens']:,} tokens in {header['splits'][split]['documents']:,} documents."
        for header in headers
        for split in SPLITS
        if header["splits"][split]["tokens"] <= context
    ]


def check_splits(headers: Iterable[Mapping[str, Any]], context: int, where: str) -> None:
    """Raises UserError where a split of a source is too small to train, validate or evaluate on."""
    if problems := too_small(headers, context):
        raise UserError(
            f"{where}: {' '.join(problems)} Add documents, raise `held_out`, or take a model with a shorter context; "
            "data/ledgers/{source}.json counts the rows that cleaning removed."
        )
