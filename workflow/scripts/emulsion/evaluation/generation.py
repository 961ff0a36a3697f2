"""Batched generation with a key-value cache, in which a sample depends on its own seed and not on its batch.

Each request draws from uniforms of its own by inversion of the distribution function, in double precision. So
the order and the size of batches change a sample only where a uniform falls within rounding (about 1e-6) of a
boundary.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from emulsion.losses import additive_mask, hidden_states, inference

CONTINUED_TOKENS = 40  # of a text continued to look at


@dataclass(frozen=True)
class Request:
    """A prompt's token ids, the most tokens to add, and the seed of the sample."""

    prompt: Sequence[int]
    max_new_tokens: int
    seed: int = 0


def generate(
    model: Any,
    requests: Sequence[Request],
    *,
    temperature: float,
    end: int | None,
    batch: int,
    context: int,
    unused: Sequence[int] = (),
) -> list[list[int]]:
    """The new token ids of each request, without the end token that stopped it.

    `temperature` 0 takes the likeliest token. `end`: the end-of-text token. `context`: the model's context
    length in tokens. A prompt too long for context and new tokens together is cut from the left, to half the
    context at least; when the context runs out, the text ends. `unused`: ids that are never drawn.
    """
    results: list[list[int]] = [[] for _ in requests]
    prompts = [_cut(request, context, end) for request in requests]
    limits = [min(r.max_new_tokens, context - len(p) + 1) for r, p in zip(requests, prompts, strict=True)]
    # Rows that run equally long share a batch, so that few steps are taken with few rows.
    order = sorted(range(len(requests)), key=lambda index: (limits[index], len(prompts[index])))
    with inference(model), _warned_only():
        for start in range(0, len(order), batch):
            indices = order[start : start + batch]
            chosen = [prompts[index] for index in indices]
            most = [limits[index] for index in indices]
            draws = _draws([requests[index].seed for index in indices], most)
            texts = _run(model, chosen, most, draws.to(model.device), temperature, end, unused)
            for index, tokens in zip(indices, texts, strict=True):
                results[index] = tokens
    return results


def rows_without_token(model: Any, tokenizer: Any) -> list[int]:
    """The ids below the size of the model's vocabulary that no token has: vocabularies are often padded."""
    rows = model.get_output_embeddings().weight.shape[0]
    return sorted(set(range(rows)) - set(tokenizer.get_vocab().values()))


def continue_text(model: Any, prompt: list[int], *, tokenizer: Path) -> dict[str, str]:
    """{"prompt", "text"}: the prompt and the likeliest tokens after it, both as text."""
    from transformers import AutoTokenizer

    codec = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True, trust_remote_code=False)
    context = model.config.max_position_embeddings
    request, unused = Request(prompt, min(CONTINUED_TOKENS, context // 2)), rows_without_token(model, codec)
    [new] = generate(model, [request], temperature=0, end=codec.eos_token_id, batch=1, context=context, unused=unused)
    return {"prompt": codec.decode(prompt), "text": codec.decode(new)}


@contextmanager
def _warned_only() -> Iterator[None]:
    """Allow sums of probabilities on a GPU, which has no repeatable kernel for them, in a process that trains."""
    enabled, warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    torch.use_deterministic_algorithms(enabled, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warned)


def pick(logits: Tensor, uniforms: Tensor, temperature: float) -> Tensor:
    """A token id per row [rows] from logits [rows, vocabulary] and uniforms [rows] in [0, 1)."""
    if temperature == 0:
        return logits.argmax(dim=-1)
    heights = torch.softmax(logits.double() / temperature, dim=-1).cumsum(dim=-1)
    tokens = torch.searchsorted(heights, uniforms[:, None] * heights[:, -1:], right=True)
    return tokens[:, 0].clamp_(max=logits.shape[-1] - 1)


def _cut(request: Request, context: int, end: int | None) -> list[int]:
    """The prompt's last tokens that leave room for the new ones; an empty prompt is the end-of-text token."""
    room = max(context - request.max_new_tokens + 1, context // 2, 1)
    prompt = list(request.prompt[-room:])
    return prompt or [0 if end is None else end]


def _draws(seeds: list[int], counts: list[int]) -> Tensor:
    """Uniforms in [0, 1), [rows, longest]: each row the first `count` numbers of its seed's stream."""
    draws = np.zeros((len(seeds), max(counts)))
    for row, (seed, count) in enumerate(zip(seeds, counts, strict=True)):
        draws[row, :count] = np.random.default_rng(seed).random(count)
    return torch.from_numpy(draws)


def _run(
    model: Any,
    prompts: list[list[int]],
    limits: list[int],
    uniforms: Tensor,
    temperature: float,
    end: int | None,
    unused: Sequence[int],
) -> list[list[int]]:
    """Generate for one batch; rows leave it as they end."""
    device, head = model.device, model.get_output_embeddings()
    never = torch.tensor(unused, dtype=torch.long, device=device)
    texts: list[list[int]] = [[] for _ in prompts]
    alive = list(range(len(prompts)))
    tokens, pads = _pad_left(prompts, device)
    width = tokens.shape[1]
    positions = (torch.arange(width, device=device) - pads[:, None]).clamp_(min=0)
    cache = DynamicCache(config=model.config)
    step = 0
    while True:
        mask = _mask(pads, width + step, tokens.shape[1], model.dtype)
        hidden = hidden_states(
            model, tokens, position_ids=positions, attention_mask=mask, past_key_values=cache, use_cache=True
        )
        logits = head(hidden[:, -1]).index_fill(-1, never, -torch.inf)
        new = pick(logits, uniforms[:, step], temperature)
        kept = []
        step += 1
        for row, (index, token) in enumerate(zip(alive, new.tolist(), strict=True)):
            if token == end:
                continue
            texts[index].append(token)
            if step < limits[index]:
                kept.append(row)
        if not kept:
            return texts
        if len(kept) < len(alive):
            rows = torch.tensor(kept, device=device)
            cache.batch_select_indices(rows)
            new, pads, uniforms, alive = new[rows], pads[rows], uniforms[rows], [alive[row] for row in kept]
        tokens = new[:, None]
        positions = (width + step - 1 - pads)[:, None]


def _pad_left(prompts: list[list[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids [rows, T] and the padding in front of each row [rows]."""
    width = max(len(prompt) for prompt in prompts)
    pads = [width - len(prompt) for prompt in prompts]
    rows = [[0] * pad + prompt for pad, prompt in zip(pads, prompts, strict=True)]
    return torch.tensor(rows, device=device), torch.tensor(pads, device=device)


def _mask(pads: Tensor, keys: int, queries: int, dtype: torch.dtype) -> Tensor | None:
    """An additive causal mask [rows, 1, queries, keys] that hides padding; None where there is no padding."""
    if not pads.any():
        return None
    key = torch.arange(keys, device=pads.device)
    query = torch.arange(keys - queries, keys, device=pads.device)
    return additive_mask((key >= pads[:, None])[:, None, :] & (key <= query[:, None]), dtype)
