"""Next-token losses of a causal language model, with bounded memory for logits.

Hidden states come from the base transformer, and the output embedding is applied to a few rows at a time, so
that the [sequences, tokens, vocabulary] logits never exist. That needs a model whose logits are the output
embedding of the last hidden state and nothing else, as in GPT-2, GPT-NeoX and Llama; `require_plain_head`
finds out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from emulsion.errors import UserError

# Logits held at once: 2**23 numbers of 4 bytes are 32 MB, and as much again while they are normalised. So few leave a
# GPU idle.
_LOGITS, _LOGITS_ON_GPU = 1 << 23, 1 << 28


@contextmanager
def inference(model: Any) -> Iterator[None]:
    """Evaluation mode without gradients; the model's former mode comes back afterwards."""
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(training)


def hidden_states(model: Any, tokens: Tensor, **arguments: Any) -> Tensor:
    """The last hidden states [sequences, T, width] of token ids [sequences, T]: a model without its head."""
    hidden: Tensor = model.base_model(input_ids=tokens, **{"use_cache": False, **arguments}).last_hidden_state
    return hidden


def additive_mask(seen: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask [rows, 1, queries, keys] for any attention kernel, from where each query sees each key, boolean.

    The least finite number stands for minus infinity: a query that sees nothing would make NaN of it.
    """
    return torch.zeros_like(seen, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)[:, None]


def token_losses(model: Any, hidden: Tensor, targets: Tensor) -> Tensor:
    """Cross entropy in nats [n], float32, of hidden states [n, width] for target ids [n]."""
    head = model.get_output_embeddings()
    rows = max(1, (_LOGITS_ON_GPU if hidden.is_cuda else _LOGITS) // head.weight.shape[0])
    chunks = zip(torch.split(hidden, rows), torch.split(targets, rows), strict=True)
    return torch.cat([functional.cross_entropy(head(h).float(), t, reduction="none") for h, t in chunks])


def sequence_losses(model: Any, tokens: NDArray[np.integer[Any]] | Tensor, batch: int) -> NDArray[np.float64]:
    """The mean loss of each sequence, nats per token, [sequences].

    `tokens` [sequences, T + 1]: inputs are all but the last column, labels all but the first. `batch`
    sequences run at once and do not change the result beyond rounding. The model is a plain transformers
    model: unwrap it first.
    """
    losses = [each.double().mean(dim=1).cpu().numpy() for each in _by_token(model, tokens, batch)]
    return np.concatenate(losses) if losses else np.empty(0)


def losses_by_token(model: Any, tokens: NDArray[np.integer[Any]] | Tensor, batch: int) -> NDArray[np.float32]:
    """The same of each token, [sequences, T]."""
    losses = [each.float().cpu().numpy() for each in _by_token(model, tokens, batch)]
    return np.concatenate(losses) if losses else np.empty((0, tokens.shape[1] - 1), dtype=np.float32)


def _by_token(model: Any, tokens: NDArray[np.integer[Any]] | Tensor, batch: int) -> Iterator[Tensor]:
    """Losses [batch, T], float32, of one batch after the other."""
    with inference(model):
        for start in range(0, len(tokens), batch):
            rows = torch.as_tensor(tokens[start : start + batch]).to(model.device, torch.int64)
            hidden = hidden_states(model, rows[:, :-1])
            yield token_losses(model, hidden.flatten(0, 1), rows[:, 1:].flatten()).view(len(rows), -1)


def require_plain_head(model: Any) -> None:
    """Raise UserError where the model changes its logits after the output embedding (soft caps, scaling)."""
    with inference(model):
        tokens = torch.zeros(1, 2, dtype=torch.int64, device=model.device)
        logits = model.get_output_embeddings()(hidden_states(model, tokens))
        plain = torch.allclose(logits, model(input_ids=tokens, use_cache=False).logits, rtol=1e-3, atol=1e-4)
    if not plain:
        raise UserError(f"model: {type(model).__name__} changes its logits after the output embedding; not supported.")
