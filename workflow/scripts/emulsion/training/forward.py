"""The forward pass of training: token ids in, the mean loss of each sequence out; compiled on a GPU where that pays.

Compiling fuses what lies between matrix products, above all the cross entropy, whose float32 logits then never exist.
The blocks of a transformer are alike, so each is compiled by itself, once for all: seconds, not minutes. Kernels are
chosen without timing them (`deterministic`) and for one shape at a time, so that a resumed run computes the same bits.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, linear, pad

from emulsion.losses import hidden_states, inference, losses_by_token, sequence_losses
from emulsion.models import flops_per_token
from emulsion.spec import RunSpec

T = TypeVar("T")
# Floating-point operations of a run. Compiling takes some 15 s, which an H100 has saved by then.
WORTH_COMPILING = 1e16
# Shapes: whole and last micro-batches of steps, validation and test texts, with and without gradients.
SHAPES = 64
OPTIONS: dict[str, Any] = {"deterministic": True}
ALIGNED = 64


class SequenceLosses(torch.nn.Module):
    """A model with its loss: token ids [sequences, context + 1] to mean losses [sequences], nats per token, float32."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.losses: Callable[[Tensor, Tensor, Tensor], Tensor] = head_losses

    def forward(self, tokens: Tensor) -> Tensor:
        head = self.model.get_output_embeddings()
        return self.losses(hidden_states(self.model, tokens[:, :-1]), head.weight, tokens[:, 1:])

    def evaluate(self, tokens: NDArray[Any], batch: int) -> NDArray[np.float64]:
        """Losses [sequences] of token ids [sequences, context + 1], `batch` of them at once, without gradients."""
        if self.losses is head_losses:
            return sequence_losses(self.model, tokens, batch)
        with inference(self.model):
            pieces = torch.split(torch.as_tensor(tokens).to(self.model.device, torch.int64), batch)
            return torch.cat([self.forward(piece) for piece in pieces]).double().cpu().numpy()

    def use(self, function: Callable[[Any], T]) -> T:
        """What a function of the model returns; a model in parts (`training.sharding`) is whole for it."""
        return function(self.model)

    def evaluate_tokens(self, tokens: NDArray[Any], batch: int) -> NDArray[np.float32]:
        """Losses [sequences, context] of each token, likewise."""
        return losses_by_token(self.model, tokens, batch)

    def compile_parts(self) -> None:
        """Compile the blocks of the model, in place, and its loss."""
        torch._dynamo.config.recompile_limit = max(SHAPES, torch._dynamo.config.recompile_limit)
        for block in blocks(self.model):
            block.compile(dynamic=False, options=OPTIONS)
        self.losses = torch.compile(aligned_head_losses, dynamic=False, options=OPTIONS)


def blocks(model: Any) -> list[torch.nn.Module]:
    """The blocks of a transformer, from the first to the last."""
    parts = model.base_model.children()
    return [block for part in parts if isinstance(part, torch.nn.ModuleList) for block in part]


def head_losses(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """Mean losses [sequences] of hidden states [sequences, T, width] under an output embedding [vocabulary, width]."""
    return _mean_losses(linear(hidden, head), targets)


def aligned_head_losses(hidden: Tensor, head: Tensor, targets: Tensor) -> Tensor:
    """The same, of a matrix whose size suits tensor cores: 50,257 rows (GPT-2) take four times as long as 50,304."""
    logits = linear(hidden, pad(head, (0, 0, 0, -head.shape[0] % ALIGNED)))
    return _mean_losses(logits[..., : head.shape[0]], targets)


def _mean_losses(logits: Tensor, targets: Tensor) -> Tensor:
    each = cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
    return each.view_as(targets).mean(dim=1)


def worth_compiling(spec: RunSpec, model: Any, device: torch.device) -> bool:
    """Whether a run of this model on this device is long enough, and all that a compiler needs is there."""
    vocabulary = model.get_output_embeddings().weight.shape[0]
    if device.type != "cuda" or spec.realised_tokens * flops_per_token(spec.model, vocabulary) < WORTH_COMPILING:
        return False
    from torch.utils._triton import has_triton

    return has_triton() and any(map(shutil.which, filter(None, (os.environ.get("CC"), "gcc", "clang", "cc"))))
