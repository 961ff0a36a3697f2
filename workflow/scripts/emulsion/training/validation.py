"""The loss of a model on what was held out of each source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.data.batches import spread_rows
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError


def held_out_losses(
    evaluate: Callable[[NDArray[Any], int], NDArray[np.float64]],
    stores: Mapping[str, TokenStore],
    split: str,
    context: int,
    sequences: int,
    micro_batch: int,
) -> dict[str, float]:
    """{source: mean of `held_out_sequence_losses`, nats per token}, of the same sequences for every run."""
    losses = held_out_sequence_losses(evaluate, stores, split, context, sequences, micro_batch)
    return {source: float(each.mean()) for source, each in losses.items()}


def held_out_sequence_losses(
    evaluate: Callable[[NDArray[Any], int], NDArray[Any]],
    stores: Mapping[str, TokenStore],
    split: str,
    context: int,
    sequences: int,
    micro_batch: int,
) -> dict[str, NDArray[Any]]:
    """{source: mean nats per token of each of at most `sequences` sequences of this split [n]}, the same for every run.

    evaluate: (token ids [n, context + 1], micro-batch) -> losses [n], or [n, context] of each token
    split: validation or test. Raises UserError where a source has none.
    """
    losses = {}
    for source, store in stores.items():
        rows = spread_rows(store.count(split, context), sequences)
        if not len(rows):
            raise UserError(f"source '{source}' has no {split} sequence of {context} tokens.")
        losses[source] = evaluate(store.read(split, rows, context), micro_batch)
    return losses
