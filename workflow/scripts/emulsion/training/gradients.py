"""Dot products of gradients between sources: how far a step on one lowers the loss on another."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emulsion.data.batches import spread_rows
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.seeds import derive_seed
from emulsion.training.loop import Training


def gradient_products(training: Training) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """{source: held-out loss} and {evaluated: {trained: dot product}} of the gradients of mean losses, nats per token.

    The trained ones are of as many sequences of the train split as losses are taken on, other ones at every step; the
    evaluated ones of as many validation sequences over all m sources together. So it costs m + 1 backward passes of
    that many sequences. Without dropout. It holds the gradients of all sources at once, as many times the size of the
    model. Raises UserError where a source has no sequence.
    """
    context = training.spec.context
    losses, held_out = {}, {}
    for source, store in training.stores.items():
        rows = spread_rows(store.count("validation", context), sequences_evaluated(training))
        losses[source], held_out[source] = _gradient(training, store, "validation", rows)
    products: dict[str, dict[str, float]] = {source: {} for source in held_out}
    for trained, store in training.stores.items():
        chance = np.random.default_rng(derive_seed(training.spec.seed, "gradients", trained, training.step))
        available = store.count("train", context)
        count = min(available, training.spec.validation_sequences)
        rows = np.sort(chance.choice(available, count, replace=False)).astype(np.int64)
        _, gradient = _gradient(training, store, "train", rows)
        for evaluated, other in held_out.items():
            dots = [(a * b).sum() for a, b in zip(gradient, other, strict=True)]
            products[evaluated][trained] = sum(torch.stack(dots).tolist())
    return losses, products


def sequences_evaluated(training: Training) -> int:
    """Validation sequences of each source that its gradient is taken on, at most."""
    return -(-training.spec.validation_sequences // len(training.stores))


def _gradient(
    training: Training, store: TokenStore, split: str, rows: NDArray[np.int64]
) -> tuple[float, list[torch.Tensor]]:
    """The mean loss over these rows [rows] of a split, and its gradient, one float32 tensor for each parameter."""
    if not len(rows):
        raise UserError(f"source '{store.source}' has no {split} sequence of {training.spec.context} tokens.")
    model: Any = training.model
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    total = [torch.zeros_like(parameter, dtype=torch.float32) for parameter in parameters]
    before, losses = model.training, []
    model.eval()
    for start in range(0, len(rows), training.runtime.micro_batch):
        some = rows[start : start + training.runtime.micro_batch]
        tokens = torch.as_tensor(store.read(split, some, training.spec.context))
        tokens = tokens.to(training.accelerator.device, torch.int64)
        with training.accelerator.autocast():
            loss = training.losses(tokens).mean() * (len(some) / len(rows))
        losses.append(loss.detach())
        # Unlike backward(), this leaves the gradients of the training itself alone.
        for sum_, part in zip(total, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
            if part is not None:
                sum_ += part
    model.train(before)
    return float(torch.stack(losses).sum()), total
