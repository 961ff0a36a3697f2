"""Held-out loss per source: nats per token, perplexity, bits per byte, each with an interval over sequences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emulsion.errors import UserError
from emulsion.evaluation.bootstrap import bootstrap_interval, ratio_interval
from emulsion.losses import sequence_losses
from emulsion.perplexity import perplexity
from emulsion.seeds import derive_seed

Tokens = NDArray[np.integer[Any]]


def source_losses(
    model: Any,
    sequences: Mapping[str, Tokens],
    byte_lengths: NDArray[np.integer[Any]],
    batch: int,
    resamples: int = 2000,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Losses keyed by source.

    `sequences`: source -> token ids [sequences, context + 1]; `byte_lengths` [vocabulary]: UTF-8 bytes that
    each token stands for, 0 for end-of-text, whose loss still counts. Raises UserError for a source with no
    sequence or no text.
    """
    results = {}
    for source, tokens in sequences.items():
        if not len(tokens):
            raise UserError(f"source '{source}': no sequences to evaluate on.")
        counts = np.asarray(byte_lengths)[tokens[:, 1:]].sum(axis=1)
        if not counts.any():
            raise UserError(f"source '{source}': its held-out sequences hold no text.")
        losses = sequence_losses(model, tokens, batch)
        if not np.isfinite(losses).all():
            raise UserError(f"source '{source}': the model's loss is not a finite number; its training diverged.")
        results[source] = summary(losses, tokens.shape[1] - 1, counts, resamples, derive_seed(seed, "loss", source))
    return results


def summary(
    losses: NDArray[np.float64],
    context: int,
    byte_counts: NDArray[np.integer[Any]],
    resamples: int,
    seed: int,
) -> dict[str, Any]:
    """One source's figures from its sequences' mean losses [sequences], nats per token, and their bytes
    [sequences].

    Perplexity is exp(loss), capped for diverged models, so its interval is exp of the loss's; the bytes of a sequence
    vary, so bits per byte is a ratio whose two parts are resampled together.
    """
    low, high = bootstrap_interval(losses, resamples, seed)
    bits = losses * context / math.log(2)
    loss = float(losses.mean())
    return {
        "loss": loss,
        "loss_interval": [low, high],
        "perplexity": perplexity(loss),
        "perplexity_interval": [perplexity(low), perplexity(high)],
        "bits_per_byte": float(bits.sum() / byte_counts.sum()),
        "bits_per_byte_interval": list(ratio_interval(bits, byte_counts, resamples, seed)),
        "tokens": len(losses) * context,
        "bytes": int(byte_counts.sum()),
        "sequences": len(losses),
        "sequence_losses": [round(float(loss), 6) for loss in losses],
    }
