"""What a normalised source looks like: counts and lengths of its text, not of its rows' representation."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


def describe_documents(documents: pq.ParquetFile) -> dict[str, Any]:
    """Documents, words, bytes of text and the spread of their lengths; the native fields and their kind.

    Reads the file in batches; keeps two numbers a document.
    """
    words: list[int] = []
    sizes: list[int] = []
    for batch in documents.iter_batches(batch_size=4096, columns=["text"]):
        texts = batch.column("text").to_pylist()
        words += [len(text.split()) for text in texts]
        sizes += [len(text.encode()) for text in texts]
    metadata = documents.schema_arrow.metadata
    return {
        "documents": len(words),
        "words": sum(words),
        "bytes": sum(sizes),
        "schema": metadata[b"kind"].decode(),
        "fields": json.loads(metadata[b"fields"]),
        "words_per_document": _spread(np.array(words)),
        "bytes_per_document": _spread(np.array(sizes)),
    }


def _spread(values: NDArray[np.int64]) -> dict[str, Any]:
    quantiles = np.quantile(values, QUANTILES)
    return {
        "mean": float(values.mean()),
        "deviation": float(values.std()),
        "quantiles": {f"{q:g}": float(value) for q, value in zip(QUANTILES, quantiles, strict=True)},
    }
