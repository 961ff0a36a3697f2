"""Dot products of gradients between sources: how far a step on one lowers the losses of all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from emulsion.data.batches import spread_rows
from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.methods.interface import sequences_evaluated
from emulsion.seeds import derive_seed
from emulsion.training.forward import blocks
from emulsion.training.loop import Training
from emulsion.training.sharding import part


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
    evaluated = sequences_evaluated(training.spec.validation_sequences, len(training.stores), validation_share)
    together, losses = _zeros(chosen), {}
    for source, store in training.stores.items():
        rows = spread_rows(store.count("validation", context), evaluated)
        losses[source] = _add_gradient(together, training, store, "validation", rows, chosen)
    products, norms = {}, {}
    for trained, store in training.stores.items():
        chance = np.random.default_rng(derive_seed(training.spec.seed, "gradients", trained, training.step))
        available = store.count("train", context)
        count = min(available, training.spec.validation_sequences)
        rows = np.sort(chance.choice(available, count, replace=False)).astype(np.int64)
        alone = _zeros(chosen)
        _add_gradient(alone, training, store, "train", rows, chosen)
        products[trained] = _dot(training, alone, together)
        norms[trained] = math.sqrt(_dot(training, alone, alone))
    return Alignments(losses, products, norms)


def chosen_parameters(model: Any, which: str) -> list[torch.nn.Parameter]:
    """The trained parameters that gradients are taken of: "all", or those of the "last_block" of the transformer."""
    module = blocks(model)[-1] if which == "last_block" else model
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def _zeros(parameters: list[torch.nn.Parameter]) -> list[torch.Tensor]:
    """For what this process holds of each parameter."""
    return [torch.zeros_like(part(parameter), dtype=torch.float32) for parameter in parameters]


def _dot(training: Training, first: list[torch.Tensor], second: list[torch.Tensor]) -> float:
    dots = torch.stack([(a * b).sum() for a, b in zip(first, second, strict=True)])
    if training.sharded:
        dots = training.accelerator.reduce(dots)
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
        for sum_, found in zip(total, _gradients(training, loss, parameters), strict=True):
            if found is not None:
                sum_ += found
    model.train(before)
    return float(torch.stack(losses).sum())


def _gradients(
    training: Training, loss: torch.Tensor, parameters: list[torch.nn.Parameter]
) -> Sequence[torch.Tensor | None]:
    """The gradients of a loss that every process has taken; None of parameters that it does not depend on."""
    if not training.sharded:
        # Unlike backward(), this leaves the gradients of the training itself alone.
        return torch.autograd.grad(loss, parameters, allow_unused=True)
    # Only backward() reaches a parameter in parts. Between steps there are no other gradients, and the mean over
    # processes of what is the same in all changes nothing.
    loss.backward()  # type: ignore[no-untyped-call]
    found = [None if parameter.grad is None else part(parameter.grad) for parameter in parameters]
    training.optimizer.zero_grad(set_to_none=True)
    return found
