"""Batches: what a plan says, read from the token stores."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emulsion.data.tokens import TokenStore
from emulsion.plan import SequencePlan


def train_sizes(stores: Mapping[str, TokenStore], context: int) -> dict[str, int]:
    """{source: sequences of `context` tokens in its train split}."""
    return {source: store.count("train", context) for source, store in stores.items()}


def read_batch(
    plan: SequencePlan, stores: Mapping[str, TokenStore], context: int, start: int, stop: int
) -> NDArray[np.int64]:
    """Token ids [stop - start, context + 1] of the sequences [start, stop) of a run, in its order."""
    names = list(plan.sizes)
    sources, rows = plan.sources(start, stop), plan.rows(start, stop)
    tokens = np.empty((stop - start, context + 1), dtype=np.int64)
    for source in np.unique(sources):
        here = np.flatnonzero(sources == source)
        stores[names[source]].read_into((tokens[place] for place in here), "train", rows[here])
    return tokens


def spread_rows(available: int, wanted: int) -> NDArray[np.int64]:
    """At most `wanted` of `available` rows, evenly spread: the same ones for every run."""
    count = min(available, wanted)
    return np.arange(count, dtype=np.int64) * available // max(count, 1)
