"""Multiple choice by likelihood: the choice a model finds most likely, per UTF-8 byte, after the prompt.

One row of the batch holds a whole question, context first and every choice behind it. A mask lets each choice
see the context and itself alone, and positions count on from the context for each, so that the context is
computed once and the result is that of scoring each choice by itself. The head runs only where a choice's
token is predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emulsion.errors import UserError
from emulsion.losses import additive_mask, hidden_states, inference, token_losses

# Numbers in a batch's attention mask: 2**24 of 4 bytes are 64 MB.
_MASK = 1 << 24


@dataclass(frozen=True)
class Question:
    """Token ids of a context and of each continuation, and the UTF-8 bytes of each choice."""

    context: list[int]
    continuations: list[list[int]]
    sizes: list[int]

    @property
    def fed(self) -> int:
        """Tokens the model reads: a continuation's last token is predicted and never read."""
        return len(self.context) + sum(len(tokens) - 1 for tokens in self.continuations)


def encode_questions(
    tokenizer: Any,
    prompts: Sequence[str],
    choices: Sequence[Sequence[str]],
    context: int,
    names: Sequence[str] | None = None,
) -> list[Question]:
    """Token ids of prompts and their choices, cut from the left to a model's context length in tokens.

    White space at the end of a prompt belongs to the choice, as tokenizers attach it to the word behind it.
    Prompt and choice are encoded together, as in training; what is scored are the tokens behind the longest
    beginning that all of a question's encodings share with the prompt's own. So where a choice merges with
    the prompt's last letters every choice is charged for them. An empty prompt is the end-of-text token.
    Raises UserError, which starts with the question's of `names`, for a choice that does not fit in the context,
    or that the tokenizer leaves nothing of.
    """
    bodies = [prompt.rstrip() for prompt in prompts]
    texts = [prompt + choice for prompt, given in zip(prompts, choices, strict=True) for choice in given]
    encoded = iter(_encode(tokenizer, texts))
    return [
        _question(body, [next(encoded) for _ in given], given, tokenizer.eos_token_id, context, name)
        for body, given, name in zip(_encode(tokenizer, bodies), choices, names or [""] * len(bodies), strict=True)
    ]


def log_likelihoods(model: Any, questions: Sequence[Question], batch: int) -> list[NDArray[np.float64]]:
    """For each question the log-probability of each of its continuations, [choices], nats."""
    results: list[NDArray[np.float64]] = [np.empty(0)] * len(questions)
    with inference(model):
        for indices in _batches([question.fed for question in questions], batch):
            for index, each in zip(indices, _score(model, [questions[i] for i in indices]), strict=True):
                results[index] = each
    return results


def _encode(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    return list(tokenizer(texts, add_special_tokens=False)["input_ids"]) if texts else []


def _question(
    body: list[int], wholes: list[list[int]], choices: Sequence[str], end: int | None, context: int, name: str
) -> Question:
    said = f"{name}: " if name else ""
    # Published tasks have continuations of nothing, which cost the prompt's last token; an item of ours is a mistake.
    if body in wholes and (name or not body):
        raise UserError(
            f"{said}the tokenizer leaves nothing of the choice {choices[wholes.index(body)]!r}, whose characters it "
            "does not know; take another tokenizer, or leave the item out."
        )
    split = min(_common(body, whole[:-1]) for whole in wholes)
    continuations = [whole[split:] for whole in wholes]
    shared = wholes[0][:split]
    if not shared:
        if end is None:
            raise UserError("tokenizer: an empty prompt needs an end-of-text token to stand for it.")
        shared = [end]
    longest = max(len(tokens) for tokens in continuations)
    if longest > context:
        shown = max(zip(continuations, choices, strict=True), key=lambda pair: len(pair[0]))[1][:60]
        raise UserError(
            f"{said}the {longest} tokens of the choice {shown!r} do not fit in the model's context of {context}; "
            "shorten it, or take a longer context."
        )
    # All choices keep the same context, and the longest one's last token is not read.
    kept = shared[-(context - longest + 1) :]
    return Question(kept, continuations, [len(choice.encode()) for choice in choices])


def _common(left: list[int], right: list[int]) -> int:
    """The length of the longest common beginning."""
    for index, (a, b) in enumerate(zip(left, right, strict=False)):
        if a != b:
            return index
    return min(len(left), len(right))


def _batches(lengths: list[int], batch: int) -> Iterator[list[int]]:
    """Indices in order of length, at most `batch` at once and fewer where the mask would be large."""
    held: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        if held and (len(held) == batch or (len(held) + 1) * lengths[index] ** 2 > _MASK):
            yield held
            held = []
        held.append(index)
    if held:
        yield held


def _score(model: Any, questions: list[Question]) -> list[NDArray[np.float64]]:
    width = max(question.fed for question in questions)
    packed = np.zeros((3, len(questions), width), np.int64)
    packed[2] = -1
    for row, question in enumerate(questions):
        packed[:, row, : question.fed] = _row(question)
    tokens, positions, segments = torch.from_numpy(packed).to(model.device)
    rows = [row * width + index for row, question in enumerate(questions) for index in _predictors(question)]
    targets = [token for question in questions for read in question.continuations for token in read]
    mask = additive_mask(_seen(segments), model.dtype)
    hidden = hidden_states(model, tokens, position_ids=positions, attention_mask=mask)
    picked = hidden.flatten(0, 1)[torch.tensor(rows, device=model.device)]
    nats = -token_losses(model, picked, torch.tensor(targets, device=model.device)).double().cpu().numpy()
    lengths = [len(read) for question in questions for read in question.continuations]
    totals = np.add.reduceat(nats, np.cumsum([0, *lengths[:-1]]))
    return np.split(totals, np.cumsum([len(question.continuations) for question in questions])[:-1])


def _row(question: Question) -> tuple[list[int], list[int], list[int]]:
    """Tokens, positions and segments (0 the context, k the k-th continuation) of one question, each [fed]."""
    start = len(question.context)
    tokens, positions, segments = list(question.context), list(range(start)), [0] * start
    for segment, continuation in enumerate(question.continuations, start=1):
        read = continuation[:-1]
        tokens += read
        positions += range(start, start + len(read))
        segments += [segment] * len(read)
    return tokens, positions, segments


def _predictors(question: Question) -> list[int]:
    """Where in its row each token of each continuation is predicted."""
    indices, start = [], len(question.context)
    for continuation in question.continuations:
        read = len(continuation) - 1
        indices += [len(question.context) - 1, *range(start, start + read)]
        start += read
    return indices


def _seen(segments: Tensor) -> Tensor:
    """Where each token [rows, T, T] sees back into the context and its own segment, from segments [rows, T].

    Padding (-1) sees the context too and is seen by no one else.
    """
    same = (segments[:, None, :] == 0) | (segments[:, None, :] == segments[:, :, None])
    return same.tril()
