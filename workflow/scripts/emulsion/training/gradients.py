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


def gradient_products(training: Training) -> dict[str, dict[str, float]]:
    """{evaluated: {trained: dot product}} of the gradients of the mean loss, nats per token, where a training is.

    The evaluated ones are of the validation sequences that losses are taken on; the trained ones of as many sequences
    of the train split, other ones at every step. Without dropout. It holds the gradients of all sources at once, as
    many times the size of the model. Raises UserError where a source has no sequence.
    """
    context, limit = training.spec.context, training.spec.validation_sequences
    held_out = {}
    for source, store in training.stores.items():
        held_out[source] = _gradient(
            training, store, "validation", spread_rows(store.count("validation", context), limit)
        )
    products: dict[str, dict[str, float]] = {source: {} for source in held_out}
    for trained, store in training.stores.items():
        chance = np.random.default_rng(derive_seed(training.spec.seed, "gradients", trained, training.step))
        available = store.count("train", context)
        rows = np.sort(chance.choice(available, min(available, limit), replace=False)).astype(np.int64)
        gradient = _gradient(training, store, "train", rows)
        for evaluated, other in held_out.items():
            products[evaluated][trained] = sum(float((a * b).sum()) for a, b in zip(gradient, other, strict=True))
    return products


def _gradient(training: Training, store: TokenStore, split: str, rows: NDArray[np.int64]) -> list[torch.Tensor]:
    """The gradient of the mean loss over these rows [rows] of a split, one float32 tensor for each parameter."""
    if not len(rows):
        raise UserError(f"source '{store.source}' has no {split} sequence of {training.spec.context} tokens.")
    model: Any = training.model
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    total = [torch.zeros_like(parameter, dtype=torch.float32) for parameter in parameters]
    before = model.training
    model.eval()
    for start in range(0, len(rows), training.runtime.micro_batch):
        some = rows[start : start + training.runtime.micro_batch]
        tokens = torch.as_tensor(store.read(split, some, training.spec.context))
        tokens = tokens.to(training.accelerator.device, torch.int64)
        with training.accelerator.autocast():
            loss = training.losses(tokens).mean() * (len(some) / len(rows))
        # Unlike backward(), this leaves the gradients of the training itself alone.
        for sum_, part in zip(total, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True):
            if part is not None:
                sum_ += part
    model.train(before)
    return total
