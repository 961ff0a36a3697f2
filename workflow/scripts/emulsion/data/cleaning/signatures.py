"""What finds a document's duplicates without its text: a hash of it, and MinHash bands of its word n-grams.

MinHash is rensa's R-MinHash, over the set of hashed n-grams of words (without marks and case, as in `words`): the same
signature for the same set on every machine. A text of fewer words than an n-gram counts as one n-gram; a text without
words resembles only itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
import pyarrow as pa
from rensa import RMinHash

from emulsion.data.cleaning.hashing import Hashes, Indices, hash_rows, ngrams
from emulsion.data.cleaning.settings import Cleaning, Near
from emulsion.data.cleaning.words import Words

ORDER = ("text_hash", "id_hash")
SETTINGS_KEY = b"emulsion.minhash"


class Signer:
    """Signs the documents that outlived the row-wise filters."""

    def __init__(self, settings: Cleaning) -> None:
        self._near = settings.deduplicate.near if settings.deduplicate else None
        self._on = settings.deduplicate is not None
        self.schema = schema(settings)

    def table(self, ids: Sequence[str], words: Words) -> pa.Table:
        """One row per document, or none where nothing is deduplicated: id, text_hash, id_hash, band_00, ..."""
        if not self._on or not ids:
            return self.schema.empty_table()
        hashes = hash_texts(words.texts)
        columns = [pa.array(ids, pa.string()), hashes, hash_texts(ids)]
        if self._near:
            columns += list(np.concatenate([_bands(part, self._near) for part in words.parts()]).T)
        return pa.Table.from_arrays([pa.array(column) for column in columns], schema=self.schema)


def schema(settings: Cleaning) -> pa.Schema:
    """Of signatures made with these settings; its metadata say which MinHash they hold."""
    near = settings.deduplicate.near if settings.deduplicate else None
    names = [*ORDER, *(f"band_{band:02d}" for band in range(near.bands if near else 0))]
    kind = {"algorithm": int(RMinHash.ALGORITHM_VERSION), **asdict(near)} if near else None
    columns = [("id", pa.string()), *((name, pa.uint64()) for name in names)]
    return pa.schema(columns, {SETTINGS_KEY: json.dumps(kind, sort_keys=True)})


def hash_texts(texts: Iterable[str]) -> Hashes:
    digests = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _bands(words: Words, near: Near) -> Hashes:
    """[texts, bands]"""
    shingles, offsets = _shingles(words.without_marks(), near.ngram)
    digests = RMinHash.digest_matrix_from_flat_token_hashes(shingles, offsets, near.bands * near.rows, near.seed)
    rows = np.array(digests.to_rows(), dtype=np.uint64).reshape(-1, near.bands, near.rows)
    return hash_rows(rows, np.arange(near.bands, dtype=np.uint64))


def _shingles(words: Words, n: int) -> tuple[Hashes, Indices]:
    """The n-grams of all texts one after another, and where each text's begin: [n-grams], [texts + 1]."""
    counts = np.diff(words.offsets)
    sizes = np.maximum(counts - n + 1, 1)
    offsets = np.append(0, np.cumsum(sizes))
    shingles = np.empty(offsets[-1], dtype=np.uint64)
    wordless = np.flatnonzero(counts == 0)
    shingles[offsets[wordless]] = hash_texts(words.texts[text] for text in wordless.tolist())
    for length, hashes in ngrams(words.hashes, range(1, n + 1), n):
        texts = counts == length
        shingles[offsets[:-1][texts]] = hashes[words.offsets[:-1][texts]]
        if length == n:
            long = counts >= n
            shingles[np.repeat(long, sizes)] = hashes[words.inside(n)[: len(hashes)]]
    return shingles, offsets.astype(np.uint64)
