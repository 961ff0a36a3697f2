"""Fully sharded training (FSDP): each device holds a part of every weight, of its gradient and of Adam's moments.

Each holds 16 bytes of a parameter divided by the number of devices. A block of the transformer is gathered when it is
computed, the embeddings and the head for the whole of a pass; in bf16 the copies that products are taken of stay until
the backward pass, 2 bytes of every parameter. Numbers are those of devices that hold the whole model, up to rounding,
and what is saved are whole tensors: a run resumes on another number of devices, sharded or not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from accelerate import Accelerator
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard, register_fsdp_forward_method
from torch.distributed.tensor import DTensor, distribute_tensor

from emulsion.errors import UserError
from emulsion.training.forward import SequenceLosses, blocks

T = TypeVar("T")
# What computes with the whole model besides its forward pass: `SequenceLosses` has them.
_PASSES = ("evaluate", "evaluate_tokens", "use")


def shard(losses: SequenceLosses, accelerator: Accelerator) -> Callable[[Tensor], Tensor]:
    """Split a model over all devices, in place; returns its forward pass, in the accelerator's precision.

    The model may lie on the processor: a device takes its blocks one by one and keeps its part of each.
    Raises UserError for fp16.
    """
    if accelerator.scaler is not None:
        raise UserError("`sharding: full` does not go with `precision: fp16`, which needs a loss scaler; take bf16.")
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    for block in blocks(losses.model):
        fully_shard(block, mesh=mesh)
    fully_shard(losses, mesh=mesh)
    for name in _PASSES:
        register_fsdp_forward_method(losses, name)
        setattr(losses, name, _then_in_parts(losses, getattr(losses, name)))

    def forward(tokens: Tensor) -> Tensor:
        with accelerator.autocast():
            found: Tensor = losses(tokens)
        return found

    return forward


def _then_in_parts(losses: Any, function: Callable[..., T]) -> Callable[..., T]:
    """A pass without a backward one, after which FSDP would leave embeddings and head whole."""

    def run(*arguments: Any) -> T:
        try:
            return function(*arguments)
        finally:
            losses.reshard()

    return run


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor that may be sharded; every process has to ask for it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part(tensor: Tensor) -> Tensor:
    """What this process holds of a tensor that may be sharded."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def placed_like(tensor: Tensor, other: Tensor) -> Tensor:
    """A whole tensor, the same in every process, where `other` is, and sharded as it is."""
    here = tensor.to(other.device)
    if not isinstance(other, DTensor):
        return here
    return distribute_tensor(here, other.device_mesh, other.placements, src_data_rank=None)


def gathered(tensors: Mapping[str, Tensor], *, keep: bool = True) -> dict[str, Tensor]:
    """{name: whole tensor on the processor} of tensors that may be sharded; every process has to ask for them.

    A tensor of two names is one tensor again. keep: whether this process wants them; else it gets none.
    """
    kept: dict[int, Tensor | None] = {}
    for tensor in tensors.values():
        if id(tensor) not in kept:
            all_of_it = whole(tensor.detach())
            kept[id(tensor)] = all_of_it.cpu().contiguous() if keep else None
    found = {name: kept[id(tensor)] for name, tensor in tensors.items()}
    return {name: tensor for name, tensor in found.items() if tensor is not None}
