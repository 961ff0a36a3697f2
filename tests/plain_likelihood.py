"""The log-probability of a continuation by its definition, which batched scores are compared with."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from emulsion.losses import inference


def plain_log_likelihood(model: Any, context: Sequence[int], continuation: Sequence[int]) -> float:
    """One sequence, no padding, every logit; nats."""
    tokens = torch.tensor([[*context, *continuation]], device=model.device)
    with inference(model):
        logits = model(input_ids=tokens[:, :-1], use_cache=False).logits[0, len(context) - 1 :]
    return -float(functional.cross_entropy(logits.double(), tokens[0, len(context) :], reduction="sum"))
