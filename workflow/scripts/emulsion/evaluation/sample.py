"""A text continued by a model, to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emulsion.evaluation.generation import Request, generate, rows_without_token

NEW_TOKENS = 40


def continue_text(model: Any, prompt: list[int], *, tokenizer: Path) -> dict[str, str]:
    """{"prompt", "text"}: the prompt and the likeliest tokens after it, both as text."""
    from transformers import AutoTokenizer

    codec = AutoTokenizer.from_pretrained(tokenizer, local_files_only=True, trust_remote_code=False)
    context = model.config.max_position_embeddings
    request, unused = Request(prompt, min(NEW_TOKENS, context // 2)), rows_without_token(model, codec)
    [new] = generate(model, [request], temperature=0, end=codec.eos_token_id, batch=1, context=context, unused=unused)
    return {"prompt": codec.decode(prompt), "text": codec.decode(new)}
