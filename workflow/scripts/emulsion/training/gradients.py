"""Dot products of gradients between sources: how far a step on one lowers the losses of all."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emulsion.data.batches import spread_rows
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.seeds import derive_seed
from emulsion.training.loop import Training


@dataclass(frozen=True)
class Alignments:
    """losses    {source: held-out loss}, mean nats per token
    products  {trained: dot product of the gradient on its training sequences and that of the sum of held-out losses}
    norms     {trained: norm of the former}
    """

    losses: dict[str, float]
    products: dict[str, float]
    norms: dict[str, float]


def gradient_alignments(
    training: Training, parameters: str = "all", validation_share: float | None = None
) -> Alignments:
    """How the gradients on each source agree with that of all held-out losses together.

    The trained ones are of as many sequences of the train split as losses are taken on, other ones at every step; the
    evaluated ones of as many validation sequences over all m sources together. So it costs m + 1 backward passes of
    that many sequences. Without dropout. It holds two gradients at once and the one being taken, whatever the number of
    sources. Raises UserError where a source has no sequence.

    parameters, validation_share: as of `methods.interface.GradientMethod`
    """
    context, chosen = training.spec.context, chosen_parameters(training.model, parameters)
    together, losses = _zeros(chosen), {}
    for source, store in training.stores.items():
        rows = spread_rows(store.count("validation", context), sequences_evaluated(training, validation_share))
        losses[source] = _add_gradient(together, training, store, "validation", rows, chosen)
    products, norms = {}, {}
    for trained, store in training.stores.items():
        chance = np.random.default_rng(derive_seed(training.spec.seed, "gradients", trained, training.step))
        available = store.count("train", context)
        count = min(available, training.spec.validation_sequences)
        rows = np.sort(chance.choice(available, count, replace=False)).astype(np.int64)
        alone = _zeros(chosen)
        _add_gradient(alone, training, store, "train", rows, chosen)
        products[trained] = _dot(alone, together)
        norms[trained] = math.sqrt(_dot(alone, alone))
    return Alignments(losses, products, norms)


def sequences_evaluated(training: Training, validation_share: float | None = None) -> int:
    """Validation sequences of each source that its gradient is taken on, at most."""
    trained = training.spec.validation_sequences
    share = 1 / len(training.stores) if validation_share is None else validation_share
    return math.ceil(share * trained - 1e-9)


def chosen_parameters(model: Any, which: str) -> list[torch.nn.Parameter]:
    """The trained parameters that gradients are taken of: "all", or those of the "last_block" of the transformer."""
    module = model
    if which == "last_block":
        module = next(child for child in model.base_model.children() if isinstance(child, torch.nn.ModuleList))[-1]
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _zeros(parameters: list[torch.nn.Parameter]) -> list[torch.Tensor]:
    return [torch.zeros_like(parameter, dtype=torch.float32) for parameter in parameters]


def _dot(first: list[torch.Tensor], second: list[torch.Tensor]) -> float:
    dots = torch.stack([(a * b).sum() for a, b in zip(first, second, strict=True)])
    return math.fsum(dots.tolist())


def _add_gradient(
    total: list[torch.Tensor],
    training: Training,
    store: TokenStore,
    split: str,
    rows: NDArray[np.int64],
    parameters: list[torch.nn.Parameter],
) -> float:
    """The mean loss over these rows [rows] of a split, whose gradient is added: a float32 tensor for each parameter."""
    if not len(rows):
        raise UserError(f"source '{store.source}' has no {split} sequence of {training.spec.context} tokens.")
    model: Any = training.model
    before, losses = model.training, []
    model.eval()
    for start in range(0, len(rows), training.micro_batch):
        some = rows[start : start + training.micro_batch]
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
    return float(torch.stack(losses).sum())
